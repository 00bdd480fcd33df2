"""Rows of a tape on their way out: Databento's other schemas derived from its records, or the records themselves."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, get_args

from booktape import _native
from booktape.errors import InputError
from booktape.lookup import find_ids
from booktape.moment import Moment, iso
from booktape.parameters import COUNT_RANGE, ID_RANGE, PUBLISHER_RANGE, bad_parameter, within
from booktape.sink import Sink
from booktape.values import Form, Prices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from booktape.moment import Time
    from booktape.tape import Path, Progress, Tape
    from booktape.values import Schema


When: TypeAlias = "Moment | SupportsIndex | Time | None"
"""A moment as the calls of a tape take it; None is where the tape begins, or ends."""


class Derived:
    """The rows of one schema, made anew and in bounded memory by every use; `Tape.derive` makes it.

    It is an Arrow stream (``__arrow_c_stream__``) of batches of some 65,536 rows: ``polars.DataFrame(derived)``,
    ``pyarrow.table(derived)`` and ``duckdb.sql("from derived")`` take it as it is. Iterating gives the same batches as
    ``pyarrow.RecordBatch``.

    Columns have the names and order of Databento's data frames. Times are timestamp[ns, UTC], `action` and `side`
    strings of one letter, prices float64 (``"float"``), int64 in units of 1e-9 (``"int"``) or decimal128(19, 9)
    (``"decimal"``); no time and no price are null. `symbol` is what the instrument was called at that time.

    >>> import booktape as bt
    >>> trades = bt.synthesize(messages=10_000, seed=1).derive("trades")
    >>> trades.columns[:5]
    ['ts_recv', 'ts_event', 'rtype', 'publisher_id', 'instrument_id']
    >>> import pyarrow
    >>> pyarrow.table(trades).num_rows == len(trades.to_numpy())
    True
    """

    __slots__ = ("_about", "_prices", "_rows", "_symbols")

    def __init__(self, rows: _native.Rows, about: str, prices: Prices, *, symbols: bool) -> None:
        self._rows = rows
        self._about = about
        self._prices = prices
        self._symbols = symbols

    @classmethod
    def _of(
        cls,
        tape: Tape,
        schema: Schema,
        *,
        start: When,
        end: When,
        instrument_id: SupportsIndex | None,
        publisher_id: SupportsIndex | None,
        limit: SupportsIndex | None,
        prices: Prices,
        symbols: bool,
        dataset: str | None,
        clear_depth: SupportsIndex,
    ) -> Derived:
        if prices not in get_args(Prices):
            raise bad_parameter("prices", prices, f"one of {', '.join(get_args(Prices))}")
        first, since = _beginning(tape, start)
        stop = _ending(tape, end)
        if stop < first:
            raise bad_parameter("end", _said(end), f"it is before start = {_said(start)!r}")
        instrument, publisher = find_ids(
            tape,
            None if instrument_id is None else within("instrument_id", instrument_id, ID_RANGE),
            None if publisher_id is None else within("publisher_id", publisher_id, PUBLISHER_RANGE),
        )
        rows = _native.Rows(
            tape._native,
            schema,
            start=first,
            stop=stop,
            since=since,
            instrument_id=instrument,
            publisher_id=publisher,
            limit=None if limit is None else within("limit", limit, COUNT_RANGE),
            dataset=dataset,
            clear_depth=within("clear_depth", clear_depth, range(256)),
        )
        about = f"{schema} of {tape.name}"
        about += f", instrument {instrument}" if instrument is not None else ""
        about += f", publisher {publisher}" if publisher is not None else ""
        if tape.start_ns is not None and tape.end_ns is not None:
            begun = since or tape.start_ns
            ended = tape.end_ns if stop == len(tape) else tape._native.ts_at(stop) or tape.end_ns
            about += f", {iso(begun)} to {iso(ended)}"
        return cls(rows, about, prices, symbols=symbols)

    @property
    def schema(self) -> str:
        """The schema's name, as Databento spells it."""
        return self._rows.schema

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [name for name, _, _ in self._rows.columns()] + ["symbol"] * self._symbols

    def to_dbn(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes a DBN file, whole or not at all; zstd-compressed where the path ends in ``.zst``.

        Version 3, with the tape's symbols: Databento's own packages read it. Returns the number of rows.
        """
        return self._rows.write_dbn(os.fspath(path), progress=progress)

    def to_csv(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes comma-separated values, whole or not at all; zstd-compressed where the path ends in ``.zst``.

        As Databento's: times ISO 8601 with nine digits, prices with nine decimals (integers of 1e-9 where prices are
        ``"int"``), `symbol` last. Returns the number of rows.
        """
        return self._rows.write_csv(os.fspath(path), decimal=self._decimal, symbols=self._symbols, progress=progress)

    def to_parquet(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes a Parquet file, whole or not at all: zstd-compressed, a row group a batch.

        Returns the number of rows.
        """
        with whole_file(path) as part, _parquet(part, self._arrow_schema()) as writer:
            return _write(writer, self._batches(progress))

    def to_arrow(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes an Arrow IPC file (Feather V2), whole or not at all, uncompressed: it can be mapped into memory.

        Returns the number of rows.
        """
        from pyarrow import ipc

        with whole_file(path) as part, ipc.new_file(part, self._arrow_schema()) as writer:
            return _write(writer, self._batches(progress))

    def pieces(self, form: Form, *, progress: Progress | None = None) -> Iterator[bytes]:
        """The bytes of a file, made as they are taken and in bounded memory: for whoever sends them on.

        ``"dbn"`` (``"dbn.zst"`` compressed), ``"csv"`` and ``"parquet"`` are the files that `to_dbn`, `to_csv` and
        `to_parquet` write. ``"arrow"`` is an Arrow IPC stream. ``"json"`` is an array of objects in Databento's layout:
        numbers of 64 bits are strings, times in ns and prices in units of 1e-9. A piece is a few 100 KiB, or nothing
        where much work brought no row. `progress` is called while a piece is made; what it raises stops the work.

        >>> import booktape as bt, json
        >>> pieces = bt.synthesize(messages=10_000, seed=1).derive("trades", limit=1).pieces("json")
        >>> list(json.loads(b"".join(pieces))[0]["hd"])
        ['ts_event', 'rtype', 'publisher_id', 'instrument_id']
        """
        if form not in get_args(Form):
            raise bad_parameter("form", form, f"one of {', '.join(get_args(Form))}")
        match form:
            case "dbn" | "dbn.zst":
                return self._rows.dbn(compressed=form == "dbn.zst", progress=progress)
            case "csv":
                return self._rows.csv(decimal=self._decimal, symbols=self._symbols, progress=progress)
            case "json":
                return self._rows.json(symbols=self._symbols, progress=progress)
            case "parquet":
                return _written(partial(_parquet, schema=self._arrow_schema()), self._batches(progress))
            case "arrow":
                return _written(partial(_arrow, schema=self._arrow_schema()), self._batches(progress))

    def to_numpy(self) -> NDArray[np.void]:
        """All rows as one structured array, shape (n,), held in memory.

        Fields are those of Databento's arrays, reserved ones left out: prices int64 in units of 1e-9, times uint64 ns
        UTC, none of either as the largest value. `prices` and `symbols` do not change it.

        >>> import booktape as bt
        >>> bt.synthesize(messages=1_000, seed=1).derive("mbp-10").to_numpy()["bid_px_09"].dtype
        dtype('int64')
        """
        import numpy as np

        fields = sorted([("length", "u1", 0), *self._rows.columns()], key=lambda field: field[2])
        names, formats, offsets = (list(part) for part in zip(*fields, strict=True))
        layout: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": self._rows.row_size}
        rows = bytearray()
        for block in self._rows.blocks():
            rows += block
        dtype: np.dtype[np.void] = np.dtype(layout)
        return np.frombuffer(rows, dtype=dtype)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._rows.arrow_stream(self._prices, symbols=self._symbols)

    def __arrow_c_schema__(self) -> object:
        return self._rows.arrow_schema(self._prices, symbols=self._symbols)

    def __repr__(self) -> str:
        return f"<Derived {self._about}>"

    def _repr_html_(self) -> str:
        from booktape.notebook import derived_html

        return derived_html(self._about, self.columns)

    @property
    def _decimal(self) -> bool:
        return self._prices != "int"

    def _arrow_schema(self) -> pa.Schema:
        import pyarrow as pa

        return pa.schema(self)

    def _batches(self, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in self._rows.batches(self._prices, symbols=self._symbols, progress=progress):
            yield pa.record_batch(batch)


@contextmanager
def whole_file(path: Path) -> Iterator[str]:
    """Where to write a file that gets its name when it is complete; after an error nothing is left."""
    with _native.WholeFile(os.fspath(path)) as part:
        try:
            yield part
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise InputError(f"{os.fspath(path)}: {why}") from error


def _write(writer: Any, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    for batch in batches:
        writer.write_batch(batch)
        rows += len(batch)
    return rows


def _parquet(sink: Any, schema: pa.Schema) -> Any:
    from pyarrow import parquet

    return parquet.ParquetWriter(sink, schema, compression="zstd")


def _arrow(sink: Any, schema: pa.Schema) -> Any:
    from pyarrow import ipc

    return ipc.new_stream(sink, schema)


def _written(open_writer: Callable[[Any], Any], batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """What a writer makes of batches, as it makes it."""
    sink = Sink()
    with open_writer(sink) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()


def _said(when: When) -> object:
    """A moment as whoever asked wrote it."""
    return str(when) if isinstance(when, Moment) else when


def _beginning(tape: Tape, start: When) -> tuple[int, int]:
    """The first position that brings rows, be it behind the last record, and the time from which intervals do."""
    if start is None:
        return tape.first_index, 0
    moment = Moment.of(start)
    first = len(tape) if moment.index == len(tape) else moment.first(tape._native)
    return first, moment.ts if moment.ts is not None else tape._native.ts_at(first) or 0


def _ending(tape: Tape, end: When) -> int:
    """The position before which records bring rows: an index may be that behind the last record."""
    if end is None:
        return len(tape)
    moment = Moment.of(end)
    return len(tape) if moment.index == len(tape) else moment.first(tape._native)
