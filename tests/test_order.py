from itertools import pairwise

import numpy as np
import pytest

import booktape as bt
from tests.conformance.records import F_LAST, F_SNAPSHOT, F_TOB, UNDEF_PRICE, Record, pack
from tests.dbn_files import metadata

PX = 1_000_000_000


def order(action: str, order_id: int, price: int, size: int, flags: int = F_LAST, side: str = "B") -> Record:
    return Record(action, side, order_id, price * PX, size, flags)


def tape_of(*records: Record) -> bt.Tape:
    """A tape whose records are a microsecond apart."""
    return bt.open(metadata() + pack(record._replace(ts_recv=1_000 * n) for n, record in enumerate(records)))


CLEAR = Record("R", "N", 0, UNDEF_PRICE, 0, F_LAST)


def test_a_life_tells_what_each_record_did_and_where_the_order_stood() -> None:
    tape = tape_of(
        order("A", 1, 64, 5),
        order("A", 2, 64, 3),
        order("C", 1, 64, 2),  # ahead of 2
        order("M", 2, 64, 2),  # keeps its place
        order("M", 2, 63, 4),  # loses it
        order("A", 3, 63, 1),  # behind
        order("C", 2, 63, 4),
    )
    told = tape.order(2)
    (life,) = told.lives
    assert (told.order_id, told.instrument_id, told.symbol, told.publisher) == (2, 1, "CLX5", "GLBX.MDP3.GLBX")
    assert [(r.index, r.action, r.effect, r.took_place) for r in life.records] == [
        (1, "A", "added", True),
        (3, "M", "modified", False),
        (4, "M", "modified", True),
        (6, "C", "cancelled", False),
    ]
    assert [record.place for record in life.records] == [
        ("B", 64 * PX, 3, 1, 5, False),
        ("B", 64 * PX, 2, 1, 3, False),
        ("B", 63 * PX, 4, 0, 0, False),
        None,
    ]
    assert [record.index for record in life.ranks] == [1, 4]
    assert life.path().tolist() == [(1, 1_000, 1, 5), (2, 2_000, 1, 3), (4, 4_000, 0, 0)]
    assert (life.outcome, life.size, life.raised, life.cancelled, life.left) == ("cancelled", 3, 2, 5, 0)
    assert (life.entry, life.exit, life.alive_ns) == ((1, 1_000, 0, "add", False), (6, 6_000), 5_000)
    assert (told.outcome, told.records, told.path().tolist()) == (life.outcome, life.records, life.path().tolist())


@pytest.mark.parametrize(
    ("last", "outcome", "amounts"),
    [
        ([order("F", 1, 64, 5, 0), order("C", 1, 64, 5)], "filled", (5, 5, 0)),
        ([order("F", 1, 64, 2, 0), order("M", 1, 64, 3), order("C", 1, 64, 3)], "partly_filled", (2, 2, 3)),
        ([order("F", 1, 64, 2, 0), order("C", 1, 64, 2), order("F", 1, 64, 3), order("C", 1, 64, 3)],
         "partly_filled", (5, 2, 3)),  # the second fill's event ends before the venue says what became of it
        ([order("C", 1, 64, 5)], "cancelled", (0, 0, 5)),
        ([order("C", 1, 64, 9)], "cancelled", (0, 0, 5)),
        ([order("M", 1, 64, 0)], "cancelled", (0, 0, 5)),
        ([order("F", 1, 64, 5, 0), order("M", 1, 64, 0)], "filled", (5, 5, 0)),
        ([], "alive", (0, 0, 0)),
    ],
)  # fmt: skip
def test_outcomes_and_amounts(last: list[Record], outcome: str, amounts: tuple[int, int, int]) -> None:
    (life,) = tape_of(order("A", 1, 64, 5), *last).order(1).lives
    assert (life.outcome, (life.filled, life.returned, life.cancelled)) == (outcome, amounts)
    assert life.left == (5 if outcome == "alive" else 0)


@pytest.mark.parametrize(
    ("by", "record"),
    [
        ("clear", CLEAR),
        ("snapshot", CLEAR._replace(flags=F_LAST | F_SNAPSHOT)),
        ("snapshot", order("A", 9, 60, 1, F_LAST | F_SNAPSHOT)),
        ("side", order("A", 0, 60, 1, F_LAST | F_TOB)),
    ],
)
def test_what_clears_an_order_is_named(by: str, record: Record) -> None:
    tape = tape_of(order("A", 1, 64, 5), order("A", 2, 64, 5), record, order("A", 1, 64, 7))
    first, second = tape.order(1).lives
    assert (first.outcome, first.cleared_by, first.cleared, first.exit) == ("cleared", by, 5, (2, 2_000))
    assert (second.outcome, second.left, [record.index for record in second.records]) == ("alive", 7, [3])


def test_ids_used_again_are_lives_of_their_own() -> None:
    lives = tape_of(order("A", 1, 64, 5), order("C", 1, 64, 5), order("A", 1, 66, 2, side="A")).order(1).lives
    assert [(life.outcome, life.size, life.records[0].side) for life in lives] == [
        ("cancelled", 5, "B"),
        ("alive", 2, "A"),
    ]


def test_an_iceberg_shows_its_slices() -> None:
    slices = [record for _ in range(3) for record in (order("F", 1, 64, 2, 0), order("M", 1, 64, 2))]
    (life,) = tape_of(order("A", 1, 64, 2), order("A", 2, 64, 1), *slices).order(1).lives
    assert (life.filled, life.raised, life.refreshes, life.left) == (6, 6, 3, 2)
    assert [record.place and record.place.orders_ahead for record in life.ranks] == [0, 1, 1, 1]


def test_an_order_never_seen_entering_is_told_as_far_as_it_is_seen() -> None:
    tape = tape_of(order("M", 1, 64, 5), order("C", 1, 64, 1), order("F", 2, 64, 3, 0), order("C", 2, 64, 3))
    (modified,) = tape.order(1).lives
    assert modified.entry
    assert (modified.entry.by, modified.left) == ("modify", 4)
    assert all(record.place and record.place.priority_approximate for record in modified.records)
    (cancelled,) = tape.order(2).lives
    assert (cancelled.outcome, cancelled.entry, cancelled.exit, cancelled.alive_ns) == ("unseen", None, None, None)
    assert (cancelled.filled, [record.anomaly for record in cancelled.records]) == (3, [None, "unknown_cancel"])
    assert len(cancelled.path()) == 0


def test_unknown_orders_are_named() -> None:
    tape = tape_of(order("A", 1, 64, 5), order("T", 7, 64, 1), order("F", 7, 64, 1))
    with pytest.raises(bt.NotFoundError, match="order 5 is not on the tape"):
        tape.order(5)
    with pytest.raises(
        bt.NotFoundError, match="order 7 never rested: only trades and fills name it, the first at index 1"
    ):
        tape.order(7)
    with pytest.raises(bt.NotFoundError, match="has no records there; it has some of instrument 1 at publisher 1"):
        tape.order(1, 2)
    for wrong in (0, -1, 2**64, 1.5, "1", True):
        with pytest.raises(bt.ParameterError, match="order_id"):
            tape.order(wrong)  # type: ignore[arg-type]
    with pytest.raises(bt.NotFoundError):
        bt.open(metadata()).order(1)


def test_an_id_in_several_books_needs_to_be_told_which() -> None:
    one = order("A", 1, 64, 5)
    tape = tape_of(one, one._replace(instrument_id=2), one._replace(publisher_id=2), order("A", 3, 64, 1))
    with pytest.raises(
        bt.ParameterError, match=r"instrument_id.*instrument 1 at publisher 1.*instrument 2 at publisher 1"
    ):
        tape.order(1)
    with pytest.raises(
        bt.ParameterError, match=r"publisher_id.*instrument 1 at publisher 1.*instrument 1 at publisher 2"
    ):
        tape.order(1, 1)
    assert tape.order(1, 2).instrument_id == 2
    assert tape.order(1, publisher_id=2).publisher_id == 2
    assert tape.order(3).instrument_id == 1


def test_a_very_long_life_is_listed_up_to_a_bound_and_counted_whole() -> None:
    raises = [order("M", 1, 64, 2 + n % 2) for n in range(12_000)]
    (life,) = tape_of(order("A", 1, 64, 1), *raises).order(1).lives
    assert (len(life.records), life.records_omitted) == (10_000, 2_001)
    assert (life.raised - life.cancelled, life.left) == (2, 3)


def test_very_many_lives_are_listed_up_to_a_bound() -> None:
    one = [order("A", 1, 64, 1), order("C", 1, 64, 1)]
    told = tape_of(*one * 1_500).order(1)
    assert (len(told.lives), told.lives_omitted) == (1_000, 500)


def test_paths_come_in_pages() -> None:
    churn = [record for n in range(2, 60) for record in (order("A", n, 64, n), order("A", 100 + n, 65, 1))]
    leave = [order("C", n, 64, n) for n in range(2, 60)]
    tape = tape_of(*churn, order("A", 1, 64, 1), *leave)
    life = tape.order(1).lives[0]
    whole = life.path()
    assert whole["orders_ahead"].tolist() == [*range(58, -1, -1)]
    assert whole["size_ahead"][0] == sum(range(2, 60))
    first = life.path(limit=20)
    rest = life.path(start=first["index"][-1] + 1)
    assert np.concatenate([first, rest]).tolist() == whole.tolist()
    for wrong in ({"every": "day"}, {"limit": -1}, {"limit": 2_000_000}, {"start": -1}):
        with pytest.raises(bt.ParameterError):
            life.path(**wrong)


def test_positions_at_records_are_those_of_the_book_then(two_instruments: bt.Tape) -> None:
    adds = [record for record in two_instruments.records(3_000, 500) if record["action"] == "A"]
    for add in adds[::20]:
        order_id, instrument_id = int(add["order_id"]), add["instrument_id"]
        (life,) = two_instruments.order(order_id, instrument_id).lives
        for record in life.records:
            book = two_instruments.book_at(record.index, instrument_id)
            assert book.queue_position(order_id) == (record.place and record.place[3:5])
        rows = life.path("record")
        for row, following in pairwise(rows.tolist()):
            assert row[2:] != following[2:]
        for index, _, orders, size in rows.tolist():
            assert two_instruments.book_at(index, instrument_id).queue_position(order_id) == (orders, size)


def test_progress_may_stop_it() -> None:
    tape = bt.synthesize(messages=200_000, seed=3)
    order_id = int(tape.to_numpy()["order_id"][-1])

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert 0 <= done <= total
        raise StopError

    with pytest.raises(StopError):
        tape.order(order_id, progress=stop)
    assert tape.order(order_id).lives


def test_an_order_shows_itself_in_a_notebook() -> None:
    tape = tape_of(order("A", 1, 64, 5), order("F", 1, 64, 5, 0), order("C", 1, 64, 5))
    html = tape.order(1)._repr_html_()
    assert "order 1" in html
    assert "5 filled of 5" in html
    assert "64.00" in html
    assert "OrderLife(order_id=1" in repr(tape.order(1))
