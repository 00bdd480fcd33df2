"""Records and rows: those of the file, and those that `derive` makes of it."""

from itertools import pairwise
from random import Random
from typing import Literal

import numpy as np
import pytest
from databento_dbn import DBNDecoder
from hypothesis import given, settings
from hypothesis import strategies as st

import booktape as bt
from booktape import _native
from tests.session.reading import native, records_of, rows_of, session, taken, whole

DERIVED = ["mbp-1", "mbp-10", "tbbo", "trades", "bbo-1s", "bbo-1m", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d"]


def test_mbo_records_are_those_of_the_file(real: bt.Tape) -> None:
    assert whole(native(real), "mbo") == real.to_numpy().tobytes()


@pytest.mark.parametrize("schema", DERIVED)
def test_rows_are_those_that_derive_makes(real: bt.Tape, two_instruments: bt.Tape, schema: str) -> None:
    assert whole(native(real), schema) == rows_of(real, schema)
    assert whole(native(two_instruments), schema) == rows_of(two_instruments, schema)
    for instrument in two_instruments.instruments:
        ids = [instrument.instrument_id]
        assert whole(native(two_instruments), schema, ids=ids) == rows_of(two_instruments, schema, instrument_id=ids[0])


def test_one_instrument_of_two(two_instruments: bt.Tape) -> None:
    records = two_instruments.to_numpy()
    for instrument in two_instruments.instruments:
        ids = [instrument.instrument_id]
        mine = records[records["instrument_id"] == ids[0]]
        assert whole(native(two_instruments), "mbo", ids=ids) == mine.tobytes()


def test_records_come_before_the_rows_they_bring(tape: bt.Tape) -> None:
    seen = list(records_of(whole(native(tape), "mbo", "trades")))
    assert b"".join(record for record in seen if record[1] == 0xA0) == tape.to_numpy().tobytes()
    trades = [(before, record) for before, record in pairwise(seen) if record[1] == 0]
    assert len(trades) * 48 == len(rows_of(tape, "trades"))
    for record, row in trades:
        assert record[8:16] == row[8:16]
        assert record[38:39] == b"T"


def test_what_two_subscriptions_want_comes_once(two_instruments: bt.Tape) -> None:
    tape = native(two_instruments)
    first, second = (instrument.instrument_id for instrument in two_instruments.instruments)
    frames = session(tape, "mbo", "mbp-1", ids=[first])
    frames.subscribe(tape, "mbo", [first, second], position=0)
    frames.subscribe(tape, "mbp-1", None, position=0)
    assert taken(frames, tape, 0, len(tape)) == whole(tape, "mbo", "mbp-1")


def test_a_subscription_begins_at_its_position_and_time(two_instruments: bt.Tape) -> None:
    tape, records = native(two_instruments), two_instruments.to_numpy()
    first, second = (instrument.instrument_id for instrument in two_instruments.instruments)
    since = int(np.sort(records["ts_event"])[2_000])
    frames = _native.SessionFrames()
    frames.subscribe(tape, "mbo", [first], position=500)
    frames.subscribe(tape, "mbo", [second], position=1_000, since=since)
    index = np.arange(len(records))
    wanted = (records["instrument_id"] == first) & (index >= 500)
    wanted |= (records["instrument_id"] == second) & (index >= 1_000) & (records["ts_event"] >= since)
    assert taken(frames, tape, 500, len(tape)) == records[wanted].tobytes()


@pytest.mark.parametrize("schema", ["mbp-1", "mbp-10", "tbbo", "trades"])
def test_rows_from_the_middle_are_those_of_the_whole_tape(real: bt.Tape, schema: str) -> None:
    ends = np.flatnonzero(real.to_numpy()["flags"] & 128) + 1
    for position in Random(1).sample(sorted(int(end) for end in ends[:-1]), 5):
        frames = _native.SessionFrames()
        frames.subscribe(native(real), schema, None, position=position)
        assert taken(frames, native(real), position, len(real)) == rows_of(real, schema, start=position)


@pytest.mark.parametrize("schema", ["ohlcv-1s", "bbo-1s"])
def test_intervals_that_begin_after_the_middle_are_those_of_the_whole_tape(
    real: bt.Tape, schema: Literal["ohlcv-1s", "bbo-1s"]
) -> None:
    position, second = len(real) // 2, 10**9
    frames = _native.SessionFrames()
    frames.subscribe(native(real), schema, None, position=position)
    got = taken(frames, native(real), position, len(real)) + frames.finish()
    expected = real.derive(schema).to_numpy()
    clock = "ts_event" if schema == "ohlcv-1s" else "ts_recv"
    cut = (int(real.to_numpy()["ts_recv"][position]) // second + 2) * second
    rows = np.frombuffer(got, expected.dtype)
    np.testing.assert_array_equal(rows[rows[clock] >= cut], expected[expected[clock] >= cut])


def test_rows_have_a_time_to_begin_at(tape: bt.Tape) -> None:
    for schema, time_at in (("mbp-1", 8), ("ohlcv-1s", 8), ("bbo-1s", 32)):
        rows = [
            (int.from_bytes(row[time_at : time_at + 8], "little"), row)
            for row in records_of(whole(native(tape), schema))
        ]
        since = sorted(rows)[len(rows) // 2][0]
        frames = _native.SessionFrames()
        frames.subscribe(native(tape), schema, None, position=0, since=since)
        got = taken(frames, native(tape), 0, len(tape)) + frames.finish()
        assert got == b"".join(row for time, row in rows if time >= since) != b""


def test_an_interval_ends_with_the_time_of_whatever_book(two_instruments: bt.Tape) -> None:
    tape, records = native(two_instruments), two_instruments.to_numpy()
    for instrument in two_instruments.instruments:
        ids = [instrument.instrument_id]
        frames, start = session(tape, "ohlcv-1s", ids=ids), 0
        for bar in list(records_of(whole(tape, "ohlcv-1s", ids=ids)))[:-1]:
            end = int.from_bytes(bar[8:16], "little") + 10**9
            over = int(np.argmax(records["ts_recv"] >= end))
            assert taken(frames, tape, start, over) == b""
            assert taken(frames, tape, over, over + 1) == bar
            start = over + 1


def test_many_books_are_taken_up_as_each_alone() -> None:
    many = bt.synthesize(messages=40_000, instruments=20, seed=5)
    frames, position = _native.SessionFrames(), 25_000
    frames.subscribe(native(many), "mbp-10", None, position=position)
    rows = list(records_of(taken(frames, native(many), position, len(many))))
    for instrument in many.instruments:
        alone = _native.SessionFrames()
        alone.subscribe(native(many), "mbp-10", [instrument.instrument_id], position=position)
        mine = b"".join(row for row in rows if int.from_bytes(row[4:8], "little") == instrument.instrument_id)
        assert taken(alone, native(many), position, len(many)) == mine != b""


def test_a_later_subscription_begins_with_the_books_where_the_session_stands(two_instruments: bt.Tape) -> None:
    tape, records = native(two_instruments), two_instruments.to_numpy()
    first, second = (instrument.instrument_id for instrument in two_instruments.instruments)
    ends = np.flatnonzero((records["flags"] & 128 > 0) & (records["instrument_id"] == second)) + 1
    position = int(ends[len(ends) // 2])
    frames = session(tape, "mbp-1", ids=[first])
    before = taken(frames, tape, 0, position)
    frames.subscribe(tape, "mbp-1", [second], position=position)
    after = taken(frames, tape, position, len(tape))
    assert before + after != rows_of(two_instruments, "mbp-1", instrument_id=first)
    for instrument, expected in (
        (first, rows_of(two_instruments, "mbp-1", instrument_id=first)),
        (second, rows_of(two_instruments, "mbp-1", instrument_id=second, start=position)),
    ):
        rows = records_of(before + after)
        assert b"".join(row for row in rows if int.from_bytes(row[4:8], "little") == instrument) == expected


@settings(max_examples=30, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 5_000), max_size=12),
    schemas=st.sets(st.sampled_from(["mbo", "mbp-1", "bbo-1s", "ohlcv-1s"]), min_size=1),
)
def test_cuts_change_nothing(two_instruments: bt.Tape, cuts: list[int], schemas: set[str]) -> None:
    tape, order = native(two_instruments), sorted(schemas)
    frames, pieces, position = session(tape, *order), [], 0
    for cut in [*sorted(cuts), len(tape)]:
        pieces.append(taken(frames, tape, position, cut))
        position = cut
    assert b"".join(pieces) + frames.finish() == whole(tape, *order)


def test_going_elsewhere_begins_again_there(tape: bt.Tape) -> None:
    records = native(tape)
    frames = session(records, "mbo", "mbp-1")
    everything = taken(frames, records, 0, len(records))
    frames.restart(records, 0)
    assert taken(frames, records, 0, len(records)) == everything
    frames.restart(records, 4_000)
    again = session(records, "mbo", "mbp-1")
    again.restart(records, 4_000)
    assert taken(frames, records, 4_000, 5_000) == taken(again, records, 4_000, 5_000) != b""


@pytest.mark.parametrize("schemas", [["mbo"], ["mbo", "mbp-10", "ohlcv-1s"]])
def test_ts_out_is_read_by_databentos_decoder(tape: bt.Tape, schemas: list[str]) -> None:
    records = native(tape)
    frames = session(records, *schemas, ts_out=True)
    stamped = taken(frames, records, 0, len(records), ts_out=7) + frames.finish(ts_out=7)
    decoder = DBNDecoder(has_metadata=False, ts_out=True, input_version=3)
    decoded = decoder.write_and_decode(stamped)
    assert {record.ts_out for record in decoded} == {7}
    plain = []
    for record in records_of(stamped):
        assert record[-8:] == (7).to_bytes(8, "little")
        plain.append(bytes([record[0] - 2]) + record[1:-8])
    assert b"".join(plain) == whole(records, *schemas)


def test_pieces_are_bounded() -> None:
    long = native(bt.synthesize(messages=100_000, instruments=4, seed=3))
    for schemas in (["mbo"], ["mbo", "mbp-1", "mbp-10"]):
        frames, position = session(long, *schemas), 0
        while position < len(long):
            piece, position = frames.next(long, position, len(long))
            assert 0 < len(piece) <= 2**18 + 2**10


def test_bounds_are_parameter_errors(tape: bt.Tape) -> None:
    frames, records = _native.SessionFrames(), native(tape)
    with pytest.raises(bt.ParameterError, match="schemas are mbo, mbp-1"):
        frames.subscribe(records, "cmbp-1", None, position=0)
    with pytest.raises(bt.ParameterError, match="the tape has positions 0 to 5000"):
        frames.subscribe(records, "mbo", None, position=5_001)
    with pytest.raises(bt.ParameterError, match="the tape has positions 0 to 5000"):
        frames.next(records, 5_001, 5_002)
    for n in range(1_000):
        frames.subscribe(records, "mbo", [n], position=n)
    with pytest.raises(bt.ParameterError, match="at most 1000 that differ"):
        frames.subscribe(records, "mbp-1", None, position=0)
    frames.subscribe(records, "mbo", [7], position=999)
