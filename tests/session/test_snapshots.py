"""Snapshots: what they build is the book that is there."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

import booktape as bt
from booktape import _native
from tests.dbn_files import metadata
from tests.session.reading import native


def as_seen(book: bt.Book) -> tuple[object, ...]:
    sides = {"B": book.bids(view="published"), "A": book.asks(view="published")}
    queues = [
        [(order.order_id, order.size) for order in book.queue(side, level.price)]
        for side, levels in sides.items()
        for level in levels
    ]
    return (sides, queues, book.bids(), book.asks(), book.executions())


def snapshot(tape: _native.Tape, position: int, ids: Sequence[int] | None = None) -> bytes:
    return b"".join(_native.SessionFrames().snapshot(tape, position, ids))


def test_a_snapshot_builds_the_book_that_is_there(real: bt.Tape) -> None:
    records = native(real)
    (instrument,) = real.instruments
    for position in [len(real), *Random(2).sample(range(1, len(real)), 200)]:
        market = bt.Market()
        market.apply(snapshot(records, position))
        book = market.book(instrument.instrument_id)
        book.check()
        assert not any(book.anomalies.values())
        assert as_seen(book) == as_seen(real.book_at(position - 1))


def test_a_snapshot_is_marked_as_databentos_are(esm4: Path) -> None:
    tape = bt.open(esm4)
    theirs = tape.to_numpy()
    theirs = theirs[theirs["flags"] & 32 > 0]
    ours = np.frombuffer(snapshot(native(tape), len(theirs)), theirs.dtype)
    same = [
        "length",
        "rtype",
        "publisher_id",
        "instrument_id",
        "order_id",
        "price",
        "size",
        "flags",
        "action",
        "side",
        "ts_recv",
    ]
    for field in same:
        np.testing.assert_array_equal(ours[field], theirs[field])


def test_a_book_without_orders_is_a_clear_alone(tape: bt.Tape) -> None:
    [clear] = np.frombuffer(snapshot(native(tape), 0), tape.to_numpy().dtype)
    assert (clear["action"], clear["side"], clear["flags"], clear["size"]) == (b"R", b"N", 128 | 32 | 8, 0)
    assert clear["ts_recv"] == tape.start_ns
    assert snapshot(native(tape), 0, [999]) == b""


def test_a_snapshot_of_many_books_comes_in_pieces() -> None:
    tape = bt.synthesize(messages=60_000, instruments=100, seed=4)
    pieces = list(_native.SessionFrames().snapshot(native(tape), len(tape), None))
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 2**18
    market = bt.Market()
    market.apply(b"".join(pieces))
    for instrument in tape.instruments:
        there = tape.book_at(len(tape) - 1, instrument.instrument_id)
        assert as_seen(market.book(instrument.instrument_id)) == as_seen(there)


def test_levels_without_orders_are_in_a_snapshot() -> None:
    flow = bt.synthesize(messages=200, seed=1).to_numpy().copy()
    flow["flags"][::3] |= 16
    tape = bt.open(metadata() + flow.tobytes())
    (instrument,) = tape.instruments
    market = bt.Market()
    market.apply(snapshot(native(tape), len(tape)))
    assert as_seen(market.book(instrument.instrument_id)) == as_seen(tape.book_at(len(tape) - 1))
