"""What the order route answers: the life of an order. The core writes it; these types are what its schema says."""

from typing import Literal

from booktape.service.tapes.schemas import Answer
from booktape.values import Side


class OrderPlace(Answer):
    """Where an order stands in the published book."""

    side: Side
    """Its side."""
    price: str
    """Its price, units of 1e-9."""
    size: int
    """What is left of it."""
    orders_ahead: int
    """Orders in front of it in its queue."""
    size_ahead: int
    """Their size."""
    priority_approximate: bool
    """Its place is a guess: it was first seen as a modify, and has kept that place."""


class OrderRecord(Answer):
    """One record of an order, what it did, and where the order stood then."""

    index: int
    """Its index on the tape."""
    ts_recv: str
    """Capture time, ns since 1970 UTC."""
    ts_event: str
    """Matching engine time, ns since 1970 UTC."""
    action: str
    """A add, C cancel, M modify, T trade, F fill, N none."""
    side: str
    """B bid, A ask, N none."""
    price: str
    """Units of 1e-9; 9223372036854775807 is no price."""
    size: int
    """Quantity: of the order for A and M, removed for C, traded for T and F."""
    flags: int
    """Databento's flag bits."""
    effect: Literal["added", "cancelled", "modified", "unchanged", "skipped"]
    """What it did to the order."""
    anomaly: str | None
    """What was wrong with it, as kinds are called in the audit."""
    took_place: bool
    """It put the order at the back of a queue: the order entered, or lost its priority."""
    place: OrderPlace | None
    """Where the order stands after it; null if it is not in the book."""


class OrderEntry(Answer):
    """The record with which an order came into the book."""

    index: int
    """Its index on the tape."""
    ts_recv: str
    """Capture time, ns since 1970 UTC."""
    ts_event: str
    """Matching engine time; of a snapshot the one that gave the order its priority."""
    by: Literal["add", "snapshot", "modify"]
    """What it was; a modify where the data never showed the order entering."""
    book_complete: bool
    """The book was known to be complete. Where not, orders that the data never showed may stand ahead."""


class OrderExit(Answer):
    """The record with which an order was gone, or, for a change of symbol, before which."""

    index: int
    """Its index on the tape."""
    ts_recv: str
    """Capture time, ns since 1970 UTC."""


class OrderLife(Answer):
    """An order from its entry to its end. `size + raised = returned + cancelled + cleared + left`."""

    outcome: Literal["filled", "partly_filled", "cancelled", "cleared", "alive", "unseen"]
    """How it ended: `filled` if fills explain all that its last record took off, `unseen` if the book never had it."""
    cleared_by: Literal["clear", "snapshot", "side", "symbol"] | None
    """What removed it without naming it, where it was cleared."""
    entry: OrderEntry | None
    """How it came into the book."""
    exit: OrderExit | None
    """When it was gone."""
    alive_ns: str | None
    """Nanoseconds from its entry to its end or the tape's."""
    size: int
    """What it entered with."""
    traded: int
    """Quantity of T records that name it: traded as the aggressor, before it rested."""
    fills: int
    """F records that name it."""
    filled: int
    """Their quantity."""
    returned: int
    """Of `filled`, what a C or M of the same event took off the order."""
    cancelled: int
    """What C and M took off beyond that."""
    raised: int
    """What was put on, an iceberg's new slices among it."""
    cleared: int
    """What stood when it was cleared."""
    left: int
    """What stands at the end of the tape."""
    refreshes: int
    """New slices that an iceberg showed."""
    records: list[OrderRecord]
    """Its records, in tape order."""
    records_omitted: int
    """Further records: 10,000 are listed over all lives."""


class OrderLives(Answer):
    """All that a tape tells of an order id in one book."""

    order_id: str
    """The venue's id."""
    instrument_id: int
    """The venue's number of the instrument."""
    symbol: str | None
    """Its symbol, where the tape maps one."""
    publisher_id: int
    """Who published the order."""
    publisher: str
    """Its name."""
    lives: list[OrderLife]
    """One for each time it was in the book: venues use ids again, and snapshots restate orders."""
    lives_omitted: int
    """Further lives: 1,000 are listed."""
