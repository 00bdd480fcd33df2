"""MBO records in the terms of books that know only add, update, delete and clear.

Their documents and converters take a cancel for the end of its order, and some stop at an order they do not know. So
that every peer ends with the right book, what a record means is worked out here, before and outside the measured time:
a partial cancel is an update to what is left, an update of an unknown order an add, a cancel of one nothing. Trades,
fills and records without action move no book, and are left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

ADD, UPDATE, DELETE, CLEAR = range(4)
CHUNK = 1_000_000


class Change(NamedTuple):
    """One change of a book."""

    kind: int
    is_bid: bool
    price: int
    size: int
    order_id: int
    index: int


def changes(records: np.ndarray) -> Iterator[list[Change]]:
    """The changes that the records make, in lists of bounded length."""
    live: dict[int, tuple[bool, int, int]] = {}
    for start in range(0, len(records), CHUNK):
        chunk = records[start : start + CHUNK]
        columns = (chunk[name].tolist() for name in ("action", "side", "price", "size", "order_id"))
        out: list[Change] = []
        for index, (action, side, price, size, order_id) in enumerate(zip(*columns, strict=True), start):
            if action in (b"A", b"M"):
                is_bid = side == b"B"
                known = live.get(order_id)
                if known is not None and known[0] != is_bid:
                    out.append(Change(DELETE, known[0], known[1], 0, order_id, index))
                    known = None
                out.append(Change(ADD if known is None else UPDATE, is_bid, price, size, order_id, index))
                live[order_id] = (is_bid, price, size)
            elif action == b"C" and order_id in live:
                is_bid, limit, before = live.pop(order_id)
                left = before - size
                if left > 0:
                    live[order_id] = (is_bid, limit, left)
                    out.append(Change(UPDATE, is_bid, limit, left, order_id, index))
                else:
                    out.append(Change(DELETE, is_bid, limit, 0, order_id, index))
            elif action == b"R":
                live.clear()
                out.append(Change(CLEAR, True, 0, 0, 0, index))
        yield out
