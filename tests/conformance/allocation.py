"""Matching and the call auction over two plain lists of resting quantity: what a locked or crossed book would trade."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass
class Resting:
    """An order, or an aggregated level (no `order_id`), in the book."""

    side: str
    price: int
    size: int
    place: int
    """Number of the record that gave it its place in the queue."""
    order_id: int | None = None
    approximate: bool = False
    fills: int = 0
    """Size that F records of the event under way have reported for it."""


class Execution(NamedTuple):
    price: int
    size: int
    bid_order_id: int
    ask_order_id: int


class Uncross(NamedTuple):
    price: int
    size: int
    imbalance: int
    side: str | None


def best_first(resting: Iterable[Resting]) -> list[Resting]:
    """One side in price-time priority."""
    return sorted(resting, key=lambda r: (-r.price if r.side == "B" else r.price, r.place))


def allocate(bids: Iterable[Resting], asks: Iterable[Resting]) -> tuple[list[Execution], list[Resting], list[Resting]]:
    """Executions in the order they happen, and what each side is left with. The inputs stay as they are."""
    bids, asks = list(bids), list(asks)
    if not bids or not asks or max(r.price for r in bids) < min(r.price for r in asks):
        return [], bids, asks
    bids = [replace(r) for r in best_first(bids)]
    asks = [replace(r) for r in best_first(asks)]
    executions = []
    while bids and asks and bids[0].price >= asks[0].price:
        bid, ask = bids[0], asks[0]
        size = min(bid.size, ask.size)
        earlier = bid if bid.place < ask.place else ask
        executions.append(Execution(earlier.price, size, bid.order_id or 0, ask.order_id or 0))
        bid.size -= size
        ask.size -= size
        bids = [r for r in bids if r.size]
        asks = [r for r in asks if r.size]
    return executions, bids, asks


def uncross(bids: list[Resting], asks: list[Resting], last_trade: int | None) -> Uncross | None:
    """The indicative auction, or None unless the sides lock or cross."""
    if not bids or not asks:
        return None
    best_bid = max(r.price for r in bids)
    best_ask = min(r.price for r in asks)
    prices = sorted({r.price for r in [*bids, *asks] if best_ask <= r.price <= best_bid})
    if not prices:
        return None
    demand = {p: sum(r.size for r in bids if r.price >= p) for p in prices}
    supply = {p: sum(r.size for r in asks if r.price <= p) for p in prices}
    executable = {p: min(demand[p], supply[p]) for p in prices}
    surplus = {p: demand[p] - supply[p] for p in prices}

    prices = [p for p in prices if executable[p] == max(executable[q] for q in prices)]
    prices = [p for p in prices if abs(surplus[p]) == min(abs(surplus[q]) for q in prices)]
    if all(surplus[p] > 0 for p in prices):
        price = max(prices)
    elif all(surplus[p] < 0 for p in prices):
        price = min(prices)
    else:
        # Twice the reference, so that the middle of an odd sum is exact. `min` keeps the first: the lower price.
        reference = best_bid + best_ask if last_trade is None else 2 * last_trade
        price = min(prices, key=lambda p: abs(2 * p - reference))
    left_over = surplus[price]
    return Uncross(price, executable[price], abs(left_over), "B" if left_over > 0 else "A" if left_over < 0 else None)
