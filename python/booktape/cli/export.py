"""`booktape export`: a tape's records in another format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

from booktape.cli import options
from booktape.cli.output import Output, rows_of, writes_rows
from booktape.cli.screen import progress

if TYPE_CHECKING:
    from booktape import Tape

_FILTERS = ("start", "end", "instrument", "publisher")


@click.command(short_help="Write a tape's records in another format.")
@writes_rows
@options.reads_tape
def export(*, tape: Tape, output: Output, as_json: bool, **asked: Any) -> None:
    """Write the records as they are, as DBN, CSV, Parquet or Arrow.

    A DBN file of the whole tape keeps the records of other types and ts_out; all else is MBO records alone.

    [dim]booktape export session.mbo.dbn.zst -o session.parquet[/]

    [dim]booktape export session.mbo.dbn.zst --start 2025-09-24T19:30Z --end 2025-09-24T19:35Z -o open.dbn.zst[/]
    """
    is_whole = all(asked[name] is None for name in _FILTERS)
    if output.format == "dbn" and is_whole and not output.is_standard:
        with progress(f"writing {output.path}") as on_progress:
            tape.to_dbn(output.path, progress=on_progress)
        output.tell("mbo", len(tape), as_json=as_json)
    else:
        output.write(rows_of(tape, "mbo", **asked), as_json=as_json)
