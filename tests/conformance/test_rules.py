"""Every rule of the book, small: literal outcomes that booktape and the oracle must both reach.

Records stay within an event unless `end` closes it; prices are bare units.
"""

import pytest

from tests.conformance.agreement import Trial
from tests.conformance.oracle import OracleBook
from tests.conformance.records import (
    F_BAD_TS_RECV,
    F_LAST,
    F_MAYBE_BAD_BOOK,
    F_MBP,
    F_SNAPSHOT,
    F_TOB,
    UNDEF_PRICE,
    Record,
)


def add(side: str, order_id: int, price: int, size: int, flags: int = 0) -> Record:
    return Record("A", side, order_id, price, size, flags)


def cancel(side: str, order_id: int, price: int, size: int, flags: int = 0) -> Record:
    return Record("C", side, order_id, price, size, flags)


def modify(side: str, order_id: int, price: int, size: int, flags: int = 0) -> Record:
    return Record("M", side, order_id, price, size, flags)


def fill(order_id: int, price: int, size: int, side: str = "N") -> Record:
    return Record("F", side, order_id, price, size, 0)


def trade(side: str, price: int, size: int, flags: int = 0) -> Record:
    return Record("T", side, 0, price, size, flags)


def clear(flags: int = 0) -> Record:
    return Record("R", "N", 0, UNDEF_PRICE, 0, flags)


def end(record: Record) -> Record:
    return record._replace(flags=record.flags | F_LAST)


def snapshot(record: Record) -> Record:
    return record._replace(flags=record.flags | F_SNAPSHOT | F_BAD_TS_RECV)


def run(*records: Record) -> Trial:
    trial = Trial()
    for record in records:
        trial.apply_record(record)
    trial.compare()
    return trial


def book(*records: Record) -> OracleBook:
    return run(*records).oracle.books[1, 1]


def ids(book: OracleBook, side: str, price: int) -> list[int | None]:
    return [order.order_id for order in book.queue(side, price)]


TWO_BIDS = add("B", 1, 100, 5), add("B", 2, 100, 5)
CROSSED = end(add("B", 1, 102, 4)), end(add("A", 2, 100, 3))


class TestQueues:
    def test_orders_queue_in_the_order_they_enter(self) -> None:
        assert ids(book(*TWO_BIDS), "B", 100) == [1, 2]

    @pytest.mark.parametrize(
        ("change", "queue"),
        [
            (modify("B", 1, 100, 6), [2, 1]),
            (modify("B", 1, 100, 5), [1, 2]),
            (modify("B", 1, 100, 4), [1, 2]),
            (cancel("B", 1, 100, 4), [1, 2]),
            (cancel("B", 1, 100, 5), [2]),
            (modify("B", 1, 100, 0), [2]),
            (modify("B", 1, 101, 5), [2]),
            (modify("A", 1, 100, 5), [2]),
        ],
        ids=[
            "size_increase_loses_priority",
            "same_size_keeps_priority",
            "size_decrease_keeps_priority",
            "partial_cancel_keeps_priority",
            "full_cancel_leaves",
            "modify_to_zero_leaves",
            "price_change_leaves_the_level",
            "side_change_leaves_the_side",
        ],
    )
    def test_priority(self, change: Record, queue: list[int]) -> None:
        assert ids(book(*TWO_BIDS, change), "B", 100) == queue

    def test_price_change_and_return_goes_to_the_back(self) -> None:
        assert ids(book(*TWO_BIDS, modify("B", 1, 101, 5), modify("B", 1, 100, 5)), "B", 100) == [2, 1]

    def test_side_change_joins_the_back_of_the_other_side(self) -> None:
        assert ids(book(*TWO_BIDS, add("A", 3, 105, 1), modify("A", 1, 105, 5)), "A", 105) == [3, 1]

    def test_trades_and_fills_leave_the_queues_alone(self) -> None:
        after = book(*TWO_BIDS, trade("A", 100, 9), fill(1, 100, 5), fill(2, 100, 4), Record("N", "N", 0, 0, 0, F_LAST))
        assert [(order.order_id, order.size) for order in after.queue("B", 100)] == [(1, 5), (2, 5)]

    def test_clear_empties_one_book_of_several(self) -> None:
        trial = run(*TWO_BIDS, *(r._replace(publisher_id=2) for r in TWO_BIDS), clear())
        assert [len(book.orders) for book in trial.oracle.books.values()] == [0, 2]


class TestIcebergs:
    def test_partial_fill_keeps_priority(self) -> None:
        assert ids(book(*TWO_BIDS, fill(1, 100, 2), modify("B", 1, 100, 3)), "B", 100) == [1, 2]

    def test_a_new_slice_goes_to_the_back(self) -> None:
        assert ids(book(*TWO_BIDS, fill(1, 100, 5), modify("B", 1, 100, 5)), "B", 100) == [2, 1]

    def test_one_more_than_the_fills_leave_is_a_new_slice(self) -> None:
        assert ids(book(*TWO_BIDS, fill(1, 100, 2), modify("B", 1, 100, 4)), "B", 100) == [2, 1]

    def test_several_fills_add_up(self) -> None:
        after = book(*TWO_BIDS, fill(1, 100, 2), fill(1, 100, 2), modify("B", 1, 100, 2))
        assert ids(after, "B", 100) == [2, 1]

    def test_fills_beyond_the_size_shown_are_a_new_slice_too(self) -> None:
        assert ids(book(*TWO_BIDS, fill(1, 100, 9), modify("B", 1, 100, 1)), "B", 100) == [2, 1]

    def test_fills_are_forgotten_at_the_end_of_their_event(self) -> None:
        assert ids(book(*TWO_BIDS, end(fill(1, 100, 5)), modify("B", 1, 100, 5)), "B", 100) == [1, 2]

    def test_the_end_of_another_instruments_event_forgets_nothing(self) -> None:
        other = end(add("B", 1, 100, 5))._replace(instrument_id=2)
        assert ids(book(*TWO_BIDS, fill(1, 100, 5), other, modify("B", 1, 100, 5)), "B", 100) == [2, 1]

    def test_a_modify_settles_the_fills_before_it(self) -> None:
        after = book(*TWO_BIDS, fill(1, 100, 2), modify("B", 1, 100, 3), modify("B", 1, 100, 3))
        assert ids(after, "B", 100) == [1, 2]

    def test_a_partial_cancel_settles_as_much_as_it_removes(self) -> None:
        settled = fill(1, 100, 3), cancel("B", 1, 100, 2)
        assert ids(book(*TWO_BIDS, *settled, modify("B", 1, 100, 2)), "B", 100) == [1, 2]
        assert ids(book(*TWO_BIDS, *settled, modify("B", 1, 100, 3)), "B", 100) == [2, 1]

    def test_fills_of_hidden_ids_are_nothing(self) -> None:
        trial = run(*TWO_BIDS, fill(99, 100, 5), end(modify("B", 1, 100, 5)))
        assert ids(trial.oracle.books[1, 1], "B", 100) == [1, 2]
        assert trial.oracle.anomalies() == {}


class TestAnomalies:
    @pytest.mark.parametrize(
        ("record", "anomalies", "sizes"),
        [
            (cancel("B", 9, 100, 1), {"unknown_cancel": 1}, [5, 5]),
            (modify("B", 9, 100, 1), {"unknown_modify": 1}, [5, 5, 1]),
            (add("B", 1, 100, 5), {"duplicate_add": 1}, [5, 5]),
            (add("B", 1, 100, 4), {"conflicting_add": 1}, [5, 4]),
            (add("A", 1, 105, 5), {"conflicting_add": 1}, [5]),
            (cancel("B", 1, 100, 6), {"over_cancel": 1}, [5]),
            (cancel("A", 1, 100, 1), {"cancel_mismatch": 1}, [4, 5]),
            (cancel("B", 1, 101, 1), {"cancel_mismatch": 1}, [4, 5]),
            (cancel("B", 1, 101, 9), {"cancel_mismatch": 1, "over_cancel": 1}, [5]),
            (add("B", 9, 100, 0), {"zero_size": 1}, [5, 5]),
            (cancel("B", 1, 100, 0), {"zero_size": 1}, [5, 5]),
            (modify("B", 1, 100, 0), {"zero_size": 1}, [5]),
            (modify("B", 9, 100, 0), {"zero_size": 1}, [5, 5]),
            (add("B", 9, 100, 1, F_MAYBE_BAD_BOOK), {"maybe_bad_book": 1}, [5, 5, 1]),
        ],
    )
    def test_what_happens_by_default(self, record: Record, anomalies: dict[str, int], sizes: list[int]) -> None:
        trial = run(*TWO_BIDS, end(record))
        assert trial.oracle.anomalies() == anomalies
        assert [order.size for order in trial.oracle.books[1, 1].queue("B", 100)] == sizes

    @pytest.mark.parametrize(
        "record",
        [
            Record("X", "B", 9, 100, 1, 0),
            Record("\0", "N", 0, 0, 0, 0),
            Record("A", "X", 9, 100, 1, 0),
            Record("T", "X", 0, 100, 1, 0),
            Record("A", "N", 9, 100, 1, 0),
            Record("C", "N", 1, 100, 1, 0),
            Record("M", "N", 1, 100, 1, 0),
            Record("R", "B", 0, UNDEF_PRICE, 0, 0),
            add("B", 9, UNDEF_PRICE, 1),
            add("B", 9, UNDEF_PRICE, 0),
            add("B", 9, UNDEF_PRICE, 1, F_MBP),
            modify("B", 1, UNDEF_PRICE, 1),
            modify("B", 1, UNDEF_PRICE, 1, F_TOB),
            cancel("B", 1, UNDEF_PRICE, 1),
            fill(1, UNDEF_PRICE, 1),
        ],
    )
    def test_the_impossible_is_skipped_yet_ends_its_event(self, record: Record) -> None:
        trial = run(*TWO_BIDS, end(record))
        assert trial.oracle.anomalies() == {"invalid_record": 1}
        assert trial.oracle.total("event_ends") == 1
        assert ids(trial.oracle.books[1, 1], "B", 100) == [1, 2]

    @pytest.mark.parametrize(
        "record",
        [
            clear(),
            trade("N", 100, 1),
            trade("B", UNDEF_PRICE, 1),
            fill(1, 100, 1),
            add("B", 0, UNDEF_PRICE, 0, F_TOB),
            add("A", 0, UNDEF_PRICE, 7, F_TOB),
            Record("N", "B", 3, UNDEF_PRICE, 0, 0),
            Record("N", "N", 0, -5, 9, 0),
        ],
    )
    def test_the_unusual_is_valid(self, record: Record) -> None:
        assert run(*TWO_BIDS, end(record)).oracle.anomalies() == {}

    def test_an_unknown_modify_enters_with_approximate_priority(self) -> None:
        queue = book(*TWO_BIDS, modify("B", 9, 100, 1), modify("B", 9, 100, 1)).queue("B", 100)
        assert [(order.order_id, order.approximate) for order in queue] == [(1, False), (2, False), (9, True)]

    def test_losing_priority_makes_it_known(self) -> None:
        queue = book(*TWO_BIDS, modify("B", 9, 100, 1), modify("B", 9, 100, 2)).queue("B", 100)
        assert [(order.order_id, order.approximate) for order in queue] == [(1, False), (2, False), (9, False)]

    def test_an_event_left_open_is_counted(self) -> None:
        assert run(end(add("B", 1, 100, 5)), add("B", 2, 100, 5)).oracle.unfinished_events() == 1


class TestSnapshots:
    def test_a_snapshot_replaces_the_book_in_queue_order(self) -> None:
        restated = clear(), add("B", 8, 100, 1), add("B", 7, 100, 1), end(add("A", 9, 101, 1))
        assert ids(book(*TWO_BIDS, *map(snapshot, restated)), "B", 100) == [8, 7]

    def test_a_missing_clear_is_made_up_for_once(self) -> None:
        restated = add("B", 1, 100, 5), add("B", 7, 100, 1), end(add("A", 9, 101, 1))
        trial = run(*map(end, TWO_BIDS), *map(snapshot, restated))
        assert ids(trial.oracle.books[1, 1], "B", 100) == [1, 7]
        assert trial.oracle.anomalies() == {}

    def test_a_record_between_two_snapshots_separates_them(self) -> None:
        first, second = snapshot(add("B", 1, 100, 5)), snapshot(add("B", 2, 100, 5))
        assert ids(book(end(first), end(second)), "B", 100) == [1, 2]
        assert ids(book(end(first), end(trade("N", 100, 1)), end(second)), "B", 100) == [2]

    @pytest.mark.parametrize(
        "between",
        [Record("N", "N", 0, 0, 0, 0), trade("N", 100, 1), cancel("B", 9, 100, 1), add("N", 9, 100, 1)],
        ids=["nothing", "trade", "cancel", "impossible_add"],
    )
    def test_only_an_add_begins_a_snapshot_without_its_clear(self, between: Record) -> None:
        after = book(end(add("B", 1, 100, 5)), end(snapshot(between)), end(snapshot(add("B", 2, 100, 5))))
        assert ids(after, "B", 100) == [2]

    def test_a_skipped_add_begins_no_snapshot(self) -> None:
        assert ids(book(end(add("B", 1, 100, 5)), end(snapshot(add("B", 2, 100, 0)))), "B", 100) == [1]


class TestAggregatedLevels:
    def test_top_of_book_replaces_its_whole_side(self) -> None:
        after = book(*TWO_BIDS, add("B", 3, 99, 1), add("A", 4, 105, 2), add("B", 0, 98, 7, F_TOB))
        assert after.levels("B") == [(98, 7, 0)]
        assert after.levels("A") == [(105, 2, 1)]

    def test_top_of_book_without_a_price_empties_its_side(self) -> None:
        after = book(*TWO_BIDS, add("A", 4, 105, 2), add("B", 0, UNDEF_PRICE, 0, F_TOB))
        assert after.bbo() == (None, (105, 2, 1))

    def test_an_aggregate_lies_beside_the_orders_at_its_price(self) -> None:
        after = book(*TWO_BIDS, add("B", 0, 100, 7, F_MBP))
        assert after.levels("B") == [(100, 17, 2)]
        assert ids(after, "B", 100) == [1, 2]

    def test_an_aggregate_shrinks_and_leaves(self) -> None:
        level, part = add("B", 0, 100, 7, F_MBP), cancel("B", 0, 100, 3, F_MBP)
        assert book(level, part).levels("B") == [(100, 4, 0)]
        assert run(level, part, end(cancel("B", 0, 100, 9, F_MBP))).oracle.anomalies() == {"over_cancel": 1}
        assert run(level, end(cancel("B", 0, 99, 9, F_MBP))).oracle.anomalies() == {"unknown_cancel": 1}

    def test_a_modify_sets_an_aggregate(self) -> None:
        level = add("B", 0, 100, 7, F_MBP)
        assert book(level, modify("B", 0, 100, 9, F_MBP)).levels("B") == [(100, 9, 0)]
        assert book(level, modify("B", 0, 100, 0, F_MBP)).levels("B") == []
        assert run(end(modify("B", 0, 100, 9, F_TOB))).oracle.anomalies() == {"unknown_modify": 1}

    def test_an_aggregate_matches_as_one_order_at_its_place(self) -> None:
        after = book(add("B", 1, 102, 1), add("B", 0, 102, 2, F_MBP), add("B", 3, 102, 1), add("A", 4, 101, 4))
        assert after.executions() == [(102, 1, 1, 4), (102, 2, 0, 4), (102, 1, 3, 4)]

    def test_an_aggregate_is_no_order_whatever_its_record_says(self) -> None:
        after = book(add("A", 1, 100, 5), add("B", 1, 100, 5, F_MBP))
        assert after.executions() == [(100, 5, 0, 1)]


class TestCrossedBooks:
    def test_the_earlier_order_makes_the_price(self) -> None:
        assert book(*CROSSED).executions() == [(102, 3, 1, 2)]
        assert book(*reversed(CROSSED)).executions() == [(100, 3, 1, 2)]

    def test_losing_priority_gives_up_the_price(self) -> None:
        assert book(*CROSSED, modify("B", 1, 102, 5)).executions() == [(100, 3, 1, 2)]
        assert book(*CROSSED, modify("B", 1, 102, 3)).executions() == [(102, 3, 1, 2)]

    def test_the_published_book_stays_and_the_matched_view_is_apart(self) -> None:
        after = book(*CROSSED)
        assert after.bbo("published") == ((102, 4, 1), (100, 3, 1))
        assert after.bbo("matched") == ((102, 1, 1), None)
        assert after.is_crossed()

    def test_locked_matches_too(self) -> None:
        after = book(add("B", 1, 100, 4), add("A", 2, 100, 3))
        assert after.is_locked()
        assert not after.is_crossed()
        assert after.executions() == [(100, 3, 1, 2)]
        assert after.uncross() == (100, 3, 1, "B")

    def test_trading_while_crossed_is_suspect_until_uncrossed(self) -> None:
        trial = run(*CROSSED, trade("B", 100, 1))
        assert trial.oracle.anomalies() == {"crossed_while_trading": 1}
        assert trial.oracle.is_suspect(1, 1)
        trial.apply_record(end(cancel("B", 1, 102, 4)))
        assert not trial.oracle.is_suspect(1, 1)

    @pytest.mark.parametrize("auction", [trade("N", 101, 1), trade("B", UNDEF_PRICE, 1)])
    def test_auction_trades_are_no_reason_for_suspicion(self, auction: Record) -> None:
        assert run(*CROSSED, end(auction)).oracle.anomalies() == {}

    def test_a_cross_within_an_event_is_no_reason_either(self) -> None:
        opened = [record._replace(flags=0) for record in CROSSED]
        assert run(*opened, end(trade("B", 101, 1))).oracle.anomalies() == {}


class TestUncross:
    """Most executable, least left over, market pressure, nearest the reference: each decides where those before tie."""

    @pytest.mark.parametrize(
        ("records", "expected"),
        [
            ([add("B", 1, 103, 5), add("B", 2, 102, 5), add("A", 3, 100, 5), add("A", 4, 102, 5)], (102, 10, 0, None)),
            ([add("B", 1, 103, 6), add("A", 2, 101, 2), add("A", 3, 102, 2)], (103, 4, 2, "B")),
            ([add("B", 1, 103, 2), add("B", 2, 102, 2), add("A", 3, 101, 6)], (101, 4, 2, "A")),
            ([add("B", 1, 105, 5), add("A", 2, 100, 5)], (100, 5, 0, None)),
            (
                [
                    trade("B", 100, 1),
                    add("B", 1, 101, 5),
                    add("B", 2, 100, 2),
                    add("A", 3, 100, 5),
                    add("A", 4, 101, 2),
                ],
                (100, 5, 2, "B"),
            ),
            (
                [add("B", 1, 110, 1), add("B", 2, 104, 4), add("A", 3, 100, 1), add("A", 4, 101, 4)],
                (104, 5, 0, None),
            ),
            ([trade("B", 104, 1), add("B", 1, 105, 5), add("A", 2, 100, 5)], (105, 5, 0, None)),
            ([trade("B", 104, 1), clear(), add("B", 1, 105, 5), add("A", 2, 100, 5)], (105, 5, 0, None)),
            ([trade("B", 104, 1), trade("N", 101, 1), add("B", 1, 105, 5), add("A", 2, 100, 5)], (100, 5, 0, None)),
            ([add("B", 1, 99, 5), add("A", 2, 100, 5)], None),
            ([add("B", 1, 99, 5)], None),
        ],
        ids=[
            "most_executable",
            "all_left_over_on_the_bid_takes_the_highest",
            "all_left_over_on_the_ask_takes_the_lowest",
            "the_middle_and_then_the_lower_price",
            "left_over_on_either_side_takes_the_nearest",
            "the_middle_is_of_the_overlap",
            "nearest_the_last_trade",
            "the_last_trade_survives_a_clear",
            "auction_trades_are_trades",
            "no_overlap",
            "one_side",
        ],
    )
    def test_the_rules_in_turn(self, records: list[Record], expected: tuple[int, int, int, str | None] | None) -> None:
        assert book(*records).uncross() == expected


class TestSuspicion:
    def test_a_gap_taints_every_book_of_its_channel(self) -> None:
        other = end(add("B", 1, 100, 5))._replace(instrument_id=2)
        elsewhere = other._replace(instrument_id=3, channel_id=7)
        trial = run(other, elsewhere, end(add("B", 1, 100, 5, F_MAYBE_BAD_BOOK)))
        assert [trial.oracle.is_suspect(1, instrument) for instrument in (1, 2, 3)] == [True, True, False]
        trial.apply_record(end(clear()))
        trial.compare()
        assert [trial.oracle.is_suspect(1, instrument) for instrument in (1, 2, 3)] == [False, True, False]

    def test_a_clear_that_carries_the_flag_clears_its_own_book_only(self) -> None:
        other = end(add("B", 1, 100, 5))._replace(instrument_id=2)
        trial = run(other, end(clear(F_MAYBE_BAD_BOOK)))
        assert [trial.oracle.is_suspect(1, instrument) for instrument in (1, 2)] == [False, True]

    @pytest.mark.parametrize(
        ("restated", "suspect"),
        [
            (snapshot(add("B", 1, 100, 5)), False),
            (snapshot(trade("N", 100, 1)), False),
            (snapshot(Record("N", "N", 0, 0, 0, 0)), False),
            (snapshot(add("N", 1, 100, 5)), True),
            (Record("R", "B", 0, UNDEF_PRICE, 0, 0), True),
        ],
        ids=["add", "trade", "nothing", "impossible_add", "impossible_clear"],
    )
    def test_what_clears_a_book_of_suspicion(self, restated: Record, suspect: bool) -> None:
        assert run(add("B", 1, 100, 5, F_MAYBE_BAD_BOOK), end(restated)).oracle.is_suspect(1, 1) == suspect


class TestConsolidation:
    def test_publishers_at_the_same_price_add_up(self) -> None:
        both = [end(add("B", 1, 100, 5))._replace(publisher_id=publisher) for publisher in (1, 2)]
        assert run(*both).oracle.bbo(1) == ((100, 10, 2), None)

    def test_publishers_may_cross_and_are_never_matched(self) -> None:
        trial = run(end(add("B", 1, 101, 5)), end(add("A", 1, 100, 5))._replace(publisher_id=2))
        assert trial.oracle.bbo(1) == ((101, 5, 1), (100, 5, 1))

    def test_an_event_under_way_is_not_seen(self) -> None:
        trial = run(end(add("B", 1, 100, 5)), add("B", 2, 101, 5))
        assert trial.oracle.bbo(1) == ((100, 5, 1), None)
        trial.apply_record(end(add("A", 3, 105, 1)))
        assert trial.oracle.bbo(1) == ((101, 5, 1), (105, 1, 1))
