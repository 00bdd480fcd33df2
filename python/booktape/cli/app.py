"""The command group: what `booktape` alone, `--help` and `--version` say, and how every command ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from booktape import __version__
from booktape.cli.audit import audit
from booktape.cli.book import book
from booktape.cli.demo import demo
from booktape.cli.derive import derive
from booktape.cli.doctor import doctor
from booktape.cli.exits import MEANING, Exit, report
from booktape.cli.export import export
from booktape.cli.fetch import fetch
from booktape.cli.gateway import gateway
from booktape.cli.inspect import inspect
from booktape.cli.keys import keys
from booktape.cli.order import order
from booktape.cli.record import record
from booktape.cli.replay import replay
from booktape.cli.serve import serve
from booktape.cli.store import store
from booktape.cli.synth import synth

if TYPE_CHECKING:
    from collections.abc import Sequence

# The renderer of epilogs keeps only the line breaks that are blank lines.
_EPILOG = "\n\n".join(
    [
        "[bold]Exit codes[/]",
        *(f"{code:<4} {meaning}" for code, meaning in MEANING.items()),
        " ",
        "[bold]Completion[/]",
        'bash eval "$(_BOOKTAPE_COMPLETE=bash_source booktape)"',
        'zsh  eval "$(_BOOKTAPE_COMPLETE=zsh_source booktape)"',
        "fish _BOOKTAPE_COMPLETE=fish_source booktape | source",
    ]
)


class _Commands(click.RichGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EPILOG,
)
@click.rich_config(help_config=click.RichHelpConfiguration(text_markup="rich", max_width=100, theme="default-slim"))
@click.version_option(__version__, "--version", "-V", prog_name="booktape")
def app() -> None:
    """Exactly right order books from Databento Market-by-Order (L3) data.

    Begin with `booktape demo`, which needs no data, or with `booktape serve FILE`.
    """


for _command in (
    demo,
    serve,
    record,
    gateway,
    inspect,
    book,
    order,
    replay,
    derive,
    export,
    audit,
    synth,
    fetch,
    store,
    keys,
    doctor,
):
    app.add_command(_command)


def _open_standard_files() -> None:
    """Gives what was started without standard output or error a place for them: `booktape … >&-` is no mistake."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code; errors are a line on standard error."""
    _open_standard_files()
    try:
        code = app.main(args=arguments, prog_name="booktape", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the edge of the process: whatever it is, the user gets one line
        return report(error)
    return code if isinstance(code, int) else Exit.OK
