"""What the audit of a tape answers."""

from booktape.service.tapes.schemas import Answer, Executions, Uncross


class BestLevel(Answer):
    """A best level."""

    price: str
    """Units of 1e-9."""
    price_f: float
    """The same for people."""
    size: int
    """Quantity."""
    count: int
    """Orders."""


class CrossedPeriod(Answer):
    """A stretch of event ends at which a book was crossed."""

    instrument_id: int
    """The instrument."""
    publisher_id: int
    """The publisher."""
    start: str
    """ts_recv of its first event end, ns since 1970 UTC."""
    end: str
    """ts_recv of its last."""
    event_ends: int
    """Crossed event ends in it."""
    trades: int
    """Ordinary trades that printed meanwhile."""


class CompleteSince(Answer):
    """From when on a book is known to be complete."""

    cause: str
    """What made it so: a clear or a snapshot."""
    index: int
    """Index of that record."""
    ts_recv: str
    """Its ts_recv, ns since 1970 UTC."""


class Confidence(Answer):
    """How far a book can be trusted."""

    complete_since: CompleteSince | None
    """From when on it is complete; null where the data began mid-session and no snapshot or clear came since."""
    size_seen_entering: float
    """Share of the visible size whose orders the data showed entering, 0 to 1."""


class AuditedBook(Answer):
    """Where a book stood at the end."""

    publisher_id: int
    """The publisher."""
    instrument_id: int
    """The instrument."""
    symbol: str | None
    """Its symbol."""
    orders: int
    """Resting orders."""
    bid_levels: int
    """Bid levels, published."""
    ask_levels: int
    """Ask levels, published."""
    bid: BestLevel | None
    """Best bid, published."""
    ask: BestLevel | None
    """Best ask, published."""
    matched_bid: BestLevel | None
    """Best bid after matching."""
    matched_ask: BestLevel | None
    """Best ask after matching."""
    executions: Executions
    """What matching trades."""
    uncross: Uncross | None
    """The indicative auction result, where crossed or locked."""
    suspect: str | None
    """Why this book should not be trusted."""
    confidence: Confidence
    """How far it can be trusted."""


class FirstAnomaly(Answer):
    """The first anomaly of a kind."""

    kind: str
    """The kind."""
    index: int
    """Index of its record."""
    publisher_id: int
    """The publisher."""
    instrument_id: int
    """The instrument."""
    message: str
    """What was wrong, with its values."""


class Fills(Answer):
    """How fills met the queues: evidence that the queues are right."""

    groups: int
    """Groups of fills: those at one price that come before the book changes."""
    out_of_turn: int
    """Groups that passed over an order of known priority which then stayed in the book."""
    unknown_orders: int
    """Fills of orders that were never added, hidden ones for example."""
    away_from_limit: int
    """Fills at another price than the order's limit: of an order that was modified to trade."""
    iceberg_refreshes: int
    """Modifies that showed a new slice of an iceberg order."""


class AuditReport(Answer):
    """What was wrong with a tape, and where its books ended."""

    records: int
    """Records applied."""
    event_ends: int
    """Event ends."""
    crossed_event_ends: int
    """Event ends at which a book was crossed."""
    locked_event_ends: int
    """Event ends at which a book was locked."""
    anomalies: dict[str, int]
    """Anomalies by kind."""
    first_anomalies: list[FirstAnomaly]
    """The first of each kind that occurred."""
    fills: Fills
    """How fills met the queues."""
    crossed_periods: list[CrossedPeriod]
    """When books were crossed."""
    crossed_periods_omitted: int
    """Crossed periods beyond those listed."""
    books: list[AuditedBook]
    """Every book at the end."""
