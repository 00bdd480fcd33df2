"""Rows as an Arrow stream: what takes it, in how much memory, and what comes through when it breaks."""

import signal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import psutil
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

import booktape as bt
from booktape.values import Prices

MESSAGES = 1_000_000


@pytest.fixture(scope="module")
def long_tape() -> bt.Tape:
    return bt.synthesize(messages=MESSAGES, instruments=2, seed=5)


def asked(question: str, rows: bt.Derived) -> list[Any]:  # noqa: ARG001 - DuckDB finds them by their name
    answer = duckdb.sql(question)
    assert answer is not None
    return answer.fetchall()


@pytest.mark.parametrize("prices", ["float", "int", "decimal"])
def test_data_frame_libraries_take_it_as_it_is(two_instruments: bt.Tape, prices: Prices) -> None:
    derived = two_instruments.derive("mbp-10", prices=prices)
    table = pa.table(derived)
    assert table.num_rows == len(derived.to_numpy())
    assert pa.RecordBatchReader.from_stream(derived).read_all().equals(table)
    assert pl.DataFrame(derived).equals(pl.DataFrame(table))
    assert pl.DataFrame(derived).schema["ts_recv"] == pl.Datetime("ns", "UTC")
    assert pd.DataFrame.from_arrow(derived).equals(table.to_pandas())
    found = asked("select count(*), max(bid_px_00), min(symbol) from rows", derived)
    symbols = sorted(symbol for symbol in two_instruments.symbols.values())
    assert found == [(table.num_rows, pl.DataFrame(table)["bid_px_00"].max(), symbols[0])]


def test_duckdb_counts_what_numpy_counts(two_instruments: bt.Tape) -> None:
    trades = two_instruments.derive("trades", prices="int")
    found = asked("select instrument_id, sum(size)::ubigint, max(price) from rows group by 1 order by 1", trades)
    rows = trades.to_numpy()
    expected = []
    for instrument_id in sorted(two_instruments.symbols):
        of_it = rows[rows["instrument_id"] == instrument_id]
        expected.append((instrument_id, int(of_it["size"].sum()), int(of_it["price"].max())))
    assert found == expected


def test_files_hold_the_same_table(two_instruments: bt.Tape, tmp_path: Path) -> None:
    derived = two_instruments.derive("mbp-10", prices="decimal")
    table = pa.table(derived)
    assert derived.to_parquet(tmp_path / "rows.parquet") == derived.to_arrow(tmp_path / "rows.arrow") == table.num_rows
    assert parquet.read_table(tmp_path / "rows.parquet").equals(table)
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(pl.DataFrame(table))
    found = duckdb.read_parquet(str(tmp_path / "rows.parquet"))
    assert found.columns == table.column_names
    assert found.aggregate("sum(bid_px_00), count(*)").fetchall() == [
        (pl.DataFrame(table)["bid_px_00"].sum(), len(table))
    ]
    with ipc.open_file(tmp_path / "rows.arrow") as file:
        assert file.read_all().equals(table)
    column = parquet.ParquetFile(tmp_path / "rows.parquet").metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_batches_are_the_stream(long_tape: bt.Tape) -> None:
    derived = long_tape.derive("mbp-10")
    batches = list(derived)
    assert len(batches) > 1
    assert pa.Table.from_batches(batches).equals(pa.table(derived))
    assert max(len(batch) for batch in batches) < 2 * 65_536


class Watched:
    """How much memory was taken, at most, since the beginning."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._before = self._process.memory_info().rss
        self.most = 0

    def look(self, *_: int) -> None:
        self.most = max(self.most, self._process.memory_info().rss - self._before)


def test_a_long_tape_takes_no_more_memory_than_a_batch(long_tape: bt.Tape, tmp_path: Path) -> None:
    derived = long_tape.derive("mbp-10")
    size = 0
    for write in (derived.to_dbn, derived.to_parquet, derived.to_csv):
        watched = Watched()
        write(tmp_path / "rows", progress=watched.look)
        watched.look()
        size = size or (tmp_path / "rows").stat().st_size
        assert watched.most < size * 0.6, write.__name__
    watched = Watched()
    for _ in pa.RecordBatchReader.from_stream(derived):
        watched.look()
    assert watched.most < size * 0.6


class EnoughError(Exception):
    pass


def test_what_python_raises_comes_through_the_stream(long_tape: bt.Tape) -> None:
    def enough(*_: Any) -> None:
        raise EnoughError("that will do")

    def broken() -> str:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                while True:
                    pa.table(long_tape.derive("ohlcv-1d"))
            except EnoughError:  # it rang between two tables, where Python raises it itself
                continue
            except pa.ArrowException as error:
                return str(error)

    before = signal.signal(signal.SIGALRM, enough)
    try:
        assert "that will do" in broken()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_stream_outlives_what_made_it() -> None:
    stream = pa.RecordBatchReader.from_stream(bt.synthesize(messages=1_000, seed=1).derive("mbo"))
    assert stream.read_all().num_rows == 1_000


@pytest.fixture
def file_tape(long_tape: bt.Tape, tmp_path: Path) -> bt.Tape:
    """The same records, read by position from a file."""
    path = tmp_path / "long.dbn"
    long_tape.to_dbn(path)
    return bt.open(path, max_in_memory=1, data_dir=tmp_path)


def test_a_tape_need_not_be_in_memory(long_tape: bt.Tape, file_tape: bt.Tape) -> None:
    for schema in ("mbp-1", "ohlcv-1m", "mbo"):
        for start in (None, 900_000):
            derived, expected = (tape.derive(schema, start=start) for tape in (file_tape, long_tape))
            assert pa.table(derived).equals(pa.table(expected))


def test_a_file_that_goes_bad_breaks_the_stream_and_not_the_target(file_tape: bt.Tape, tmp_path: Path) -> None:
    (tmp_path / "long.dbn").write_bytes(b"")
    derived = file_tape.derive("mbp-1")
    with pytest.raises(pa.ArrowException, match=r"long\.dbn"):
        pa.table(derived)
    with pytest.raises(pl.exceptions.ComputeError, match=r"long\.dbn"):
        pl.DataFrame(derived)
    for write in (derived.to_dbn, derived.to_csv, derived.to_parquet, derived.to_arrow):
        with pytest.raises(bt.InputError, match=r"long\.dbn"):
            write(tmp_path / "rows")
    assert not [path for path in tmp_path.iterdir() if "rows" in path.name]
