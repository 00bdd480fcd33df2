"""`booktape derive`: rows of Databento's other schemas, made from the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import rich_click as click

from booktape.cli import options
from booktape.cli.output import Output, rows_of, writes_rows
from booktape.values import Schema

if TYPE_CHECKING:
    from booktape import Tape

_SCHEMAS = [schema for schema in get_args(Schema) if schema != "mbo"]


@click.command(short_help="Make mbp, trades, bbo or ohlcv rows of a tape.")
@click.option("--schema", "-s", required=True, type=click.Choice(_SCHEMAS), help="What rows to make.")
@writes_rows
@options.reads_tape
def derive(*, tape: Tape, schema: Schema, output: Output, as_json: bool, **asked: Any) -> None:
    """Write rows of another schema of Databento's, made from the records: best prices, depth, trades, samples, bars.

    The file is there when it is complete, or not at all. DBN and CSV are as Databento writes them.

    [dim]booktape derive session.mbo.dbn.zst --schema mbp-10 -o depth.parquet[/]

    [dim]booktape derive session.mbo.dbn.zst -s ohlcv-1m -i CLX5 -o bars.csv[/]

    [dim]booktape derive session.mbo.dbn.zst -s trades -f arrow -o - | your-program[/]
    """
    output.write(rows_of(tape, schema, **asked), as_json=as_json)
