"""`booktape serve`: tapes over HTTP, with the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booktape import Tape


@click.command(short_help="Serve tapes over HTTP, with the page.")
@click.argument("files", nargs=-1, type=options.type_of_files, metavar="[FILE…]")
@options.host
@options.port
@options.insecure
@options.tolerant
@options.max_decompressed
def serve(
    *,
    files: Sequence[str],
    host: str | None,
    port: int | None,
    insecure: bool,
    tolerant: bool,
    max_decompressed: int | None,
) -> None:
    """Serve DBN files: the page at /, the interface described at /docs. Each FILE is a tape of its own.

    Prints the address when it is ready. Ctrl-C stops, telling open streams. Without API keys (`booktape keys new`),
    only this machine may reach the service.
    """
    tapes = [options.open_tape([file], tolerant=tolerant, max_decompressed=max_decompressed) for file in files]
    what = f"{len(tapes)} tape{'' if len(tapes) == 1 else 's'}"
    run_service(tapes, host=host, port=port, insecure=insecure, what=what)


def run_service(tapes: list[Tape], *, host: str | None, port: int | None, insecure: bool, what: str) -> None:
    """Runs the service until it is told to stop; flags win over settings."""
    from booktape.service import run
    from booktape.settings import Settings

    flags = {"host": host, "port": port, "allow_open": insecure or None}
    run(
        tapes,
        settings=Settings().model_copy(update={name: value for name, value in flags.items() if value is not None}),
        on_ready=lambda url: click.echo(f"{what} at {url}  (page /, interface /docs, Ctrl-C stops)"),
    )
