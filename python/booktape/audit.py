"""The audit of a tape or market: what was counted, what was wrong, and where each book stood at the end."""

from typing import TypedDict

from booktape.values import Anomaly, Side


class AuditLevel(TypedDict):
    """A best level; prices as strings of 1e-9 units, with a float for people beside."""

    price: str
    price_f: float
    size: int
    count: int


class AuditExecutions(TypedDict):
    """What matching the final book's overlap would trade."""

    count: int
    size: int


class AuditUncross(TypedDict):
    """The indicative auction result of the final book."""

    price: str
    price_f: float
    size: int
    imbalance: int
    side: Side | None


class CompleteSince(TypedDict):
    """The record from which on a book is known to be complete: a snapshot's end, or a clear."""

    cause: str
    index: int
    ts_recv: str


class Confidence(TypedDict):
    """How far a book can be trusted."""

    complete_since: CompleteSince | None
    """None: the data began mid-session, and neither a snapshot nor a clear came since."""
    size_seen_entering: float
    """Share of the visible size whose orders the data showed entering, 0 to 1."""


class AuditBook(TypedDict):
    """Where one book stood at the end."""

    publisher_id: int
    instrument_id: int
    symbol: str | None
    orders: int
    bid_levels: int
    ask_levels: int
    bid: AuditLevel | None
    ask: AuditLevel | None
    matched_bid: AuditLevel | None
    matched_ask: AuditLevel | None
    executions: AuditExecutions
    uncross: AuditUncross | None
    suspect: str | None
    confidence: Confidence


class CrossedPeriod(TypedDict):
    """A stretch in which a book was crossed at its event ends; start and end are ts_recv as strings of ns."""

    instrument_id: int
    publisher_id: int
    start: str
    end: str
    event_ends: int
    trades: int


class FirstAnomaly(TypedDict):
    """The first anomaly of a kind, in words."""

    kind: Anomaly
    index: int
    publisher_id: int
    instrument_id: int
    message: str


class Fills(TypedDict):
    """How fills met the queues, which is evidence that the queues are right.

    A group is the fills at one price that come before the book changes. It is out of turn where it passed over an order
    of known priority that then stayed in the book.
    """

    groups: int
    out_of_turn: int
    unknown_orders: int
    away_from_limit: int
    iceberg_refreshes: int


class Audit(TypedDict):
    """The whole: shape as in ``booktape audit --json`` and the service's audit route."""

    records: int
    event_ends: int
    crossed_event_ends: int
    locked_event_ends: int
    anomalies: dict[Anomaly, int]
    first_anomalies: list[FirstAnomaly]
    fills: Fills
    crossed_periods: list[CrossedPeriod]
    crossed_periods_omitted: int
    books: list[AuditBook]


MEANING: dict[Anomaly, str] = {
    "unknown_cancel": "cancel of an order never seen entering, as in data that begins mid-session; skipped",
    "unknown_modify": "modify of an order never seen entering; it enters at the back, its priority approximate",
    "duplicate_add": "add that repeats a live order exactly; ignored",
    "conflicting_add": "add of a live id with another state; the newest replaces it, at the back",
    "over_cancel": "cancel of more than rests; the order leaves",
    "cancel_mismatch": "cancel whose side or price is not the order's; applied by id",
    "zero_size": "add or cancel of nothing, skipped; modify to nothing, the order leaves",
    "invalid_record": "side, action or price impossible for its action; skipped",
    "maybe_bad_book": "the venue's feed had a gap; the channel's books are suspect until cleared or snapshotted",
    "crossed_while_trading": "ordinary trades printed while the book was crossed; suspect while it stays so",
    "unfinished_event": "the tape ends inside an event",
}
"""What each kind of anomaly means, and what happens to its record."""
