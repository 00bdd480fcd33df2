"""What the tape routes answer.

Order ids, prices and times are strings of integers, since JSON numbers lose digits above 2**53. The core writes most of
this JSON; decoding it into these types before it is sent keeps the OpenAPI schema from ever saying something else.
"""

import msgspec
from msgspec import UNSET, UnsetType

from booktape.values import Side, View


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The base of what comes from the core: a field that the schema does not know is an error, not silence."""


class TapeGap(msgspec.Struct):
    """A place at which records are missing: the books since are suspect until a clear or a snapshot."""

    index: int
    """Index of the record that follows."""
    start: str | None
    """ts_recv of the record before, ns since 1970 UTC; null where the tape has none."""
    end: str | None
    """ts_recv of the record that follows; null where none has come."""
    publisher_id: int | None
    """Whose records, where they are of one book; null: of any."""
    instrument_id: int | None
    """Of which instrument, where they are of one book; null: of any."""
    text: str
    """What was said of it."""


class TapeDetails(msgspec.Struct):
    """A tape."""

    id: str
    """Its id in URLs: the name and a hash of the content."""
    name: str
    """The file's name, or what stands for it."""
    dataset: str
    """Databento's dataset code."""
    first_index: int
    """Index of the first record: 0, unless older ones were dropped."""
    records: int
    """Index of the next record: how many MBO records there were in all."""
    growing: bool
    """Whether more may come."""
    start: str | None
    """ts_recv of the first record, ns since 1970 UTC; null for an empty tape."""
    end: str | None
    """ts_recv of the last record, ns since 1970 UTC."""
    start_iso: str | None
    """`start` as ISO time."""
    end_iso: str | None
    """`end` as ISO time."""
    dbn_version: int
    """The DBN version it was read from."""
    left: str | None
    """What opening it tolerantly left behind, and why."""
    books: int
    """Books: pairs of publisher and instrument."""
    other_records: dict[str, int]
    """Records of other types than MBO beside it, by type."""
    gaps: list[TapeGap]
    """Where records are missing, as whoever recorded or sent them says."""


class PublisherLeaf(msgspec.Struct):
    """A publisher of an instrument."""

    publisher_id: int
    """Databento's number of the venue and dataset."""
    publisher: str
    """Its name, such as GLBX.MDP3.GLBX."""
    records: int
    """Its records of this instrument."""


class InstrumentNode(msgspec.Struct):
    """An instrument with its publishers."""

    instrument_id: int
    """The venue's number of it."""
    symbol: str | None
    """Its symbol, where the tape maps one."""
    records: int
    """Its records at all publishers."""
    publishers: list[PublisherLeaf]
    """Who publishes it, most records first."""


class RestingOrder(Answer):
    """An order in its queue."""

    order_id: str
    """The venue's id."""
    size: int
    """What is left of it."""
    priority_approximate: bool
    """Its place is a guess: it was first seen as a modify."""


class PriceLevel(Answer):
    """A price level."""

    price: str
    """Units of 1e-9."""
    price_f: float
    """The same for people."""
    size: int
    """Quantity of all orders."""
    count: int
    """Orders; 0 where the venue sends an aggregate."""
    orders: list[RestingOrder] | UnsetType = UNSET
    """Front of the queue first, where asked for."""


class Uncross(Answer):
    """The indicative auction result of a crossed or locked book: an estimate, since hidden quantity is unknown."""

    price: str
    """Units of 1e-9."""
    price_f: float
    """The same for people."""
    size: int
    """Quantity that would trade."""
    imbalance: int
    """Quantity left over at that price."""
    side: Side | None
    """Its side."""


class Executions(Answer):
    """What matching the overlap of a crossed or locked book trades."""

    count: int
    """Executions."""
    size: int
    """Their quantity."""


class BookState(Answer):
    """A book at a moment."""

    index: int
    """Records of the tape applied: the position."""
    ts_recv: str | None
    """ts_recv of the last of them, ns since 1970 UTC."""
    instrument_id: int
    """The venue's number of the instrument."""
    publisher_id: int
    """Who published the book."""
    publisher: str
    """Its name."""
    symbol: str | None
    """The instrument's symbol, where the tape maps one."""
    view: View
    """Of which view the levels are."""
    bids: list[PriceLevel]
    """Best first."""
    asks: list[PriceLevel]
    """Best first."""
    order_count: int
    """Orders resting in the published book."""
    bid_levels: int
    """Bid levels of the published book."""
    ask_levels: int
    """Ask levels of the published book."""
    crossed: bool
    """Best bid above best ask, in the published book."""
    locked: bool
    """Best bid equal to best ask, in the published book."""
    suspect: str | None
    """Why this book should not be trusted now."""
    uncross: Uncross | None
    """The indicative auction result, where crossed or locked."""
    executions: Executions
    """What matching its overlap trades."""


EMPTY_BOOK: dict[str, object] = {
    **dict.fromkeys(("bids", "asks"), ()),
    **dict.fromkeys(("order_count", "bid_levels", "ask_levels"), 0),
    **dict.fromkeys(("crossed", "locked"), False),
    **dict.fromkeys(("suspect", "uncross"), None),
    "executions": {"count": 0, "size": 0},
}
"""A book before its first record."""


class MboRecord(Answer):
    """An MBO record."""

    index: int
    """Its index on the tape."""
    ts_event: str
    """Matching engine time, ns since 1970 UTC."""
    ts_recv: str
    """Capture time, ns since 1970 UTC."""
    publisher_id: int
    """Who published it."""
    instrument_id: int
    """The instrument."""
    order_id: str
    """The venue's order id."""
    price: str
    """Units of 1e-9; 9223372036854775807 is no price."""
    size: int
    """Quantity: of the order for A and M, removed for C, traded for T and F."""
    flags: int
    """Databento's flag bits."""
    channel_id: int
    """The venue's channel."""
    action: str
    """A add, C cancel, M modify, R clear, T trade, F fill, N none."""
    side: str
    """B bid, A ask, N none."""
    ts_in_delta: int
    """ts_recv minus the venue's send time, ns."""
    sequence: int
    """The venue's sequence number."""


class RecordsPage(Answer):
    """Some records of a tape."""

    from_: int = msgspec.field(name="from")
    """Index of the first."""
    next: int
    """Index after the last: `from` of the next page."""
    total: int
    """Records on the tape."""
    records: list[MboRecord]
    """The records."""
