"""A slow reference for books and markets, from the meaning of MBO records alone; what can be worked out is never kept.

A book is a heap of orders, each with the number of the record that gave it its place. Queues, levels, best prices and
both views are worked out from that heap whenever they are asked for: there is no second copy that could go stale.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.conformance.allocation import Execution, Resting, Uncross, allocate, best_first, uncross
from tests.conformance.records import (
    F_LAST,
    F_MAYBE_BAD_BOOK,
    F_MBP,
    F_SNAPSHOT,
    F_TOB,
    UNDEF_PRICE,
    Record,
)

Effect = dict[str, Any]
UNCHANGED: Effect = {"Ok": None}
SIDE_NAMES = {"B": "Bid", "A": "Ask"}


class Level(NamedTuple):
    price: int
    size: int
    orders: int


Bbo = tuple[Level | None, Level | None]


def level_at(price: int, resting: list[Resting]) -> Level:
    at_price = [r for r in resting if r.price == price]
    return Level(price, sum(r.size for r in at_price), sum(r.order_id is not None for r in at_price))


def skipped(kind: str) -> Effect:
    return {"Err": kind}


def added(r: Resting) -> Effect:
    return {"Ok": {"Add": {"side": SIDE_NAMES[r.side], "price": r.price, "size": r.size}}}


def cancelled(r: Resting, size: int) -> Effect:
    return {"Ok": {"Cancel": {"side": SIDE_NAMES[r.side], "price": r.price, "size": size}}}


def modified(old: Resting, new: Resting) -> Effect:
    change = {"old_price": old.price, "new_price": new.price, "old_size": old.size, "new_size": new.size}
    return {"Ok": {"Modify": {"side": SIDE_NAMES[new.side], **change}}}


def is_invalid(record: Record) -> bool:
    """Whether side, action or price are impossible for the record's action."""
    if record.action not in {"A", "C", "M", "R", "T", "F", "N"} or record.side not in {"A", "B", "N"}:
        return True
    if record.action == "R":
        return record.side != "N"
    if record.action == "F":
        return record.price == UNDEF_PRICE
    if record.action in {"A", "C", "M"}:
        empties_side = record.action == "A" and record.has(F_TOB)
        return record.side == "N" or (record.price == UNDEF_PRICE and not empties_side)
    return False


class OracleBook:
    """The book of one instrument at one publisher."""

    def __init__(self) -> None:
        self.orders: dict[int, Resting] = {}
        self.aggregates: dict[tuple[str, int], Resting] = {}
        self.anomalies: Counter[str] = Counter()
        self.event_ends = 0
        self.crossed_event_ends = 0
        self.locked_event_ends = 0
        self.iceberg_refreshes = 0
        self.in_event = False
        self.last_trade: int | None = None
        self.bbo_at_event_end: Bbo = (None, None)
        self.crossed_at_event_end = False
        self.traded_while_crossed = False
        self.awaits_snapshot = True

    # Reading

    def resting(self, side: str) -> list[Resting]:
        return [r for r in [*self.orders.values(), *self.aggregates.values()] if r.side == side]

    def both_sides(self, view: str) -> tuple[list[Resting], list[Resting]]:
        bids, asks = self.resting("B"), self.resting("A")
        return (bids, asks) if view == "published" else allocate(bids, asks)[1:]

    def levels(self, side: str, view: str = "matched") -> list[Level]:
        """Levels best first; an aggregated level counts no orders."""
        bids, asks = self.both_sides(view)
        sizes, orders = Counter[int](), Counter[int]()
        for r in bids if side == "B" else asks:
            sizes[r.price] += r.size
            orders[r.price] += r.order_id is not None
        return [Level(price, sizes[price], orders[price]) for price in sorted(sizes, reverse=side == "B")]

    def bbo(self, view: str = "matched") -> Bbo:
        bids, asks = self.both_sides(view)
        bid = level_at(max(r.price for r in bids), bids) if bids else None
        ask = level_at(min(r.price for r in asks), asks) if asks else None
        return bid, ask

    def queue(self, side: str, price: int) -> list[Resting]:
        """The orders at one price of the published book, front first."""
        return best_first(r for r in self.orders.values() if (r.side, r.price) == (side, price))

    def queues(self) -> dict[tuple[str, int], list[Resting]]:
        """Every queue of the published book by side and price; empty where only an aggregated level lies."""
        queues: dict[tuple[str, int], list[Resting]] = {at: [] for at in self.aggregates}
        for order in best_first(self.orders.values()):
            queues.setdefault((order.side, order.price), []).append(order)
        return queues

    def spread(self) -> int | None:
        """Best ask less best bid of the published book; None while a side is empty."""
        bids, asks = self.resting("B"), self.resting("A")
        return min(r.price for r in asks) - max(r.price for r in bids) if bids and asks else None

    def is_crossed(self) -> bool:
        spread = self.spread()
        return spread is not None and spread < 0

    def is_locked(self) -> bool:
        return self.spread() == 0

    def executions(self) -> list[Execution]:
        return allocate(self.resting("B"), self.resting("A"))[0]

    def uncross(self) -> Uncross | None:
        return uncross(self.resting("B"), self.resting("A"), self.last_trade)

    # Applying

    def apply(self, record: Record, number: int) -> Effect:
        """Applies one record; `number` grows from record to record and becomes an order's place in its queue."""
        if record.has(F_MAYBE_BAD_BOOK):
            self.anomalies["maybe_bad_book"] += 1
        effect = self.act(record, number)
        if not record.has(F_SNAPSHOT):
            self.awaits_snapshot = True
        self.in_event = not record.has(F_LAST)
        if record.has(F_LAST):
            self.end_event()
        return effect

    def act(self, record: Record, number: int) -> Effect:
        if is_invalid(record):
            return self.skip("invalid_record")
        match record.action:
            case "A":
                return self.add(record, number)
            case "C":
                return self.cancel(record)
            case "M":
                return self.modify(record, number)
            case "R":
                self.clear()
            case "T":
                self.trade(record)
            case "F":
                if record.order_id in self.orders:
                    self.orders[record.order_id].fills += record.size
        return UNCHANGED

    def skip(self, kind: str) -> Effect:
        self.anomalies[kind] += 1
        return skipped(kind)

    def clear(self) -> None:
        self.orders.clear()
        self.aggregates.clear()

    def trade(self, record: Record) -> None:
        if record.price == UNDEF_PRICE:
            return
        self.last_trade = record.price
        if record.side != "N" and self.crossed_at_event_end:
            self.anomalies["crossed_while_trading"] += 1
            self.traded_while_crossed = True

    def end_event(self) -> None:
        spread = self.spread()
        self.crossed_at_event_end = spread is not None and spread < 0
        self.event_ends += 1
        self.crossed_event_ends += self.crossed_at_event_end
        self.locked_event_ends += spread == 0
        if not self.crossed_at_event_end:
            self.traded_while_crossed = False
        self.bbo_at_event_end = self.bbo()
        for order in self.orders.values():
            order.fills = 0

    def add(self, record: Record, number: int) -> Effect:
        if record.size == 0 and not (record.has(F_TOB) and record.price == UNDEF_PRICE):
            return self.skip("zero_size")
        if record.has(F_SNAPSHOT) and self.awaits_snapshot:
            self.clear()  # a snapshot whose R is missing
        if record.has(F_SNAPSHOT):
            self.awaits_snapshot = False
        if record.has(F_TOB | F_MBP):
            return self.add_aggregate(record, number)
        new = Resting(record.side, record.price, record.size, number, record.order_id)
        old = self.orders.get(record.order_id)
        if old is None:
            self.orders[record.order_id] = new
            return added(new)
        if (old.side, old.price, old.size) == (new.side, new.price, new.size):
            return self.skip("duplicate_add")
        self.anomalies["conflicting_add"] += 1
        self.orders[record.order_id] = new
        return modified(old, new)

    def cancel(self, record: Record) -> Effect:
        if record.size == 0:
            return self.skip("zero_size")
        if record.has(F_TOB | F_MBP):
            target = self.aggregates.get((record.side, record.price))
        else:
            target = self.orders.get(record.order_id)
        if target is None:
            return self.skip("unknown_cancel")
        self.anomalies["cancel_mismatch"] += (target.side, target.price) != (record.side, record.price)
        self.anomalies["over_cancel"] += record.size > target.size
        removed = min(record.size, target.size)
        target.size -= removed
        target.fills = max(0, target.fills - removed)
        if target.size == 0:
            self.remove(target)
        return cancelled(target, removed)

    def modify(self, record: Record, number: int) -> Effect:
        is_aggregate = record.has(F_TOB | F_MBP)
        if is_aggregate:
            old = self.aggregates.get((record.side, record.price))
        else:
            old = self.orders.get(record.order_id)
        if record.size == 0:
            self.anomalies["zero_size"] += 1
            if old is None:
                return skipped("zero_size")
            self.remove(old)
            return cancelled(old, old.size)
        new = Resting(record.side, record.price, record.size, number, None if is_aggregate else record.order_id)
        if old is None:
            self.anomalies["unknown_modify"] += 1
            new.approximate = not is_aggregate
        elif self.keeps_place(old, new):
            new.place, new.approximate = old.place, old.approximate
        self.insert(new)
        return added(new) if old is None else modified(old, new)

    def keeps_place(self, old: Resting, new: Resting) -> bool:
        """A smaller size at the same price keeps its place, unless the fills of this event tell of a new slice."""
        if (old.side, old.price) != (new.side, new.price):
            return False
        refreshed = new.size > old.size - old.fills
        self.iceberg_refreshes += refreshed and old.fills > 0
        return not refreshed

    def add_aggregate(self, record: Record, number: int) -> Effect:
        if record.has(F_TOB):
            for r in self.resting(record.side):
                self.remove(r)
        if record.price == UNDEF_PRICE:
            return UNCHANGED
        level = Resting(record.side, record.price, record.size, number)
        self.insert(level)
        return added(level)

    def insert(self, r: Resting) -> None:
        """Puts it in, instead of what has its identity."""
        if r.order_id is None:
            self.aggregates[r.side, r.price] = r
        else:
            self.orders[r.order_id] = r

    def remove(self, r: Resting) -> None:
        if r.order_id is None:
            del self.aggregates[r.side, r.price]
        else:
            del self.orders[r.order_id]


class OracleMarket:
    """Books by (publisher_id, instrument_id), in order of appearance."""

    def __init__(self) -> None:
        self.books: dict[tuple[int, int], OracleBook] = {}
        self.records = 0
        self.channels: dict[tuple[int, int], int] = {}
        """The channel of each book's latest record."""
        self.restated: dict[tuple[int, int], int] = {}
        """Number of the last clear or snapshot record of each book."""
        self.doubted: dict[tuple[int, int], int] = {}
        """Number of the last MAYBE_BAD_BOOK record of each (publisher_id, channel_id)."""

    def apply(self, records: Iterable[Record]) -> None:
        for record in records:
            self.apply_record(record)

    def apply_record(self, record: Record) -> Effect:
        """Applies one record; its effect has the shape of `book_effect` in the streams."""
        self.records += 1
        key = record.publisher_id, record.instrument_id
        book = self.books.setdefault(key, OracleBook())
        self.channels[key] = record.channel_id
        if record.has(F_MAYBE_BAD_BOOK):
            self.doubted[record.publisher_id, record.channel_id] = self.records
        if not is_invalid(record) and (record.action == "R" or record.has(F_SNAPSHOT)):
            self.restated[key] = self.records
        return book.apply(record, self.records)

    def total(self, counter: str) -> int:
        return sum(getattr(book, counter) for book in self.books.values())

    def anomalies(self) -> dict[str, int]:
        """Anomalies of all books by kind, without kinds that did not occur."""
        total = sum((book.anomalies for book in self.books.values()), Counter[str]())
        return {kind: count for kind, count in total.items() if count}

    def unfinished_events(self) -> int:
        """Books whose last record did not end its event."""
        return sum(book.in_event for book in self.books.values())

    def is_suspect(self, publisher_id: int, instrument_id: int) -> bool:
        key = publisher_id, instrument_id
        doubted = self.doubted.get((publisher_id, self.channels[key]), 0)
        return doubted > self.restated.get(key, 0) or self.books[key].traded_while_crossed

    def bbo(self, instrument_id: int) -> Bbo:
        """Best prices over publishers, each as of its last event end, sizes and counts summed at the best price."""
        bests = [book.bbo_at_event_end for (_, instrument), book in self.books.items() if instrument == instrument_id]
        bids = [bid for bid, _ in bests if bid is not None]
        asks = [ask for _, ask in bests if ask is not None]
        bid = summed([level for level in bids if level.price == max(bid.price for bid in bids)])
        ask = summed([level for level in asks if level.price == min(ask.price for ask in asks)])
        return bid, ask


def summed(levels: list[Level]) -> Level | None:
    if not levels:
        return None
    return Level(levels[0].price, sum(level.size for level in levels), sum(level.orders for level in levels))
