"""Fills tell which orders the venue has in front: the one piece of evidence about queues that is not of our making."""

from collections import Counter
from pathlib import Path

import booktape as bt
from tests.conformance.records import F_LAST, Record, read_dbn


def test_fills_come_from_the_front_of_the_queue(clx5: Path) -> None:
    """All fills of one event at one price, against the queue they found; what is not its front has a reason."""
    assert groups_of_fills(list(read_dbn(clx5))) == {
        "front of the queue": 1_507,
        # The venue lists a group's fills in another sequence than it fills them, mostly with one order at the end.
        "front of the queue, listed otherwise": 30,
        # An order that was modified to trade: its own F, at a better price than its limit.
        "of the aggressor itself": 50,
        # The data begin mid-session.
        "of orders that never entered": 13,
        "beside an order of approximate priority": 3,
        # Self-match prevention: the venue cancels an order instead of filling it.
        "past orders cancelled in the same event": 17,
    }


def test_fills_after_a_snapshot_come_from_the_front_of_the_queue(esm4: Path) -> None:
    assert groups_of_fills(list(read_dbn(esm4))) == {
        "front of the queue": 4,
        "past orders cancelled in the same event": 1,
    }


def groups_of_fills(records: list[Record]) -> Counter[str]:
    """How many groups of fills there are of each kind; the records are of one instrument."""
    market, groups, event = bt.Market(), Counter[str](), list[Record]()
    for record in records:
        event.append(record)
        if record.has(F_LAST):
            if any(r.action == "F" for r in event):
                book = market.book(record.instrument_id)
                groups.update(kind_of(book, event, fills) for fills in by_price(book, event))
            market.apply(b"".join(r.pack() for r in event))
            event = []
    return groups


def by_price(book: bt.Book, event: list[Record]) -> list[list[Record]]:
    """An event's fills, apart for each side and price; the side is the resting order's, where there is one."""
    groups: dict[tuple[str, int, bool], list[Record]] = {}
    for fill in event:
        if fill.action == "F":
            order = book.order(fill.order_id)
            rests_there = order is None or order.price == fill.price
            groups.setdefault((order.side if order else fill.side, fill.price, rests_there), []).append(fill)
    return list(groups.values())


def kind_of(book: bt.Book, event: list[Record], fills: list[Record]) -> str:
    orders = {fill.order_id: book.order(fill.order_id) for fill in fills}
    resting = {order_id: order for order_id, order in orders.items() if order}
    if not resting:
        return "of orders that never entered"
    if any(order.price != fills[0].price for order in resting.values()):
        aggressors = {record.order_id for record in event if record.action == "T"}
        return "of the aggressor itself" if resting.keys() <= aggressors else "away from its limit"
    queue = book.queue(next(iter(resting.values())).side, fills[0].price)
    front = [order.order_id for order in queue[: len(resting)]]
    if list(resting) == front:
        return "front of the queue"
    if set(resting) == set(front):
        return "front of the queue, listed otherwise"
    last = max(position for position, order in enumerate(queue) if order.order_id in resting)
    passed = {order.order_id for order in queue[:last]} - resting.keys()
    if passed <= {record.order_id for record in event if record.action == "C"}:
        return "past orders cancelled in the same event"
    if any(order.priority_approximate for order in queue[: last + 1]):
        return "beside an order of approximate priority"
    return "out of turn"
