"""Whatever the records, every derived schema has the rows that its page says."""

from typing import Any

import pytest
from databento_dbn import DBNDecoder, Metadata, Schema, SType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import booktape as bt
from tests.conformance.derived.oracle import LEVEL, UNDEF_TIMESTAMP, Row, derive
from tests.conformance.derived.rows import LEVELS, SCHEMAS, derived, rows_of
from tests.conformance.records import Record, pack
from tests.conformance.strategies import AMISS, EXECUTE, LEAVE, SIDES, SIZES, WHICH, Change, Enter, streams, weighted

conformance = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECOND = 1_000_000_000
INTERVALS = [schema for schema in SCHEMAS if schema.startswith(("bbo", "ohlcv"))]
# More levels than mbp-10 shows, so that levels move in and out of sight.
FAR = st.integers(0, 14)
MOVES_OF_DEEP_BOOKS = weighted(
    {
        st.builds(Enter, SIDES, FAR, SIZES): 40,
        st.builds(Change, WHICH, st.sampled_from([0, 1, -1, 5, -5, 12, -12]), st.integers(-9, 9), st.booleans()): 8,
        LEAVE: 12,
        EXECUTE: 6,
    }
    | AMISS
)
STEPS_OF_TIME = st.sampled_from(
    [0, 1, 1, SECOND // 3, SECOND, SECOND + 1, 20 * SECOND, 60 * SECOND, 3_600 * SECOND, -2 * SECOND, 86_400 * SECOND]
)


@st.composite
def timed(draw: st.DrawFn) -> list[Record]:
    """A stream whose clock jumps, stands and goes back, and at times says nothing or nonsense."""
    stream, time = draw(streams()), draw(st.sampled_from([0, 1, 1_758_742_200 * SECOND]))
    timed = []
    for record in stream:
        time = max(0, time + draw(STEPS_OF_TIME))
        odd = draw(st.sampled_from([None] * 60 + [UNDEF_TIMESTAMP, UNDEF_TIMESTAMP - 1, record.ts_recv]))
        timed.append(record._replace(ts_recv=time if odd is None else odd))
    return timed


@conformance
@given(stream=streams(), dataset=st.sampled_from(["GLBX.MDP3", "XNAS.ITCH"]))
def test_rows_of_any_stream(stream: list[Record], dataset: str) -> None:
    tape = tape_of(stream, dataset)
    for schema in LEVELS:
        assert derived(tape, schema) == derive(stream, schema, dataset=dataset), schema


@conformance
@given(stream=streams(MOVES_OF_DEEP_BOOKS))
def test_rows_of_deep_books(stream: list[Record]) -> None:
    assert derived(tape_of(stream), "mbp-10") == derive(stream, "mbp-10")


@conformance
@given(stream=timed())
def test_rows_of_intervals(stream: list[Record]) -> None:
    tape = tape_of(stream)
    for schema in INTERVALS:
        assert derived(tape, schema) == derive(stream, schema), schema


@conformance
@given(stream=streams(MOVES_OF_DEEP_BOOKS))
def test_the_last_row_of_a_book_is_true(stream: list[Record]) -> None:
    """Whoever only reads rows knows the ten best levels of every book whose event is over."""
    market = bt.Market()
    market.apply(tape := tape_of(stream))
    last = {(row["publisher_id"], row["instrument_id"]): row["levels"] for row in derived(tape, "mbp-10")}
    over = {(record.publisher_id, record.instrument_id): bool(record.flags & 128) for record in stream}
    for publisher_id, instrument_id in [key for key, is_over in over.items() if is_over]:
        book = market.book(instrument_id, publisher_id)
        levels = last.get((publisher_id, instrument_id), [])
        bids = [(level[0], level[2], level[4]) for level in levels if level[4] or level[2]]
        asks = [(level[1], level[3], level[5]) for level in levels if level[5] or level[3]]
        assert bids == [(p, min(s, 2**32 - 1), c) for p, s, c in book.bids(10, view="published")]
        assert asks == [(p, min(s, 2**32 - 1), c) for p, s, c in book.asks(10, view="published")]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_rows_of_a_synthetic_session(schema: str) -> None:
    planted = dict.fromkeys(["unknown_cancel", "duplicate_add", "conflicting_add", "over_cancel"], 20)
    tape = bt.synthesize(messages=3_000, instruments=2, seed=3, anomalies=planted)
    records = [Record.unpack(raw.tobytes()) for raw in tape.to_numpy()]
    assert derived(tape, schema) == derive(records, schema)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_databentos_decoder_reads_the_same(schema: str) -> None:
    """Rows behind metadata are a DBN stream: their types and values are those that the official package sees."""
    tape = bt.synthesize(messages=3_000, instruments=2, seed=3)
    decoder = DBNDecoder()
    decoder.write(metadata(schema) + rows_of(tape, schema))
    _, *decoded = decoder.decode()
    assert [as_row(record, schema) for record in decoded] == derived(tape, schema)


def as_row(record: Any, schema: str) -> Row:
    """A record of the official package as a row of the oracle."""
    names = {"rtype", "publisher_id", "instrument_id", "ts_event"}
    if schema.startswith("ohlcv"):
        return {name: int(getattr(record, name)) for name in [*names, "open", "high", "low", "close", "volume"]}
    names |= {"price", "size", "flags", "ts_recv", "sequence"}
    row: Row = {"side": str(record.side)}
    if not schema.startswith("bbo"):
        names |= {"depth", "ts_in_delta"}
        row["action"] = str(record.action)
    if LEVELS[schema]:
        row["levels"] = [tuple(getattr(level, name) for name in LEVEL) for level in record.levels]
    return row | {name: int(getattr(record, name)) for name in names}


def tape_of(stream: list[Record], dataset: str = "GLBX.MDP3") -> bt.Tape:
    return bt.open(metadata("mbo", dataset) + pack(stream))


def metadata(schema: str, dataset: str = "GLBX.MDP3") -> bytes:
    """The head of a DBN stream of version 3."""
    raw_symbol, instrument_id = SType("raw_symbol"), SType("instrument_id")
    return bytes(
        Metadata(
            dataset=dataset,
            start=0,
            stype_in=raw_symbol,
            stype_out=instrument_id,
            schema=Schema(schema),
            version=3,
        )
    )
