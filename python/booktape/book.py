"""One order book: best prices, levels, queues, and what matching its overlap would trade."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, SupportsIndex, cast, get_args

from booktape.parameters import ID_RANGE, bad_parameter, within
from booktape.values import Ahead, Anomaly, Bbo, Execution, Level, Order, Side, Uncross, View

if TYPE_CHECKING:
    from booktape import _native

_SIDES: dict[str, Side] = {"B": "B", "BID": "B", "BUY": "B", "A": "A", "ASK": "A", "SELL": "A"}


class Book:
    """The book of one instrument at one publisher: a live view, so every call shows its market's present state.

    The *published* book is what the venue sent, never altered. The *matched* view is the same book after its overlap,
    where it has one, has traded by price and time: its best bid is always below its best ask. Best prices and levels
    are of the matched view unless asked otherwise; queues and orders are of the published book.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=2_000, seed=1)
    >>> book = tape.book_at(1_500)
    >>> bid, ask = book.bbo()
    >>> bid.price < ask.price
    True
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Book) -> None:
        self._native = native

    @property
    def publisher_id(self) -> int:
        """Databento's number of the venue and dataset."""
        return self._native.publisher_id

    @property
    def instrument_id(self) -> int:
        """The venue's number of the instrument, unique within one dataset and day."""
        return self._native.instrument_id

    def bbo(self, *, view: View = "matched") -> Bbo:
        """The best bid and offer, each a `Level`, or None where that side is empty."""
        bid, ask = self._native.bbo(_view(view))
        return Bbo(bid and Level(*bid), ask and Level(*ask))

    def bids(self, depth: int | None = None, *, view: View = "matched") -> list[Level]:
        """The best `depth` bid levels (all of them for None), best first."""
        return [Level(*level) for level in self._native.levels("B", _depth(depth), _view(view))]

    def asks(self, depth: int | None = None, *, view: View = "matched") -> list[Level]:
        """The best `depth` ask levels (all of them for None), best first."""
        return [Level(*level) for level in self._native.levels("A", _depth(depth), _view(view))]

    def level(self, side: object, price: SupportsIndex, *, view: View = "matched") -> Level | None:
        """The level at a price; None where nothing rests.

        Sides, here and elsewhere, are "B" or "A", "bid" or "ask", or Databento's `Side`.
        """
        level = self._native.level(_side(side), _price(price), _view(view))
        return level and Level(*level)

    def queue(self, side: object, price: SupportsIndex) -> list[Order]:
        """The orders at a price, first to trade first; of the published book."""
        known, units = _side(side), _price(price)
        return [Order(number, known, units, size, guess) for number, size, guess in self._native.queue(known, units)]

    def order(self, order_id: SupportsIndex) -> Order | None:
        """A resting order, or None."""
        number = _order_id(order_id)
        order = self._native.order(number)
        return order and Order(number, *order)

    def queue_position(self, order_id: SupportsIndex) -> Ahead | None:
        """How many orders are in front of an order, and their size; None if it does not rest here."""
        ahead = self._native.queue_position(_order_id(order_id))
        return ahead and Ahead(*ahead)

    @property
    def order_count(self) -> int:
        """Resting orders, both sides."""
        return self._native.order_count()

    @property
    def level_counts(self) -> tuple[int, int]:
        """Price levels of the published book, bid and ask."""
        return self._native.level_counts()

    @property
    def is_crossed(self) -> bool:
        """Whether the published best bid is above the best ask; usual before an opening auction."""
        return self._native.is_crossed()

    @property
    def is_locked(self) -> bool:
        """Whether the published best bid equals the best ask."""
        return self._native.is_locked()

    @property
    def suspect(self) -> str | None:
        """Why the book may be wrong, or None where nothing says so."""
        return self._native.suspect()

    @property
    def anomalies(self) -> dict[Anomaly, int]:
        """What was wrong with this book's records so far: every kind with its count, zeros included."""
        return cast("dict[Anomaly, int]", self._native.anomalies())

    def executions(self) -> list[Execution]:
        """The trades that lie between the published book and the matched view, in the order they would happen."""
        return [Execution(*execution) for execution in self._native.executions()]

    def uncross(self) -> Uncross | None:
        """The indicative auction result; None unless the book is locked or crossed."""
        uncross = self._native.uncross()
        return uncross and Uncross(*uncross)

    def check(self) -> None:
        """Verifies every invariant; raises `InvariantError` naming the broken one, which only a bug can cause."""
        self._native.check()

    def state(self, depth: int = 10, *, view: View = "matched", orders: bool = False) -> dict[str, Any]:
        """The book as the service's book route tells it: prices as strings of 1e-9 units, ``_f`` floats beside."""
        state: dict[str, Any] = json.loads(self.state_json(depth, view=view, orders=orders))
        return state

    def state_json(self, depth: int = 10, *, view: View = "matched", orders: bool = False) -> bytes:
        """The same as JSON, ready to send."""
        known = _depth(depth)
        if known is None:
            raise bad_parameter("depth", depth, "a number of levels")
        return self._native.state_json(known, _view(view), bool(orders))

    def __repr__(self) -> str:
        from booktape.notebook import book_line

        return f"<Book {book_line(self)}>"

    def _repr_html_(self) -> str:
        from booktape.notebook import book_html

        return book_html(self)


def _side(side: object) -> Side:
    """Reads a side in any of the forms people and libraries have for it."""
    text = getattr(side, "value", side)  # databento's Side is an enumeration whose values are "A", "B" and "N"
    text = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    known = _SIDES.get(text.upper()) if isinstance(text, str) else None
    if known is None:
        raise bad_parameter("side", side, 'one of "B" or "bid", "A" or "ask"')
    return known


def _view(view: View) -> View:
    if view not in get_args(View):
        raise bad_parameter("view", view, '"matched" or "published"')
    return view


def _depth(depth: SupportsIndex | None) -> int | None:
    return None if depth is None else within("depth", depth, ID_RANGE, "a number of levels, or None for all")


def _price(price: SupportsIndex) -> int:
    return within("price", price, range(-(2**63), 2**63), "an int in units of 1e-9, such as 65_400_000_000 for 65.40")


def _order_id(order_id: SupportsIndex) -> int:
    return within("order_id", order_id, range(2**64))
