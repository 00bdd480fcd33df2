"""Where rows go: a file of a format that its name says, or standard output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, progress, write_json
from booktape.errors import NotFoundError, ParameterError
from booktape.lookup import find_ids
from booktape.moment import Moment
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booktape import Tape
    from booktape.derive import Derived
    from booktape.values import Schema

Format: TypeAlias = Literal["dbn", "csv", "parquet", "arrow"]

_STANDARD = "-"
_ENDINGS: dict[str, Format] = {
    ".dbn": "dbn",
    ".dbn.zst": "dbn",
    ".csv": "csv",
    ".csv.zst": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}


@dataclass(frozen=True, slots=True)
class Output:
    """What was asked for, checked before anything is read."""

    path: str
    format: Format

    @classmethod
    def of(cls, path: str, named: Format | None, files: Sequence[str], *, force: bool) -> Output:
        """Refuses a name that says no format, a file that is there unless forced, and one that is being read."""
        if path == _STANDARD:
            return cls(path, _standard_format(named))
        ending = next((form for end, form in _ENDINGS.items() if path.lower().endswith(end)), None)
        chosen = named or ending
        if chosen is None:
            raise bad_parameter("output", path, f"say what it is with --format, or by its end: {', '.join(_ENDINGS)}")
        target = Path(path)
        if target.is_file() and any(Path(file).exists() and target.samefile(file) for file in files):
            raise bad_parameter("output", path, "it is the file to be read; write to another")
        if target.is_file() and not force:
            raise bad_parameter("output", path, "the file is there already; --force replaces it")
        return cls(path, chosen)

    @property
    def is_standard(self) -> bool:
        """Whether it is standard output."""
        return self.path == _STANDARD

    def write(self, rows: Derived, *, as_json: bool) -> None:
        """Writes the rows, with progress, and tells what was written."""
        if self.is_standard:
            for piece in rows.pieces(self.format):
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        writers = {"dbn": rows.to_dbn, "csv": rows.to_csv, "parquet": rows.to_parquet, "arrow": rows.to_arrow}
        with progress(f"writing {Path(self.path).name}") as on_progress:
            count = writers[self.format](self.path, progress=on_progress)
        self.tell(rows.schema, count, as_json=as_json)

    def tell(self, schema: str, rows: int, *, as_json: bool) -> None:
        """What was written, in a line."""
        size = Path(self.path).stat().st_size
        if as_json:
            import json

            told = {"output": self.path, "format": self.format, "schema": schema, "rows": rows, "bytes": size}
            write_json(json.dumps(told).encode())
        else:
            answers().print(f"{self.path}: {rows:,} rows of {schema} as {self.format}, {size:,} bytes", soft_wrap=True)


def _standard_format(named: Format | None) -> Format:
    form = named or "csv"
    if form == "parquet":
        raise bad_parameter("format", form, "parquet cannot be streamed; write it to a file, or stream arrow")
    if form != "csv" and sys.stdout.isatty():
        raise bad_parameter("output", _STANDARD, f"{form} is not for a terminal; send it to a file or another program")
    return form


def writes_rows(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command that reads a tape the options for which rows to write, and where, which is its `output`."""

    @click.option(
        "--output",
        "-o",
        required=True,
        metavar="PATH",
        help="The file to write, or - for standard output (CSV if not said).",
    )
    @click.option(
        "--format",
        "-f",
        "named",
        type=click.Choice(get_args(Format)),
        help="What to write, where the end of the name does not say it.",
    )
    @click.option("--force", is_flag=True, help="Replace a file that is there already.")
    @click.option("--start", metavar="TIME|INDEX", help="Rows from this moment on, of books built from the beginning.")
    @click.option("--end", metavar="TIME|INDEX", help="Rows before this moment.")
    @options.instrument
    @options.publisher
    @click.option(
        "--prices",
        type=click.Choice(["float", "int", "decimal"]),
        default="float",
        show_default=True,
        help="How columns hold prices: int is units of 1e-9. CSV has all decimals but for int; DBN is always int.",
    )
    @click.option(
        "--symbols/--no-symbols", default=True, help="Whether there is a column of symbols.", show_default=True
    )
    @click.option("--json", "as_json", is_flag=True, help="Tell what was written as JSON.")
    @wraps(command)
    def asked(*, output: str, named: Format | None, force: bool, as_json: bool, **others: Any) -> None:
        if as_json and output == _STANDARD:
            raise bad_parameter("json", as_json, "standard output is for the rows; write them to a file")
        command(output=Output.of(output, named, others["files"], force=force), as_json=as_json, **others)

    return asked


def rows_of(
    tape: Tape,
    schema: Schema,
    *,
    start: str | None,
    end: str | None,
    instrument: str | None,
    publisher: str | None,
    **others: Any,
) -> Derived:
    """The rows of a tape that the options ask for."""
    instrument_id, publisher_id = find_ids(tape, instrument, publisher)
    begin = None if start is None else Moment.parse(start, "start")
    finish = None if end is None else Moment.parse(end, "end")
    try:
        return tape.derive(
            schema, start=begin, end=finish, instrument_id=instrument_id, publisher_id=publisher_id, **others
        )
    except ParameterError as outside:  # all else was checked by now
        raise NotFoundError(str(outside)) from None
