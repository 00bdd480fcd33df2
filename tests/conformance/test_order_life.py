"""The lives of orders, told by filters and keyframes, are those that the oracle sees record by record."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings

import booktape as bt
from booktape.order import Every
from tests.conformance.lives import OracleLife, is_of_an_order, lives_on
from tests.conformance.records import Record, pack, read_dbn
from tests.conformance.strategies import MOVES_OF_ORDERS, streams
from tests.dbn_files import metadata

AMOUNTS = ("size", "traded", "fills", "filled", "returned", "cancelled", "raised", "cleared", "left", "refreshes")

conformance = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def compare(tape: bt.Tape, stream: list[Record]) -> Counter[str]:
    """Compares every order of every book; gives how many lives ended how."""
    outcomes = Counter[str]()
    for (publisher_id, instrument_id), orders in lives_on(stream).items():
        for order_id, expected in orders.items():
            if order_id == 0:
                with pytest.raises(bt.ParameterError, match="order_id = 0"):
                    tape.order(0)
                continue
            if not rests(stream, publisher_id, instrument_id, order_id):
                with pytest.raises(bt.NotFoundError, match="only trades and fills"):
                    tape.order(order_id, instrument_id, publisher_id)
                continue
            told = tape.order(order_id, instrument_id, publisher_id)
            assert (told.order_id, told.instrument_id, told.publisher_id) == (order_id, instrument_id, publisher_id)
            assert len(told.lives) == len(expected), told
            for life, seen in zip(told.lives, expected, strict=True):
                compare_life(life, seen)
                outcomes[life.outcome] += 1
    return outcomes


def compare_life(life: bt.Life, seen: OracleLife) -> None:
    assert (life.outcome, life.cleared_by, life.alive_ns) == (seen.outcome, seen.cleared_by, seen.alive_ns)
    assert (life.entry, life.exit) == (seen.entry, seen.exit)
    assert {name: getattr(life, name) for name in AMOUNTS} == {name: seen.amounts[name] for name in AMOUNTS}
    assert life.size + life.raised == life.returned + life.cancelled + life.cleared + life.left
    told = [(*record[:9], record.took_place, record.place) for record in life.records]
    assert told == seen.records
    for record, kinds in zip(life.records, seen.anomalies, strict=True):
        assert (record.anomaly in kinds) if kinds else record.anomaly is None
    for every in get_args(Every):
        assert life.path(every).tolist() == seen.path[every], (every, life)


def rests(stream: list[Record], publisher_id: int, instrument_id: int, order_id: int) -> bool:
    """Whether more than executions names the order in a book."""
    named = (publisher_id, instrument_id, order_id)
    return any(
        record.action in {"A", "C", "M"}
        and (record.publisher_id, record.instrument_id, record.order_id) == named
        and is_of_an_order(record)
        for record in stream
    )


@conformance
@given(streams())
def test_every_order_lives_as_the_oracle_sees_it(stream: list[Record]) -> None:
    compare(bt.open(metadata() + pack(stream)), stream)


@conformance
@given(streams(MOVES_OF_ORDERS))
def test_orders_of_orderly_flow_live_as_the_oracle_sees_them(stream: list[Record]) -> None:
    compare(bt.open(metadata() + pack(stream)), stream)


def test_lives_in_a_real_session(clx5: Path) -> None:
    """Every order of two thousand records, and of the whole session how each order ended."""
    records = list(read_dbn(clx5))
    compare(bt.open(metadata() + pack(records[:2_000])), records[:2_000])

    tape, outcomes, amounts = bt.open(clx5), Counter[str](), Counter[str]()
    (key,) = {(record.instrument_id, record.publisher_id) for record in records}
    for order_id in {r.order_id for r in records if r.action in {"A", "C", "M"} and is_of_an_order(r)}:
        for life in tape.order(order_id, *key).lives:
            outcomes[life.outcome] += 1
            amounts += Counter({name: getattr(life, name) for name in AMOUNTS})
    # Those never seen are the unknown cancels of data that begin mid-session, those alive the orders of the final book.
    assert outcomes == {"cancelled": 12_712, "filled": 2_259, "unseen": 1_224, "alive": 147, "partly_filled": 57}
    assert amounts["refreshes"] == 31
    of_orders = amounts["size"] + amounts["raised"]
    assert of_orders == amounts["returned"] + amounts["cancelled"] + amounts["left"]


def test_a_snapshot_restates_orders(esm4: Path) -> None:
    records = list(read_dbn(esm4))
    tape = bt.open(esm4)
    last = next(record for record in reversed(records) if record.action == "A")
    for order_id in {records[10].order_id, records[13_000].order_id, last.order_id}:
        (life,) = tape.order(order_id).lives
        assert life.entry
        assert life.entry.book_complete
        assert life.entry.by == ("add" if order_id == last.order_id else "snapshot")
