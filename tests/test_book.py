from enum import Enum

import pytest
from databento_dbn import Side

import booktape as bt
from tests.conformance.records import Record

PX = 1_000_000_000


def book_of(*orders: tuple[str, int, int, int]) -> bt.Book:
    """A book of (side, order_id, price in units of the currency, size), added in this order."""
    market = bt.Market()
    market.apply(
        b"".join(Record("A", side, number, price * PX, size, 128).pack() for side, number, price, size in orders)
    )
    return market.book(1)


@pytest.fixture
def book() -> bt.Book:
    return book_of(("B", 1, 64, 5), ("B", 2, 64, 2), ("B", 3, 63, 9), ("A", 4, 66, 1), ("A", 5, 67, 4))


@pytest.fixture
def crossed() -> bt.Book:
    """A bid at 66 above an ask at 65: 3 of them trade."""
    return book_of(("A", 4, 65, 3), ("A", 5, 67, 4), ("B", 1, 66, 5), ("B", 2, 64, 2))


def test_levels_are_best_first(book: bt.Book) -> None:
    assert book.bids() == [(64 * PX, 7, 2), (63 * PX, 9, 1)]
    assert book.asks() == [(66 * PX, 1, 1), (67 * PX, 4, 1)]
    assert book.bids(1) == book.bids()[:1]
    assert book.asks(0) == []
    assert book.level_counts == (2, 2)


def test_best_prices_are_levels(book: bt.Book) -> None:
    bbo = book.bbo()
    assert bbo.bid is not None
    assert bbo.ask is not None
    assert (bbo.bid.price, bbo.bid.size, bbo.bid.count, bbo.bid.price_f) == (64 * PX, 7, 2, 64.0)
    assert bbo.ask == bt.Level(66 * PX, 1, 1)
    assert bbo.spread == 2 * PX


def test_an_empty_side_has_no_best() -> None:
    bbo = book_of(("B", 1, 64, 5)).bbo()
    assert bbo.ask is None
    assert bbo.spread is None


class Elsewhere(Enum):
    BID = "B"


@pytest.mark.parametrize("side", ["B", "b", "bid", "Bid", "BUY", b"B", Side.BID, Elsewhere.BID])
def test_sides_are_understood_in_every_form(book: bt.Book, side: object) -> None:
    assert book.level(side, 64 * PX) == (64 * PX, 7, 2)


@pytest.mark.parametrize("side", ["N", "", "both", 66, None, Side.NONE])
def test_other_sides_are_refused(book: bt.Book, side: object) -> None:
    with pytest.raises(bt.ParameterError, match=r'side = .*one of "B" or "bid"'):
        book.level(side, 64 * PX)


def test_other_views_are_refused(book: bt.Book) -> None:
    with pytest.raises(bt.ParameterError, match=r'view = .*"matched" or "published"'):
        book.bbo(view="raw")  # type: ignore[arg-type]


@pytest.mark.parametrize("price", [64.0, "64", None, 2**63])
def test_prices_are_ints_in_units(book: bt.Book, price: object) -> None:
    with pytest.raises(bt.ParameterError, match=r"price = .*an int in units of 1e-9"):
        book.level("B", price)  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [-1, 1.5, "ten", 2**40])
def test_depth_is_a_number_of_levels(book: bt.Book, depth: object) -> None:
    with pytest.raises(bt.ParameterError, match="depth = "):
        book.bids(depth)  # type: ignore[arg-type]


def test_a_level_that_is_not_there_is_none(book: bt.Book) -> None:
    assert book.level("A", 65 * PX) is None
    assert book.queue("A", 65 * PX) == []


def test_a_queue_is_in_the_order_of_trading(book: bt.Book) -> None:
    assert book.queue("bid", 64 * PX) == [
        bt.Order(1, "B", 64 * PX, 5, priority_approximate=False),
        bt.Order(2, "B", 64 * PX, 2, priority_approximate=False),
    ]


def test_an_order_knows_what_is_ahead(book: bt.Book) -> None:
    assert book.queue_position(1) == bt.Ahead(orders=0, size=0)
    assert book.queue_position(2) == bt.Ahead(orders=1, size=5)
    assert book.queue_position(99) is None
    assert book.order(2) == bt.Order(2, "B", 64 * PX, 2, priority_approximate=False)
    assert book.order(99) is None
    with pytest.raises(bt.ParameterError, match="order_id = -1"):
        book.order(-1)


def test_an_order_first_seen_being_modified_has_an_approximate_place() -> None:
    market = bt.Market()
    market.apply(Record("M", "A", 8, 65 * PX, 3, 128).pack())
    order = market.book(1).order(8)
    assert order is not None
    assert order.priority_approximate


def test_the_matched_view_never_crosses(crossed: bt.Book) -> None:
    assert crossed.is_crossed
    assert not crossed.is_locked
    assert crossed.bbo(view="published") == ((66 * PX, 5, 1), (65 * PX, 3, 1))
    assert crossed.bbo() == ((66 * PX, 2, 1), (67 * PX, 4, 1))
    assert crossed.level("B", 66 * PX, view="published") == (66 * PX, 5, 1)
    assert crossed.level("B", 66 * PX) == (66 * PX, 2, 1)


def test_executions_trade_at_the_price_of_the_earlier_order(crossed: bt.Book) -> None:
    assert crossed.executions() == [bt.Execution(price=65 * PX, size=3, bid_order_id=1, ask_order_id=4)]


def test_the_auction_trades_the_most(crossed: bt.Book) -> None:
    uncross = crossed.uncross()
    assert uncross is not None
    assert (uncross.size, uncross.imbalance, uncross.side) == (3, 2, "B")
    assert uncross.price_f == 66.0


def test_an_ordinary_book_has_neither(book: bt.Book) -> None:
    assert book.executions() == []
    assert book.uncross() is None
    assert not book.is_crossed
    assert book.suspect is None


def test_a_locked_book_is_not_crossed() -> None:
    locked = book_of(("B", 1, 64, 5), ("A", 2, 64, 2))
    assert (locked.is_locked, locked.is_crossed) == (True, False)


def test_state_has_prices_as_strings_and_floats_beside(book: bt.Book) -> None:
    state = book.state(1, orders=True)
    (bid,) = state["bids"]
    assert (bid["price"], bid["price_f"], bid["size"], bid["count"]) == (str(64 * PX), 64.0, 7, 2)
    assert [order["order_id"] for order in bid["orders"]] == ["1", "2"]
    assert (state["index"], state["order_count"], state["crossed"]) == (5, 5, False)


def test_a_book_shows_itself_as_a_ladder(book: bt.Book) -> None:
    assert "64.00 x 7 / 66.00 x 1, 5 orders" in repr(book)
    html = book._repr_html_()
    assert html.index("67.00") < html.index("66.00") < html.index("64.00") < html.index("63.00")


def test_a_checked_book_is_right(book: bt.Book, crossed: bt.Book) -> None:
    book.check()
    crossed.check()
