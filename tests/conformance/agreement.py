"""booktape and the oracle side by side: both see the same records, and must then say the same of every book."""

from collections.abc import Iterable
from typing import Any

import booktape as bt
from booktape.audit import AuditBook
from booktape.values import View
from tests.conformance.oracle import OracleBook, OracleMarket
from tests.conformance.records import Record, pack

VIEWS: tuple[View, View] = ("matched", "published")


class Trial:
    """One market of each; every comparison is of states as plain values, so that a failure shows what differs."""

    def __init__(self) -> None:
        self.market = bt.Market()
        self.oracle = OracleMarket()

    def apply_record(self, record: Record) -> None:
        """Applies one record to both and compares effect, anomalies and the book it went to."""
        self.apply_for_effect(record)
        self.compare_anomalies()
        self.compare_book(record.publisher_id, record.instrument_id, {record.order_id})

    def apply_for_effect(self, record: Record) -> None:
        """Applies one record to both and compares no more than its effect: what a whole session has time for."""
        first_of_its_book = (record.publisher_id, record.instrument_id) not in self.oracle.books
        expected = self.oracle.apply_record(record)
        market_effect = self.market.apply_record(record.pack())
        assert (market_effect["publisher_created"] is not None) == first_of_its_book, record
        effect = market_effect["book_effect"]
        if "Err" in expected:
            assert list(effect) == ["Err"], f"{record} should have been skipped: {expected}"
            assert effect["Err"], f"{record} skipped without saying why"
        else:
            assert effect == expected, record

    def apply(self, records: list[Record]) -> None:
        """Applies a block to both and compares the report and every book."""
        ends, anomalies = self.oracle.total("event_ends"), self.oracle.anomalies()
        self.oracle.apply(records)
        report = self.market.apply(pack(records))
        assert report.records == len(records)
        assert report.event_ends == self.oracle.total("event_ends") - ends
        grown = {kind: count - anomalies.get(kind, 0) for kind, count in self.oracle.anomalies().items()}
        assert occurred(report.anomalies) == occurred(grown)
        self.compare()

    def compare(self) -> None:
        """Compares every book, the consolidated prices and the audit."""
        self.compare_anomalies()
        assert [(book.publisher_id, book.instrument_id) for book in self.market.books()] == list(self.oracle.books)
        for publisher_id, instrument_id in self.oracle.books:
            self.compare_book(publisher_id, instrument_id)
        self.compare_audit()

    def compare_book(self, publisher_id: int, instrument_id: int, ids: Iterable[int] = ()) -> None:
        """Compares one book: its state, whether it is suspect, its invariants, its instrument's consolidated prices."""
        book = self.market.book(instrument_id, publisher_id)
        oracle = self.oracle.books[publisher_id, instrument_id]
        book.check()
        assert state_of(book, oracle, ids) == expected_state(oracle, ids)
        assert (book.suspect is not None) == self.oracle.is_suspect(publisher_id, instrument_id), book.suspect
        assert tuple(self.market.bbo(instrument_id)) == self.oracle.bbo(instrument_id)

    def compare_touch(self, record: Record) -> None:
        """Compares best prices, and what the overlap would trade, in the book a record went to."""
        book = self.market.book(record.instrument_id, record.publisher_id)
        oracle = self.oracle.books[record.publisher_id, record.instrument_id]
        said = [book.bbo(), book.bbo(view="published"), book.executions(), book.uncross()]
        assert said == [oracle.bbo(), oracle.bbo("published"), oracle.executions(), oracle.uncross()], record

    def compare_anomalies(self) -> None:
        counted = occurred(self.market.audit()["anomalies"])
        counted.pop("unfinished_event", None)
        assert counted == self.oracle.anomalies()

    def compare_audit(self) -> None:
        audit = self.market.audit()
        assert audit["records"] == self.oracle.records
        for counter in ("event_ends", "crossed_event_ends", "locked_event_ends"):
            assert audit[counter] == self.oracle.total(counter), counter
        assert sum(period["event_ends"] for period in audit["crossed_periods"]) == audit["crossed_event_ends"]
        assert audit["anomalies"]["unfinished_event"] == self.oracle.unfinished_events()
        books = {(book["publisher_id"], book["instrument_id"]): book for book in audit["books"]}
        assert {key: audited(book) for key, book in books.items()} == {
            key: expected_audit(book) for key, book in self.oracle.books.items()
        }


def occurred(anomalies: dict[Any, int]) -> dict[str, int]:
    return {kind: count for kind, count in anomalies.items() if count}


def expected_state(oracle: OracleBook, ids: Iterable[int] = ()) -> dict[str, Any]:
    """All that a book can be asked, as the oracle answers it; `ids` are asked for beside the orders that rest."""
    queues = oracle.queues()
    gone = dict.fromkeys(set(ids) - set(oracle.orders))
    return {
        "bbo": {view: oracle.bbo(view) for view in VIEWS},
        "bids": {view: oracle.levels("B", view) for view in VIEWS},
        "asks": {view: oracle.levels("A", view) for view in VIEWS},
        "queues": {at: [(r.order_id, r.size, r.approximate) for r in queue] for at, queue in queues.items()},
        "orders": {i: (r.side, r.price, r.size, r.approximate) for i, r in oracle.orders.items()} | gone,
        "positions": {
            order.order_id: (ahead, sum(r.size for r in queue[:ahead]))
            for queue in queues.values()
            for ahead, order in enumerate(queue)
        }
        | gone,
        "order_count": len(oracle.orders),
        "level_counts": (len(oracle.levels("B", "published")), len(oracle.levels("A", "published"))),
        "crossed": oracle.is_crossed(),
        "locked": oracle.is_locked(),
        "executions": oracle.executions(),
        "uncross": oracle.uncross(),
    }


def state_of(book: bt.Book, oracle: OracleBook, ids: Iterable[int] = ()) -> dict[str, Any]:
    """The same, asked of a book; of the oracle only which orders and prices to ask for."""
    places = oracle.queues().keys()
    asked = {*oracle.orders, *ids}
    orders = {order_id: book.order(order_id) for order_id in asked}
    for view in VIEWS:
        assert book.bids(2, view=view) == book.bids(view=view)[:2]
        assert book.asks(2, view=view) == book.asks(view=view)[:2]
        levels = {("B", level.price): level for level in book.bids(view=view)}
        levels |= {("A", level.price): level for level in book.asks(view=view)}
        assert {at: book.level(*at, view=view) for at in places} == dict.fromkeys(places) | levels
    return {
        "bbo": {view: tuple(book.bbo(view=view)) for view in VIEWS},
        "bids": {view: book.bids(view=view) for view in VIEWS},
        "asks": {view: book.asks(view=view) for view in VIEWS},
        "queues": {at: [(o.order_id, o.size, o.priority_approximate) for o in book.queue(*at)] for at in places},
        "orders": {order_id: order and tuple(order)[1:] for order_id, order in orders.items()},
        "positions": {order_id: book.queue_position(order_id) for order_id in asked},
        "order_count": book.order_count,
        "level_counts": book.level_counts,
        "crossed": book.is_crossed,
        "locked": book.is_locked,
        "executions": book.executions(),
        "uncross": book.uncross(),
    }


def audited(book: AuditBook) -> dict[str, Any]:
    """What an audit says of a book that the oracle can say too, prices as ints."""
    uncross = book["uncross"]
    return {
        "orders": book["orders"],
        "levels": (book["bid_levels"], book["ask_levels"]),
        "published": (level_of(book["bid"]), level_of(book["ask"])),
        "matched": (level_of(book["matched_bid"]), level_of(book["matched_ask"])),
        "executions": (book["executions"]["count"], book["executions"]["size"]),
        "uncross": uncross and (int(uncross["price"]), uncross["size"], uncross["imbalance"], uncross["side"]),
    }


def expected_audit(oracle: OracleBook) -> dict[str, Any]:
    executions = oracle.executions()
    return {
        "orders": len(oracle.orders),
        "levels": (len(oracle.levels("B", "published")), len(oracle.levels("A", "published"))),
        "published": oracle.bbo("published"),
        "matched": oracle.bbo("matched"),
        "executions": (len(executions), sum(execution.size for execution in executions)),
        "uncross": oracle.uncross(),
    }


def level_of(level: Any) -> tuple[int, int, int] | None:
    return level and (int(level["price"]), level["size"], level["count"])
