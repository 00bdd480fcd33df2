"""The lives of orders as whoever applies every record sees them, from the meaning of MBO records alone.

Nothing is looked up or jumped over: each book goes record by record, and after each one every order is asked where it
stands now.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from tests.conformance.allocation import Resting
from tests.conformance.oracle import Effect, OracleBook, is_invalid
from tests.conformance.records import F_LAST, F_MBP, F_SNAPSHOT, F_TOB, Record

Row = tuple[int, int, int, int]
"""Of a path: index, ts_recv, orders ahead, size ahead."""


@dataclass
class OracleLife:
    """One life; names and meanings are those of `booktape.Life`."""

    outcome: str = "unseen"
    cleared_by: str | None = None
    entry: tuple[int, int, int, str, bool] | None = None
    exit: tuple[int, int] | None = None
    alive_ns: int | None = None
    amounts: Counter[str] = field(default_factory=Counter)
    records: list[tuple[Any, ...]] = field(default_factory=list)
    anomalies: list[set[str]] = field(default_factory=list)
    """Kinds that each record was, all of them."""
    path: dict[str, list[Row]] = field(default_factory=lambda: {"event": [], "record": []})
    left_in: int | None = None
    """The event that it left in, by itself."""

    def ends(self, index: int, ts_recv: int) -> None:
        assert self.entry
        self.exit = index, ts_recv
        self.alive_ns = max(0, ts_recv - self.entry[1])


class OracleLives:
    """All orders of one book."""

    def __init__(self) -> None:
        self.book = OracleBook()
        self.lives: dict[int, list[OracleLife]] = {}
        self.event = 0
        self.complete = False

    def apply(self, record: Record, index: int) -> None:
        """Applies the record with an index of the tape."""
        before = {order_id: replace(order) for order_id, order in self.book.orders.items()}
        counted = Counter(self.book.anomalies)
        effect = self.book.apply(record, index + 1)
        kinds = {kind for kind, count in (self.book.anomalies - counted).items() if count}
        if not is_invalid(record) and (record.action == "R" or record.has(F_SNAPSHOT)):
            self.complete = True
        named = record.order_id if is_of_an_order(record) else None
        for order_id, old in before.items():
            # An add that finds its order live and yet enters anew: a snapshot began with it, and emptied the book.
            restated = order_id == named and "Add" in (effect.get("Ok") or {})
            if restated or (order_id not in self.book.orders and order_id != named):
                self.clear(order_id, old, record, index)
        if named is not None:
            old_state = before.get(named)
            restated = old_state is not None and "Add" in (effect.get("Ok") or {})
            self.own(named, None if restated else old_state, record, index, effect, kinds)
        self.look(record, index)
        self.event += record.has(F_LAST)

    def clear(self, order_id: int, old: Resting, record: Record, index: int) -> None:
        life = self.lives[order_id][-1]
        life.outcome = "cleared"
        life.cleared_by = (
            "snapshot" if record.has(F_SNAPSHOT) else "side" if record.action == "A" and record.has(F_TOB) else "clear"
        )
        life.amounts["cleared"] = old.size
        life.ends(index, record.ts_recv)

    def own(
        self, order_id: int, before: Resting | None, record: Record, index: int, effect: Effect, kinds: set[str]
    ) -> None:
        """A record of the order; `before` is the order as it was."""
        after = self.book.orders.get(order_id)
        enters = before is None and after is not None
        lives = self.lives.setdefault(order_id, [])
        if not lives or (lives[-1].exit and (enters or lives[-1].left_in != self.event)):
            lives.append(OracleLife())
        life = lives[-1]
        if enters and after:
            by = "modify" if record.action == "M" else "snapshot" if record.has(F_SNAPSHOT) else "add"
            life.entry = index, record.ts_recv, record.ts_event, by, self.complete
            life.outcome = "alive"
            life.amounts["size"] = after.size
        self.count(life, before, after, record, effect)
        place = None if after is None else (after.side, after.price, after.size, *self.ahead(after), after.approximate)
        took_place = after is not None and (before is None or before.place != after.place)
        did = next(iter(effect["Ok"] or {"": None}), "") if "Ok" in effect else "Err"
        told = (index, record.ts_recv, record.ts_event, record.action, record.side, record.price, record.size)
        life.records.append((*told, record.flags, DID[did], took_place, place))
        life.anomalies.append(kinds)
        if before is not None and after is None:
            filled = before.fills >= before.size
            life.outcome = "filled" if filled else "partly_filled" if life.amounts["filled"] else "cancelled"
            life.left_in = self.event
            life.ends(index, record.ts_recv)

    def count(
        self, life: OracleLife, before: Resting | None, after: Resting | None, record: Record, effect: Effect
    ) -> None:
        """Fills of the event are taken off first; what M leaves beyond that was put on, what it lacks was cancelled."""
        if "Err" in effect:
            return
        if record.action == "T":
            life.amounts["traded"] += record.size
        if record.action == "F":
            life.amounts["fills"] += 1
            life.amounts["filled"] += record.size
        if before is None or record.action not in "ACM":
            return
        new = 0 if after is None else after.size
        if record.action == "C":
            returned = min(before.fills, before.size - new)
        else:
            returned = min(before.fills, before.size)
        left = before.size - returned
        life.amounts["returned"] += returned
        life.amounts["cancelled"] += max(0, left - new)
        life.amounts["raised"] += max(0, new - left)
        stays = after is not None and (after.side, after.price) == (before.side, before.price)
        life.amounts["refreshes"] += record.action == "M" and stays and returned > 0 and new > left

    def ahead(self, order: Resting) -> tuple[int, int]:
        queue = self.book.queue(order.side, order.price)
        sizes = [other.size for other in queue if other.place < order.place]
        return len(sizes), sum(sizes)

    def look(self, record: Record, index: int) -> None:
        """Notes for every order that rests what is ahead of it, where that is news."""
        for order_id, order in self.book.orders.items():
            path = self.lives[order_id][-1].path
            for every in ("event", "record") if record.has(F_LAST) else ("record",):
                if not path[every] or path[every][-1][2:] != self.ahead(order):
                    path[every].append((index, record.ts_recv, *self.ahead(order)))

    def finish(self, end: int) -> dict[int, list[OracleLife]]:
        """The lives by order id; the tape ends at a time."""
        for order_id, order in self.book.orders.items():
            life = self.lives[order_id][-1]
            assert life.entry
            life.amounts["left"] = order.size
            life.alive_ns = max(0, end - life.entry[1])
        return self.lives


DID = {"Add": "added", "Cancel": "cancelled", "Modify": "modified", "": "unchanged", "Err": "skipped"}


def is_of_an_order(record: Record) -> bool:
    """Whether the id of a record names an order, rather than a level, a side or nothing."""
    if record.action == "R":
        return False
    return record.action not in {"A", "C", "M"} or not record.has(F_TOB | F_MBP)


def lives_on(stream: list[Record]) -> dict[tuple[int, int], dict[int, list[OracleLife]]]:
    """The lives of all orders of a stream, by (publisher_id, instrument_id) and id."""
    books: dict[tuple[int, int], OracleLives] = {}
    for index, record in enumerate(stream):
        books.setdefault((record.publisher_id, record.instrument_id), OracleLives()).apply(record, index)
    return {key: book.finish(stream[-1].ts_recv) for key, book in books.items()}
