"""Streams of MBO records for Hypothesis: plausible flow that knows which orders live, with everything wrong mixed in.

A stream is drawn as a list of *moves* ("cancel half of the third order"), then spelled out as records against a book
that follows along. Moves name no order ids: Hypothesis can drop any of them and the others still hit live orders.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Protocol, TypeAlias

from hypothesis import strategies as st

from tests.conformance.oracle import OracleBook, OracleMarket
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

SNAPSHOT_FLAGS = F_SNAPSHOT | F_BAD_TS_RECV
Streams: TypeAlias = st.SearchStrategy[list[Record]]
OTHER_SIDE = {"B": "A", "A": "B"}


@dataclass
class Scene:
    """What a move may look at: one book as it stands, the price grid, ids not used yet."""

    book: OracleBook
    ids: Iterator[int]
    tick: int
    gap: int
    """Ticks by which asks start above bids: 0 makes auctions that cross, more makes continuous trading."""
    lowest: int
    """Ticks of the lowest price: spreads trade below zero, and through it."""

    def price(self, side: str, step: int) -> int:
        return (self.lowest + step + (self.gap if side == "A" else 0)) * self.tick

    def order(self, which: int) -> Record:
        """A live order as the record that would add it now; an unknown one if the book is empty."""
        live = list(self.book.orders.values())
        if not live:
            return Record("A", "B", 1, self.tick, 1, 0)
        chosen = live[which % len(live)]
        return Record("A", chosen.side, chosen.order_id or 0, chosen.price, chosen.size, 0)


class Move(Protocol):
    def records(self, scene: Scene, /) -> list[Record]: ...


@dataclass
class Enter:
    side: str
    step: int
    size: int

    def records(self, scene: Scene) -> list[Record]:
        return [Record("A", self.side, next(scene.ids), scene.price(self.side, self.step), self.size, 0)]


@dataclass
class Leave:
    """A cancel: of all, of a part, or of `excess` more than there is; perhaps with the wrong side or price."""

    which: int
    part: int | None
    excess: int
    wrong: str

    def records(self, scene: Scene) -> list[Record]:
        order = scene.order(self.which)
        size = order.size + self.excess if self.part is None else min(self.part, order.size)
        cancel = order._replace(action="C", size=size)
        if self.wrong == "side":
            cancel = cancel._replace(side=OTHER_SIDE[order.side])
        if self.wrong == "price":
            cancel = cancel._replace(price=order.price + scene.tick)
        return [cancel]


@dataclass
class Change:
    """A modify: price and size relative to the order's, perhaps on the other side."""

    which: int
    steps: int
    more: int
    flips: bool

    def records(self, scene: Scene) -> list[Record]:
        order = scene.order(self.which)
        side = OTHER_SIDE[order.side] if self.flips else order.side
        size = max(0, order.size + self.more)
        return [order._replace(action="M", side=side, price=order.price + self.steps * scene.tick, size=size)]


@dataclass
class Execute:
    """An aggressor takes `size` from the front of one side; what is left returns as an M (CME) or as C (Nasdaq).

    With `slice_`, an order that is filled shows a new slice of that size, as an iceberg does.
    """

    side: str
    size: int
    style: str
    slice_: int

    def records(self, scene: Scene) -> list[Record]:
        level = scene.book.levels(self.side, "published")[:1]
        if not level:
            return []
        price, left = level[0].price, self.size
        fills, returns = [], []
        for order in scene.book.queue(self.side, price):
            filled = min(left, order.size)
            if not filled:
                break
            left -= filled
            resting = Record("F", self.side, order.order_id or 0, price, filled, 0)
            fills.append(resting)
            remaining = self.slice_ or order.size - filled
            if self.style == "M" and remaining:
                returns.append(resting._replace(action="M", size=remaining))
            else:
                returns.append(resting._replace(action="C"))
        trade = Record("T", OTHER_SIDE[self.side], 0, price, self.size - left, 0)
        return [trade, *fills, *returns]


@dataclass
class Settle:
    """An order with another behind it is filled, perhaps cut, then restated twice: are its fills taken off once?"""

    order: Enter
    filled: int
    cut: int
    sizes: tuple[int, int]
    ends_between: bool

    def records(self, scene: Scene) -> list[Record]:
        order, behind = self.order.records(scene) + self.order.records(scene)
        fill = order._replace(action="F", size=self.filled, flags=F_LAST if self.ends_between else 0)
        cancel = order._replace(action="C", size=min(self.cut, order.size - 1))
        first, second = (order._replace(action="M", size=size) for size in self.sizes)
        return [order, behind, fill, *([cancel] if cancel.size else []), first, second]


@dataclass
class Fill:
    """An F alone, of any order: the event goes on, or the venue never says what became of it."""

    which: int
    size: int

    def records(self, scene: Scene) -> list[Record]:
        return [scene.order(self.which)._replace(action="F", size=self.size)]


@dataclass
class Print:
    """A trade that no order of the book explains, or a record that says nothing."""

    action: str
    side: str
    step: int | None
    size: int

    def records(self, scene: Scene) -> list[Record]:
        price = UNDEF_PRICE if self.step is None else scene.price("B", self.step)
        return [Record(self.action, self.side, 0, price, self.size, 0)]


@dataclass
class Snapshot:
    """A restated book, sometimes without its R, sometimes of orders that already rest."""

    clears: bool
    orders: list[Enter]
    repeats: bool

    def records(self, scene: Scene) -> list[Record]:
        adds = [record for order in self.orders for record in order.records(scene)]
        if self.repeats:
            adds += [scene.order(which) for which in range(2)]
        clear = [Record("R", "N", 0, UNDEF_PRICE, 0, 0)] if self.clears else []
        return [record._replace(flags=SNAPSHOT_FLAGS) for record in clear + adds]


@dataclass
class Clear:
    flags: int

    def records(self, _scene: Scene) -> list[Record]:
        return [Record("R", "N", 0, UNDEF_PRICE, 0, self.flags)]


@dataclass
class Aggregate:
    """An aggregated level enters, changes or shrinks."""

    action: str
    side: str
    step: int | None
    size: int
    flags: int

    def records(self, scene: Scene) -> list[Record]:
        price = UNDEF_PRICE if self.step is None else scene.price(self.side, self.step)
        return [Record(self.action, self.side, 0, price, self.size, self.flags)]


@dataclass
class Again:
    """A live id is added again: the same order, or another state of it."""

    which: int
    more: int
    steps: int
    flips: bool

    def records(self, scene: Scene) -> list[Record]:
        order = scene.order(self.which)
        side = OTHER_SIDE[order.side] if self.flips else order.side
        return [order._replace(side=side, price=order.price + self.steps * scene.tick, size=order.size + self.more)]


@dataclass
class Stranger:
    """A cancel, modify or fill of an order that never entered."""

    action: str
    side: str
    step: int
    size: int

    def records(self, scene: Scene) -> list[Record]:
        return [Record(self.action, self.side, next(scene.ids), scene.price(self.side, self.step), self.size, 0)]


@dataclass
class Anything:
    """A record as no venue sends it."""

    record: Record

    def records(self, _scene: Scene) -> list[Record]:
        return [self.record]


@dataclass
class Step:
    """A move, in which book, and how its event ends."""

    move: Move
    publisher_id: int
    instrument_id: int
    channel_id: int
    ends: bool
    flags: int


SIDES = st.sampled_from("BA")
STEPS = st.sampled_from([2, 2, 2, 2, 2, 0, 1, 3, 4, 5])  # one price with a queue worth the name
SIZES = st.integers(1, 9)
WHICH = st.integers(0, 15)
RARELY = st.sampled_from([False] * 9 + [True])
U8, U32, U64, I64 = (st.integers(0, 2**bits - 1) for bits in (8, 32, 64, 63))

ENTER = st.builds(Enter, SIDES, STEPS, SIZES)
LEAVE = st.builds(
    Leave, WHICH, st.none() | SIZES, st.sampled_from([0, 0, 0, 2]), st.sampled_from(["", "", "", "side", "price"])
)
CHANGE = st.builds(Change, WHICH, st.sampled_from([0, 0, 1, -1]), st.integers(-9, 9), RARELY)
EXECUTE = st.builds(Execute, SIDES, st.integers(1, 12), st.sampled_from("MC"), st.sampled_from([0, 0, 1, 5]))
SETTLE = st.builds(Settle, ENTER, SIZES, st.integers(0, 2), st.tuples(SIZES, SIZES), st.booleans())
FILL = st.builds(Fill, WHICH, st.integers(0, 9))
PRINT = st.builds(Print, st.sampled_from("TTFN"), st.sampled_from("BAN"), st.none() | STEPS, st.integers(0, 9))
SNAPSHOT = st.builds(Snapshot, st.booleans(), st.lists(ENTER, max_size=3), st.booleans())
CLEAR = st.builds(Clear, st.sampled_from([0, SNAPSHOT_FLAGS]))
AGGREGATE = st.builds(
    Aggregate, st.sampled_from("AACM"), SIDES, st.none() | STEPS, st.integers(0, 9), st.sampled_from([F_MBP, F_TOB])
)
AGAIN = st.builds(Again, WHICH, st.integers(0, 2), st.integers(0, 1), RARELY)
STRANGER = st.builds(Stranger, st.sampled_from("CMF"), SIDES, STEPS, st.integers(0, 9))
ANYTHING = st.builds(
    Anything,
    st.builds(
        Record,
        action=st.sampled_from("ACMRTFN") | st.characters(max_codepoint=255),
        side=st.sampled_from("BAN") | st.characters(max_codepoint=255),
        order_id=st.integers(0, 9) | U64,
        price=st.integers(-9, 9) | st.sampled_from([UNDEF_PRICE, UNDEF_PRICE - 1, -(2**63)]) | I64,
        size=st.integers(0, 9) | U32,
        flags=U8,
        channel_id=U8,
        ts_event=U64,
        ts_recv=U64,
        ts_in_delta=st.integers(-(2**31), 2**31 - 1),
        sequence=U32,
    ),
)


def weighted(moves: dict[st.SearchStrategy[Any], int]) -> st.SearchStrategy[Move]:
    """One of several, each as often as its weight says (`one_of` drops repetitions)."""
    tickets = [move for move, weight in moves.items() for _ in range(weight)]
    return st.sampled_from(tickets).flatmap(lambda move: move)


ORDERLY = {ENTER: 24, LEAVE: 6, CHANGE: 6, EXECUTE: 8, SETTLE: 4, FILL: 1}
AMISS = {PRINT: 3, SNAPSHOT: 1, CLEAR: 1, AGGREGATE: 2, AGAIN: 2, STRANGER: 2, ANYTHING: 3}
MOVES = weighted(ORDERLY | AMISS)
MOVES_OF_ORDERS = weighted(ORDERLY)
# Small sizes tie often, and every tie is decided by the next rule.
MOVES_OF_AUCTIONS = weighted({st.builds(Enter, SIDES, st.integers(0, 5), st.integers(1, 3)): 6, LEAVE: 1, PRINT: 1})


def steps(moves: st.SearchStrategy[Move]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        moves,
        publisher_id=st.sampled_from([1, 1, 1, 1, 1, 2]),
        instrument_id=st.sampled_from([1, 1, 1, 1, 1, 2]),
        channel_id=st.sampled_from([0, 0, 0, 1]),
        ends=st.sampled_from([True, True, True, False]),
        flags=st.sampled_from([0] * 39 + [F_MAYBE_BAD_BOOK]),
    )


def spell_out(moves: list[Step], tick: int, gap: int, lowest: int) -> list[Record]:
    """The records of a list of moves, times and sequence numbers rising."""
    market, ids, stream = OracleMarket(), count(1), list[Record]()
    for step in moves:
        key = step.publisher_id, step.instrument_id
        scene = Scene(market.books.get(key, OracleBook()), ids, tick, gap, lowest)
        records = step.move.records(scene)
        for position, record in enumerate(records, start=1):
            last = F_LAST if step.ends and position == len(records) else 0
            spelled = record._replace(
                publisher_id=step.publisher_id,
                instrument_id=step.instrument_id,
                channel_id=record.channel_id or step.channel_id,
                price=max(-(2**63), min(record.price, UNDEF_PRICE)),
                size=min(record.size, 2**32 - 1),
                flags=record.flags | step.flags | last,
                ts_event=record.ts_event or 1_000 * len(stream),
                ts_recv=record.ts_recv or 1_000 * len(stream) + 500,
                sequence=record.sequence or len(stream),
            )
            market.apply_record(spelled)
            stream.append(spelled)
    return stream


def streams(moves: st.SearchStrategy[Move] = MOVES, gaps: tuple[int, ...] = (0, 3, 5)) -> Streams:
    """Whole streams, from nothing up to a few hundred records."""
    # A list of lists: Hypothesis draws about five of anything, and can still drop any of them.
    bursts = st.lists(st.lists(steps(moves))).map(lambda lists: list(chain.from_iterable(lists)))
    return st.builds(
        spell_out,
        bursts,
        tick=st.sampled_from([1, 10_000_000]),
        gap=st.sampled_from(gaps),
        lowest=st.sampled_from([0, -3, -20]),
    )
