"""`booktape doctor`: whether everything that booktape needs is here, and what to do where it is not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.exits import Exit
from booktape.cli.screen import answers, write_json

if TYPE_CHECKING:
    from booktape.cli.checks import Check

_STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(short_help="Check the installation, and list the settings.")
@options.as_json
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Look at the installation, the machine and the settings, and say what to do where something is missing."""
    from booktape.cli.checks import examine

    checks = examine()
    if as_json:
        write_json(json.dumps([asdict(check) for check in checks]).encode())
    else:
        _show(checks)
    if any(check.status == "fail" for check in checks):
        context.exit(Exit.INTERNAL)


def _show(checks: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for check in checks:
        found = Text(check.found)
        if check.advice:
            found.append(f"\n{check.advice}", style="dim")
        table.add_row(Text(check.status, style=_STYLE[check.status]), Text(check.name, style="bold"), found)
    answers().print(table)
