"""What books and tapes answer with: small named tuples, prices ints in units of 1e-9, sizes in contracts or shares."""

from typing import Literal, NamedTuple, TypeAlias

Side: TypeAlias = Literal["B", "A"]
"""Bid or ask, in Databento's letters."""

View: TypeAlias = Literal["matched", "published"]
"""The book after its overlap has traded, or as the venue sent it."""

Anomaly: TypeAlias = Literal[
    "unknown_cancel",
    "unknown_modify",
    "duplicate_add",
    "conflicting_add",
    "over_cancel",
    "cancel_mismatch",
    "zero_size",
    "invalid_record",
    "maybe_bad_book",
    "crossed_while_trading",
    "unfinished_event",
]
"""Kinds of anomaly; `booktape.audit.MEANING` says what each one means and what happens then."""

Format: TypeAlias = Literal["json", "full", "dbn"]
"""How a stream shows records: compact arrays, an object each with its effect, or DBN."""

Schema: TypeAlias = Literal[
    "mbp-1",
    "mbp-10",
    "tbbo",
    "trades",
    "bbo-1s",
    "bbo-1m",
    "ohlcv-1s",
    "ohlcv-1m",
    "ohlcv-1h",
    "ohlcv-1d",
    "mbo",
]
"""What rows of a tape can be: Databento's schemas, of which mbo is the records themselves."""

BESIDE = ("definition", "status", "statistics", "imbalance")
"""Schemas of the records that lie beside a tape's."""

Prices: TypeAlias = Literal["float", "int", "decimal"]
"""How prices are shown in columns: floats, integers in units of 1e-9, or decimals of nine places."""

Form: TypeAlias = Literal["dbn", "dbn.zst", "csv", "json", "parquet", "arrow"]
"""What rows can be sent on as: DBN, plain or compressed, text, or columns."""

PRICE_SCALE = 1_000_000_000
"""Units of a price in one unit of the quote currency."""


class Level(NamedTuple):
    """A price level: what rests there, and how many orders it is made of.

    >>> Level(65_400_000_000, 1, 1).price_f
    65.4
    """

    price: int
    size: int
    count: int  # type: ignore[assignment] # the orders it is made of, not the tuple method that nobody misses

    @property
    def price_f(self) -> float:
        """The price for people, a float."""
        return self.price / PRICE_SCALE


class Gap(NamedTuple):
    """A place on a tape at which records are missing."""

    index: int  # type: ignore[assignment] # the record's place, not the tuple method that nobody misses
    """Index of the record that follows: that of the next to come, at the end of the tape."""
    start: int | None
    """ts_recv of the record before, ns since 1970 UTC; None where the tape has none."""
    end: int | None
    """ts_recv of the record that follows; None where none has come."""
    publisher_id: int | None
    """Whose records, where they are of one book; None: of any."""
    instrument_id: int | None
    """Of which instrument, where they are of one book; None: of any."""
    text: str
    """What was said of it."""


class Bbo(NamedTuple):
    """Best bid and best offer; None where that side is empty."""

    bid: Level | None
    ask: Level | None

    @property
    def spread(self) -> int | None:
        """Ask price less bid price, in units of 1e-9; negative where crossed, None where a side is empty."""
        return self.ask.price - self.bid.price if self.bid and self.ask else None


class Order(NamedTuple):
    """A resting order."""

    order_id: int
    side: Side
    price: int
    size: int
    priority_approximate: bool
    """Whether its place in the queue is a guess, because it was first seen being modified."""

    @property
    def price_f(self) -> float:
        """The price for people, a float."""
        return self.price / PRICE_SCALE


class Ahead(NamedTuple):
    """What rests in front of an order in its queue."""

    orders: int
    size: int


class Execution(NamedTuple):
    """A trade that matching the overlapping part of a book yields."""

    price: int
    size: int
    bid_order_id: int
    ask_order_id: int

    @property
    def price_f(self) -> float:
        """The price for people, a float."""
        return self.price / PRICE_SCALE


class Uncross(NamedTuple):
    """The indicative result of a call auction, an estimate: hidden quantity is unknown."""

    price: int
    size: int
    """Quantity that would trade."""
    imbalance: int
    """Quantity left over at that price, on `side`."""
    side: Side | None
    """The side left over; None where nothing is."""

    @property
    def price_f(self) -> float:
        """The price for people, a float."""
        return self.price / PRICE_SCALE


class Instrument(NamedTuple):
    """One book that a tape has records for."""

    instrument_id: int
    symbol: str | None
    publisher_id: int
    publisher: str
    records: int


class IndexSize(NamedTuple):
    """How large the index of a tape's moments is."""

    records: int
    """Records indexed: the whole tape once `Tape.build_index` has run."""
    keyframes: int
    """Book states kept."""
    bytes: int
    """Bytes of all of it."""


class ApplyReport(NamedTuple):
    """What applying records came to."""

    records: int
    event_ends: int
    anomalies: dict[Anomaly, int]
    """Every kind with its count, zeros included."""
