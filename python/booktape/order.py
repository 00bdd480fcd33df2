"""The life of an order: its records, where it stood in its queue after each, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypeAlias, get_args

from booktape import _native
from booktape.parameters import COUNT_RANGE, ID_RANGE, PUBLISHER_RANGE, bad_parameter, within
from booktape.values import PRICE_SCALE, Anomaly, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

Outcome: TypeAlias = Literal["filled", "partly_filled", "cancelled", "cleared", "alive", "unseen"]
"""How a life ended; `MEANING` says what each is."""

ClearedBy: TypeAlias = Literal["clear", "snapshot", "side", "symbol"]
"""What removed an order without naming it: an R, the beginning of a snapshot, an F_TOB add that replaced its side, or a
symbol mapping that gave the instrument id another meaning."""

EnteredBy: TypeAlias = Literal["add", "snapshot", "modify"]
"""How an order came into the book: by an add, by one of a snapshot, or by a modify of an order never seen entering."""

Did: TypeAlias = Literal["added", "cancelled", "modified", "unchanged", "skipped"]
"""What a record did to its order."""

Every: TypeAlias = Literal["event", "record"]
"""When a path looks at the book: after its events, or after each of its records, within events too."""

MEANING: dict[Outcome, str] = {
    "filled": "fills of the same event explain all that its last C or M took off",
    "partly_filled": "filled in part, and the rest cancelled",
    "cancelled": "cancelled without a fill",
    "cleared": "removed with the rest of its book or side",
    "alive": "in the book at the end of the tape",
    "unseen": "never in the book: from before the data began, or not an order that rests",
}
"""What each outcome means."""

PATH_ROWS = 1_000_000
"""Most rows of one path."""


class Place(NamedTuple):
    """Where an order stands in the published book."""

    side: Side
    price: int
    size: int
    """What is left of it."""
    orders_ahead: int
    """Orders in front of it in its queue."""
    size_ahead: int
    """Their size."""
    priority_approximate: bool
    """Whether its place is a guess: it was in the book before the data began, and has kept that place."""

    @property
    def price_f(self) -> float:
        """The price for people, a float."""
        return self.price / PRICE_SCALE


class OrderRecord(NamedTuple):
    """One record of an order, what it did, and where the order stood then. Prices are in 1e-9, times in ns UTC."""

    index: int  # type: ignore[assignment] # on the tape, not the tuple method that nobody misses
    """Its index on the tape."""
    ts_recv: int
    ts_event: int
    action: str
    side: str
    price: int
    size: int
    flags: int
    effect: Did
    anomaly: Anomaly | None
    """What was wrong with it, if anything."""
    took_place: bool
    """Whether it put the order at the back of a queue: it entered, or lost its priority."""
    place: Place | None
    """Where the order stands after it; None if it is not in the book."""


class Entry(NamedTuple):
    """The record with which an order came into the book."""

    index: int  # type: ignore[assignment] # on the tape, not the tuple method that nobody misses
    ts_recv: int
    ts_event: int
    """The venue's time; of a snapshot the one that gave the order its priority."""
    by: EnteredBy
    book_complete: bool
    """Whether the book was known to be complete: where not, orders that the data never showed may stand ahead."""


class Exit(NamedTuple):
    """The record with which an order was gone, or, for a change of symbol, before which."""

    index: int  # type: ignore[assignment] # on the tape, not the tuple method that nobody misses
    ts_recv: int


@dataclass(frozen=True, slots=True)
class Life:
    """An order from its entry to its end.

    Of its quantity, ``size + raised == returned + cancelled + cleared + left``; sizes are in contracts or shares.
    """

    outcome: Outcome
    cleared_by: ClearedBy | None
    """What removed it, if it was cleared."""
    entry: Entry | None
    """How it came into the book; None if it never did."""
    exit: Exit | None
    """When it was gone; None if it is alive, or never was in the book."""
    alive_ns: int | None
    """From its entry to its end or the tape's, by ts_recv; 0 where that runs backwards."""
    size: int
    """What it entered with."""
    traded: int
    """Quantity of T records that name it: traded as the aggressor, before it rested; no part of the sum above."""
    fills: int
    """F records that name it."""
    filled: int
    """Their quantity."""
    returned: int
    """Of `filled`, what a C or M of the same event took off the order; the rest was hidden, or never told."""
    cancelled: int
    """What C and M took off beyond that."""
    raised: int
    """What was put on: by M, new slices of an iceberg among them, or by an add of the live id."""
    cleared: int
    """What stood when it was cleared."""
    left: int
    """What stands at the end of the tape."""
    refreshes: int
    """New slices that an iceberg showed."""
    records: list[OrderRecord] = field(repr=False)
    """Its records, in tape order: those that carry its id, but not R, nor A, C and M with F_TOB or F_MBP."""
    records_omitted: int
    """Further records, which count in the amounts: 10,000 are kept over all lives of an order."""
    _path: Callable[[int, int | None, Every, int], bytes] = field(repr=False, compare=False)

    @property
    def ranks(self) -> list[OrderRecord]:
        """The records with which it took a place at the back: its entry, and every loss of priority since."""
        return [record for record in self.records if record.took_place]

    def path(
        self, every: Every = "event", *, start: SupportsIndex | None = None, limit: SupportsIndex = PATH_ROWS
    ) -> NDArray[np.void]:
        """Its queue position over time: each moment at which what is ahead of it changed, from entry to end.

        A structured array, shape (n,): index and ts_recv (uint64, ns UTC) of the record from which on it stands so,
        orders_ahead (uint32) and size_ahead (uint64). The first row is where it stands first. Looks after each event of
        the book, or after every record, within events too.

        Every record of the book in between is applied, each in O(1). At most `limit` rows come, 1,000,000 if left out:
        where there are that many, go on with ``start=rows["index"][-1] + 1``.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=5_000, seed=1)
        >>> waiting = tape.book_at(4_999).queue("B", tape.book_at(4_999).bbo().bid.price)[-1]
        >>> rows = tape.order(waiting.order_id).lives[-1].path()
        >>> tuple(rows[["orders_ahead", "size_ahead"]][-1]) == tape.book_at(4_999).queue_position(waiting.order_id)
        True
        """
        import numpy as np

        if every not in get_args(Every):
            raise bad_parameter("every", every, '"event" or "record"')
        dtype = np.dtype([("index", "<u8"), ("ts_recv", "<u8"), ("orders_ahead", "<u4"), ("size_ahead", "<u8")])
        rows = within("limit", limit, range(PATH_ROWS + 1))
        if self.entry is None:
            return np.empty(0, dtype)
        first = self.entry.index if start is None else max(self.entry.index, within("start", start, COUNT_RANGE))
        return np.frombuffer(self._path(first, self.exit and self.exit.index, every, rows), dtype)


@dataclass(frozen=True, slots=True)
class OrderLife:
    """All that a tape tells of an order id in one book; `Tape.order` gives it.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=5_000, seed=1)
    >>> first = next(record for record in tape.records(0, 1_000) if record["action"] == "A")
    >>> life = tape.order(int(first["order_id"])).lives[0]
    >>> life.entry.index == first["index"], life.size == first["size"]
    (True, True)
    """

    order_id: int
    instrument_id: int
    symbol: str | None
    """The instrument's symbol, where the tape maps one."""
    publisher_id: int
    publisher: str
    lives: list[Life] = field(repr=False)
    """One for each time it was in the book, in order: venues use ids again, and snapshots restate orders."""
    lives_omitted: int
    """Further lives: 1,000 are kept."""
    _json: bytes = field(repr=False)

    @property
    def outcome(self) -> Outcome:
        """How the last of the lives ended."""
        return self.lives[-1].outcome

    @property
    def records(self) -> list[OrderRecord]:
        """The records of all lives, in tape order."""
        return [record for life in self.lives for record in life.records]

    def path(self, every: Every = "event") -> NDArray[np.void]:
        """The queue position over time of the last of the lives, as `Life.path` gives it."""
        return self.lives[-1].path(every)

    def to_json(self) -> bytes:
        """The same as JSON, as the service tells it: ids, prices and times are strings."""
        return self._json

    def _repr_html_(self) -> str:
        from booktape.notebook import order_html

        return order_html(self)


def order_life(
    tape: _native.Tape,
    order_id: SupportsIndex,
    instrument_id: SupportsIndex | None,
    publisher_id: SupportsIndex | None,
    progress: Callable[[int, int], object] | None,
) -> OrderLife:
    """What `Tape.order` answers."""
    number = within("order_id", order_id, range(2**64))
    instrument = None if instrument_id is None else within("instrument_id", instrument_id, ID_RANGE)
    publisher = None if publisher_id is None else within("publisher_id", publisher_id, PUBLISHER_RANGE)
    told = _native.order_life(tape, number, instrument, publisher, progress=progress)
    facts = json.loads(told)

    def path(start: int, stop: int | None, every: Every, limit: int) -> bytes:
        book = facts["instrument_id"], facts["publisher_id"]
        end = len(tape) if stop is None else stop
        return _native.order_path(tape, number, *book, start, end, every_record=every == "record", limit=limit)

    lives = [_life(life, path) for life in facts.pop("lives")]
    return OrderLife(**facts | {"order_id": number}, lives=lives, _json=told)


def _life(facts: dict[str, Any], path: Callable[[int, int | None, Every, int], bytes]) -> Life:
    entry, left, alive = facts["entry"], facts["exit"], facts["alive_ns"]
    read = {
        "entry": entry and Entry(**entry | {name: int(entry[name]) for name in ("ts_recv", "ts_event")}),
        "exit": left and Exit(left["index"], int(left["ts_recv"])),
        "alive_ns": None if alive is None else int(alive),
        "records": [_record(record) for record in facts["records"]],
    }
    return Life(**facts | read, _path=path)


def _record(facts: dict[str, Any]) -> OrderRecord:
    place = facts["place"]
    numbers = {name: int(facts[name]) for name in ("ts_recv", "ts_event", "price")}
    stands = place and Place(**place | {"price": int(place["price"])})
    return OrderRecord(**facts | numbers | {"place": stands})
