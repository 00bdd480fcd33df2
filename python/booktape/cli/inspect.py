"""`booktape inspect`: what a file is and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, write_json

if TYPE_CHECKING:
    from booktape import Tape

_SHOWN = 20


@click.command(short_help="What a file is and what is in it.")
@options.as_json
@options.reads_tape
def inspect(tape: Tape, as_json: bool) -> None:
    """Show what DBN files hold: dataset, time range, instruments, records.

    Several files, in time order, are read as one tape.
    """
    if as_json:
        import json

        books = [book._asdict() for book in tape.instruments]
        write_json(json.dumps(tape.summary() | {"instruments": books}).encode())
        return
    _show(tape)


def _show(tape: Tape) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from booktape.moment import elapsed, iso

    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim")
    facts.add_column()
    facts.add_row("tape", Text.assemble((tape.name, "bold"), f"  {tape.id}"))
    facts.add_row("dataset", f"{tape.dataset}, DBN version {tape.dbn_version}")
    facts.add_row("records", f"{len(tape):,}")
    if tape.start_ns is not None and tape.end_ns is not None:
        facts.add_row(
            "received", f"{iso(tape.start_ns)} to {iso(tape.end_ns)}  ({elapsed(tape.end_ns - tape.start_ns)})"
        )
    for kind, count in tape.other_records.items():
        facts.add_row("beside", f"{count:,} {kind} records")
    books = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("instrument", "symbol", "publisher", "records"):
        books.add_column(name, justify="right" if name in {"instrument", "records"} else "left")
    found = tape.instruments
    for book in found[:_SHOWN]:
        books.add_row(str(book.instrument_id), book.symbol or "", book.publisher, f"{book.records:,}")
    console = answers()
    console.print(facts, books)
    if len(found) > _SHOWN:
        console.print(f"and {len(found) - _SHOWN:,} more; --json lists all", style="dim")
