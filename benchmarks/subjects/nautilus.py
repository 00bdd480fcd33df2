"""nautilus_trader's level 3 `OrderBook`, from Python: `nautilus.py FILE PASSES`.

Deltas are made before; measured are a Python loop, `apply_delta`, and both best prices after every delta. A long file
is played in chunks, so that its deltas need not all be held at once.
"""

import sys
from pathlib import Path

from nautilus_trader.core.rust.model import OrderSide
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from prepared import ADD, CLEAR, DELETE, UPDATE, Change, changes
from shared import Spent, records, report

#: Decimals of the prices of both flows' instruments; a decimal is exact in the book's fixed-point numbers.
DECIMALS = 2
UNITS = 10**9
INSTRUMENT = InstrumentId.from_str("CLX5.GLBX")
ACTIONS = {ADD: BookAction.ADD, UPDATE: BookAction.UPDATE, DELETE: BookAction.DELETE}
RAW = Price(1, DECIMALS).raw // UNITS


def delta(change: Change) -> OrderBookDelta:
    """A change as the book takes it."""
    if change.kind == CLEAR:
        return OrderBookDelta.clear(INSTRUMENT, change.index, 0, 0)
    order = BookOrder(
        OrderSide.BUY if change.is_bid else OrderSide.SELL,
        Price.from_raw(change.price * RAW, DECIMALS),
        Quantity.from_int(change.size),
        change.order_id,
    )
    return OrderBookDelta(INSTRUMENT, ACTIONS[change.kind], order, 0, change.index, 0, 0)


def play(deltas: list[OrderBookDelta], book: OrderBook) -> None:
    """Applies deltas and reads the best prices after each."""
    apply, best_bid, best_ask = book.apply_delta, book.best_bid_price, book.best_ask_price
    for one in deltas:
        apply(one)
        best_bid()
        best_ask()


def levels(side: list) -> list[list[int]]:
    """Levels of a side, best first."""
    return [[level.price.raw // RAW, int(level.size()), len(level.orders())] for level in side]


def main() -> None:
    """Plays the file so many times, each time on a new book."""
    path, passes = Path(sys.argv[1]), int(sys.argv[2])
    table = records(path)
    spent = Spent()
    book = OrderBook(INSTRUMENT, BookType.L3_MBO)
    if passes == 1:
        for chunk in changes(table):
            deltas = [delta(change) for change in chunk]
            with spent.measured():
                play(deltas, book)
    else:
        deltas = [delta(change) for chunk in changes(table) for change in chunk]
        for _ in range(passes):
            book = OrderBook(INSTRUMENT, BookType.L3_MBO)
            with spent.measured():
                play(deltas, book)
    report(
        len(table) * passes,
        spent,
        state=[
            {"instrument": int(table["instrument_id"][0]), "bids": levels(book.bids()), "asks": levels(book.asks())}
        ],
    )


if __name__ == "__main__":
    main()
