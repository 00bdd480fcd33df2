"""A full order book in plain Python, as fast as its author can write one.

Levels stand in a `SortedDict` a side. A level is a dict from order id to size: dicts keep the order of insertion, so
that it is a queue from which any order leaves in constant time.
"""

from typing import Any

from sortedcontainers import SortedDict


class SortedBook:
    """One instrument's book."""

    def __init__(self, instrument: int) -> None:
        self.instrument = instrument
        self.bids: Any = SortedDict()
        self.asks: Any = SortedDict()
        self.places: dict[int, tuple[Any, int]] = {}

    def add(self, order_id: int, is_bid: bool, price: int, size: int) -> None:
        """To the back of its level."""
        side = self.bids if is_bid else self.asks
        level = side.get(price)
        if level is None:
            side[price] = {order_id: size}
        else:
            level[order_id] = size
        self.places[order_id] = (side, price)

    def cancel(self, order_id: int, size: int) -> None:
        """Takes `size` off; the order leaves when nothing is left."""
        place = self.places.get(order_id)
        if place is None:
            return
        side, price = place
        level = side[price]
        left = level[order_id] - size
        if left > 0:
            level[order_id] = left
        else:
            self._leave(order_id, side, price, level)

    def modify(self, order_id: int, is_bid: bool, price: int, size: int) -> None:
        """The order's new state; only less size at the same price keeps its place."""
        place = self.places.get(order_id)
        if place is not None:
            side, old = place
            level = side[old]
            if old == price and size <= level[order_id] and side is (self.bids if is_bid else self.asks):
                level[order_id] = size
                return
            self._leave(order_id, side, old, level)
        self.add(order_id, is_bid, price, size)

    def clear(self) -> None:
        """Empty."""
        self.bids.clear()
        self.asks.clear()
        self.places.clear()

    def _leave(self, order_id: int, side: Any, price: int, level: dict[int, int]) -> None:
        del level[order_id]
        del self.places[order_id]
        if not level:
            del side[price]

    def state(self) -> dict[str, Any]:
        """Levels, best first."""
        bids = [[price, sum(level.values()), len(level)] for price, level in reversed(self.bids.items())]
        asks = [[price, sum(level.values()), len(level)] for price, level in self.asks.items()]
        return {"instrument": self.instrument, "bids": bids, "asks": asks}
