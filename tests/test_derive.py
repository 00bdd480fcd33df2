"""Rows out of a tape: what Databento's own package reads of them, which rows there are, and what is refused."""

import json
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import databento
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

import booktape as bt
from booktape.values import Schema
from tests.conformance.records import Record
from tests.dbn_files import INSTRUMENT, metadata

pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword:Warning")  # databento's own, of pandas

SCHEMAS: tuple[Schema, ...] = get_args(Schema)
OF_EVENTS: list[Schema] = ["mbp-1", "mbp-10", "tbbo", "trades", "mbo"]
OF_INTERVALS: list[Schema] = ["bbo-1s", "bbo-1m", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d"]
UNDEF_PRICE, UNDEF_TS = 2**63 - 1, 2**64 - 1
DAY = 86_400_000_000_000

Rows = NDArray[np.void]


def read_by_databento(path: Path) -> databento.DBNStore:
    return databento.DBNStore.from_bytes(path.read_bytes())  # from_file leaves the file open


def same(ours: Rows, theirs: Rows) -> bool:
    names = ours.dtype.names
    assert names
    return len(ours) == len(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in names)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", ["rows.dbn", "rows.dbn.zst"])
def test_databento_reads_the_dbn(two_instruments: bt.Tape, tmp_path: Path, schema: Schema, name: str) -> None:
    derived = two_instruments.derive(schema)
    rows = derived.to_dbn(tmp_path / name)
    store = read_by_databento(tmp_path / name)
    assert (str(store.schema), store.dataset, store.metadata.version) == (schema, two_instruments.dataset, 3)
    assert store.metadata.symbols == list(two_instruments.symbols.values())
    assert same(derived.to_numpy(), store.to_ndarray())
    assert rows == len(derived.to_numpy()) > 0


@pytest.mark.parametrize("schema", SCHEMAS)
def test_columns_are_those_of_databentos_frame(two_instruments: bt.Tape, tmp_path: Path, schema: Schema) -> None:
    derived = two_instruments.derive(schema)
    derived.to_dbn(tmp_path / "rows.dbn")
    theirs = read_by_databento(tmp_path / "rows.dbn").to_df().reset_index()
    ours = pa.table(derived)
    assert ours.column_names == derived.columns == list(theirs.columns)
    assert set(theirs["symbol"]) <= set(two_instruments.symbols.values())
    for name in ours.column_names:
        column, expected = ours[name], theirs[name]
        if pa.types.is_timestamp(column.type):
            assert column.type == pa.timestamp("ns", "UTC")
            assert column.to_pandas().equals(expected.astype("datetime64[ns, UTC]"))
        elif pa.types.is_string(column.type):
            assert column.to_pylist() == list(expected)
        else:
            assert column.type == pa.from_numpy_dtype(expected.dtype)
            assert np.array_equal(column.to_numpy(), expected.to_numpy(), equal_nan=column.null_count > 0)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_text_is_databentos_text(two_instruments: bt.Tape, tmp_path: Path, schema: Schema) -> None:
    two_instruments.derive(schema).to_dbn(tmp_path / "rows.dbn")
    store = read_by_databento(tmp_path / "rows.dbn")
    for prices, symbols in ((True, True), (False, False)):
        store.to_csv(tmp_path / "theirs.csv", pretty_px=prices, map_symbols=symbols)
        derived = two_instruments.derive(schema, prices="float" if prices else "int", symbols=symbols)
        derived.to_csv(tmp_path / "ours.csv")
        assert (tmp_path / "ours.csv").read_text() == (tmp_path / "theirs.csv").read_text()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_text_of_real_data_is_databentos_text(clx5: Path, esm4: Path, tmp_path: Path, schema: Schema) -> None:
    for source in (clx5, esm4):
        derived = bt.open(source).derive(schema)
        derived.to_dbn(tmp_path / "rows.dbn")
        derived.to_csv(tmp_path / "ours.csv")
        read_by_databento(tmp_path / "rows.dbn").to_csv(tmp_path / "theirs.csv")
        assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()


def test_records_themselves_are_a_schema(tape: bt.Tape, tmp_path: Path) -> None:
    rows = tape.derive("mbo").to_numpy()
    assert rows.dtype == tape.to_numpy().dtype
    assert np.array_equal(rows, tape.to_numpy())
    assert tape.to_csv(tmp_path / "rows.csv") == tape.to_parquet(tmp_path / "rows.parquet") == len(tape)
    assert pa.table(tape).equals(pa.table(tape.derive("mbo")))


@pytest.mark.parametrize("schema", OF_EVENTS)
@pytest.mark.parametrize("cut", [0, 1, 2_345, 5_000])
def test_a_cut_divides_rows_and_not_books(two_instruments: bt.Tape, schema: Schema, cut: int) -> None:
    whole = two_instruments.derive(schema).to_numpy()
    before = two_instruments.derive(schema, end=cut).to_numpy()
    after = two_instruments.derive(schema, start=cut).to_numpy() if cut < len(two_instruments) else whole[:0]
    assert same(np.concatenate([before, after]), whole)


@pytest.mark.parametrize("schema", OF_EVENTS)
def test_a_time_cuts_before_the_first_record_at_it(two_instruments: bt.Tape, schema: Schema) -> None:
    index = 3_000
    at = two_instruments.to_numpy()["ts_recv"][index]
    first = int(np.flatnonzero(two_instruments.to_numpy()["ts_recv"] == at)[0])
    for when in (np.datetime64(int(at), "ns"), bt.moment.iso(int(at))):
        by_time = two_instruments.derive(schema, start=when).to_numpy()
        assert same(by_time, two_instruments.derive(schema, start=first).to_numpy())
        by_time = two_instruments.derive(schema, end=when).to_numpy()
        assert same(by_time, two_instruments.derive(schema, end=first).to_numpy())


@pytest.mark.parametrize("schema", OF_INTERVALS)
def test_intervals_from_a_start_are_those_not_before_it(two_instruments: bt.Tape, schema: Schema) -> None:
    whole = two_instruments.derive(schema).to_numpy()
    clock = "ts_event" if schema.startswith("ohlcv") else "ts_recv"
    assert two_instruments.start_ns is not None
    assert two_instruments.end_ns is not None
    inside = (two_instruments.start_ns + two_instruments.end_ns) // 2
    boundary = min(inside // 1_000_000_000 * 1_000_000_000, two_instruments.end_ns)
    for start in (inside, boundary):
        rows = two_instruments.derive(schema, start=np.datetime64(start, "ns")).to_numpy()
        assert same(rows, whole[whole[clock] >= start])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_one_instrument_has_its_rows_alone(two_instruments: bt.Tape, schema: Schema) -> None:
    whole = two_instruments.derive(schema).to_numpy()
    for instrument in two_instruments.instruments:
        wanted = two_instruments.derive(
            schema, instrument_id=instrument.instrument_id, publisher_id=instrument.publisher_id
        )
        assert same(wanted.to_numpy(), whole[whole["instrument_id"] == instrument.instrument_id])
        assert set(pa.table(wanted)["symbol"].to_pylist()) == {instrument.symbol}


def trade(ts: int, price: int = 64_000_000_000) -> Record:
    return Record("T", "B", 1, price, 3, 128, ts_recv=ts)


def test_prices_are_exact_and_their_absence_is_null() -> None:
    prices = [64_780_000_001, -37_630_000_000, UNDEF_PRICE, 2**63 - 2, -(2**63)]
    tape = bt.open(metadata() + b"".join(trade(1_000 + n, price).pack() for n, price in enumerate(prices)))
    expected = [None if price == UNDEF_PRICE else price for price in prices]

    def column(form: Any) -> list[Any]:
        found: list[Any] = pa.table(tape.derive("trades", prices=form))["price"].to_pylist()
        return found

    assert column("int") == expected
    assert column("float") == [None if price is None else price / 1e9 for price in expected]
    assert column("decimal") == [None if price is None else Decimal(price).scaleb(-9) for price in expected]
    assert pa.schema(tape.derive("trades", prices="decimal")).field("price").type == pa.decimal128(19, 9)
    assert pa.schema(tape.derive("trades", prices="int")).field("price").type == pa.int64()


def test_times_that_are_none_are_null() -> None:
    # A sample before the first trade has no time of a trade.
    add = Record("A", "B", 7, 64_000_000_000, 5, 128, ts_recv=1_500_000_000)
    tape = bt.open(metadata() + add.pack() + trade(2_500_000_000).pack())
    rows = tape.derive("bbo-1s")
    assert list(rows.to_numpy()["ts_event"] == UNDEF_TS) == [True, False]
    assert pa.table(rows)["ts_event"].is_null().to_pylist() == [True, False]


def mapping(symbol: str, ts: int) -> bytes:
    """A symbol mapping record of version 3."""
    head = struct.pack("<BBHIQ", 176 // 4, 22, 1, INSTRUMENT, ts)
    return head + struct.pack("<B71sB71sQQ", 0, b"CL.FUT", 1, symbol.encode(), 0, UNDEF_TS)


def test_a_symbol_is_that_of_the_rows_time() -> None:
    noon = DAY * 20_000 + DAY // 2
    hour = 3_600_000_000_000
    pieces = [
        mapping("CLX5", noon),
        trade(noon + 1).pack(),
        trade(noon + 2).pack(),
        mapping("CLZ5", noon + hour),
        trade(noon + hour + 1).pack(),
    ]
    tape = bt.open(metadata() + b"".join(pieces))
    expected: dict[Schema, list[str]] = {
        "mbo": ["CLX5", "CLX5", "CLZ5"],
        "trades": ["CLX5", "CLX5", "CLZ5"],
        "bbo-1s": ["CLX5", "CLZ5"],
        "ohlcv-1h": ["CLX5", "CLZ5"],
    }
    for schema, symbols in expected.items():
        assert pa.table(tape.derive(schema))["symbol"].to_pylist() == symbols
        # The last bar begins before the last record, at the full hour.
        late = [] if schema == "ohlcv-1h" else symbols[-1:]
        assert pa.table(tape.derive(schema, start=2))["symbol"].to_pylist() == late


def test_every_use_makes_the_rows_anew(two_instruments: bt.Tape) -> None:
    derived = two_instruments.derive("mbp-1")
    first, again = derived.to_numpy(), derived.to_numpy()
    assert np.array_equal(first, again)
    assert pa.Table.from_batches(derived).equals(pa.Table.from_batches(derived))
    first["price"] = 0
    assert not np.array_equal(first, derived.to_numpy())


def test_no_rows_are_still_a_table(tape: bt.Tape, tmp_path: Path) -> None:
    for schema in SCHEMAS:
        none = tape.derive(schema, end=0)
        assert pa.table(none).num_rows == 0
        assert pa.table(none).column_names == none.columns
        assert len(none.to_numpy()) == 0
        assert none.to_parquet(tmp_path / "none.parquet") == none.to_csv(tmp_path / "none.csv") == 0
        assert (tmp_path / "none.csv").read_text().strip() == ",".join(none.columns)
        none.to_dbn(tmp_path / "none.dbn")
        assert len(read_by_databento(tmp_path / "none.dbn").to_ndarray()) == 0


def test_an_empty_tape_has_no_rows() -> None:
    empty = bt.open(metadata())
    assert len(empty.derive("mbp-10").to_numpy()) == 0
    with pytest.raises(bt.BooktapeError, match="empty"):
        empty.derive("mbp-10", start="2025-01-01")


def test_it_says_what_it_is(tape: bt.Tape) -> None:
    derived = tape.derive("mbp-1", instrument_id=tape.instruments[0].instrument_id, start=2_000)
    for word in (
        "mbp-1",
        tape.name,
        str(tape.instruments[0].instrument_id),
        bt.moment.iso(int(tape.to_numpy()["ts_recv"][2_000])),
    ):
        assert word in repr(derived)
    assert "bid_px_00" in derived._repr_html_()


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"schema": "mbp-2"}, bt.ParameterError, r"schema = mbp-2: schemas are mbp-1, .*ohlcv-1d, and mbo"),
        ({"prices": "euros"}, bt.ParameterError, r"prices = 'euros': one of float, int, decimal"),
        ({"start": "1999-01-01"}, bt.ParameterError, r"1999-01-01.*: the tape goes from"),
        ({"end": "2199-01-01"}, bt.ParameterError, r"2199-01-01.*: the tape goes from"),
        ({"start": 5_001}, bt.ParameterError, r"the records 0 to 4,999"),
        ({"end": 5_001}, bt.ParameterError, r"the records 0 to 4,999"),
        ({"start": 20, "end": 10}, bt.ParameterError, r"end = 10: it is before start = 20"),
        ({"instrument_id": 999}, bt.NotFoundError, r"instrument 999 is not on the tape .*; it has \w+ \(\d+\)"),
        ({"publisher_id": 999}, bt.NotFoundError, r"publisher 999 is not on the tape .*; it has GLBX"),
        ({"instrument_id": -1}, bt.ParameterError, r"instrument_id = -1: expected an int"),
        ({"instrument_id": "CLX5"}, bt.ParameterError, r"instrument_id = 'CLX5': expected an int"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    tape: bt.Tape, asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        tape.derive(**{"schema": "mbp-1", **asked})


def test_the_choices_named_are_those_there_are(tape: bt.Tape) -> None:
    with pytest.raises(bt.ParameterError) as refused:
        tape.derive("mbp-2")  # type: ignore[arg-type]
    assert all(schema in str(refused.value) for schema in SCHEMAS)


WRITERS: list[Callable[[bt.Derived], Callable[..., int]]] = [
    lambda rows: rows.to_dbn,
    lambda rows: rows.to_csv,
    lambda rows: rows.to_parquet,
    lambda rows: rows.to_arrow,
]


@pytest.mark.parametrize("writer", WRITERS, ids=["dbn", "csv", "parquet", "arrow"])
def test_a_stopped_write_leaves_what_was_there(
    tape: bt.Tape, tmp_path: Path, writer: Callable[[bt.Derived], Callable[..., int]]
) -> None:
    def stop(done: int, total: int) -> None:
        assert done <= total == len(tape)
        raise RuntimeError("enough")

    path = tmp_path / "rows"
    path.write_text("before")
    with pytest.raises(RuntimeError, match="enough"):
        writer(tape.derive("mbp-10"))(path, progress=stop)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("writer", WRITERS, ids=["dbn", "csv", "parquet", "arrow"])
def test_places_that_cannot_be_written_are_named(
    tape: bt.Tape, tmp_path: Path, writer: Callable[[bt.Derived], Callable[..., int]]
) -> None:
    write = writer(tape.derive("mbp-10"))
    with pytest.raises(bt.InputError, match=r"nowhere.rows: No such file"):
        write(tmp_path / "nowhere" / "rows")
    with pytest.raises(bt.InputError, match="directory"):
        write(tmp_path)
    with pytest.raises(bt.InputError, match=r"/dev/full: No space left"):
        write("/dev/full")
    assert Path("/dev/full").is_char_device()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("writer", WRITERS, ids=["dbn", "csv", "parquet", "arrow"])
def test_progress_goes_to_the_end(
    tape: bt.Tape, tmp_path: Path, writer: Callable[[bt.Derived], Callable[..., int]]
) -> None:
    seen: list[tuple[int, int]] = []
    writer(tape.derive("bbo-1s"))(tmp_path / "rows", progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(tape), len(tape))


@pytest.mark.parametrize("letter", [*"AN\"\\'/", "\0", "\t", "\x1b", "\x7f", "\x81", "\xff"])
def test_json_is_json_whatever_the_letters_are(letter: str) -> None:
    record = Record(letter, letter, 1, 1_000_000_000, 1, 128, ts_recv=1)
    rows = bt.open(metadata(symbol="a\\x41'\"") + record.pack() * 2).derive("mbo")
    for row in json.loads(b"".join(rows.pieces("json"))):
        assert row["action"] == row["side"] == (letter if letter != "\0" else None)
        assert row["symbol"] == "a\\x41'\""
