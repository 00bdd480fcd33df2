"""What travels in stream events. The core writes them; these types tell the OpenAPI schema, and so every client."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from booktape.values import View

Level = tuple[str, int, int]
"""Price in units of 1e-9 as a string, size, number of orders."""
Print = tuple[str, int, Literal["B", "A", "N"]]
"""Price, size, aggressor's side."""
TimedPrint = tuple[str, int, Literal["B", "A", "N"], str]
"""Price, size, aggressor's side, ts_recv."""
CompactRecord = tuple[int, str, str, int, int, str, str, str, str, int, int, int, int, int]
"""A record of a `json` stream: the fields of `COMPACT_FIELDS`, in that order."""
COMPACT_FIELDS = (
    *("index", "ts_recv", "ts_event", "publisher_id", "instrument_id", "action", "side"),
    *("order_id", "price", "size", "flags", "sequence", "ts_in_delta", "channel_id"),
)
JumpReason = Literal["loop", "seek", "late"]
ByeReason = Literal["shutdown", "slow", "removed", "ended", "gone"]


class DepthFrame(msgspec.Struct):
    """An event without a name of a depth stream: the top of a book."""

    index: int
    """Position on the tape: index of the next record. The event's `id` is the same, after the epoch on a replay."""
    total: int
    """Records of the tape."""
    ts_recv: str
    """ts_recv of the last record applied (of the first one, before it), ns since 1970 UTC."""
    instrument_id: int
    """The instrument."""
    publisher_id: int
    """The publisher."""
    view: View
    """Of which view the levels are."""
    bids: list[Level]
    """Best first."""
    asks: list[Level]
    """Best first."""
    crossed: bool
    """The published book's best bid is above its best ask."""
    locked: bool
    """The published book's best bid equals its best ask."""
    suspect: str | None
    """Why this book should not be trusted now."""
    last_trade: Print | None
    """The last trade that had a price."""
    volume: int
    """Quantity traded from the beginning of the tape to here."""
    trades: list[TimedPrint] | UnsetType = UNSET
    """Every trade since the last frame, with `trades=1`."""


class Jump(msgspec.Struct):
    """An `event: jump`: the stream goes on elsewhere on the tape."""

    index: int
    """Where: index of the next record."""
    reason: JumpReason
    """Why: the tape began again; somebody went there, or what it stood at was dropped; or the client's `Last-Event-ID`
    is of an earlier epoch."""


class Bye(msgspec.Struct):
    """An `event: bye`: the last event of a stream that ends before the tape does."""

    index: int
    """Where to resume, as `from`; the event's `id` is for `Last-Event-ID`."""
    reason: ByeReason
    """Why: the service stops; the client took too little for too long; the tape was removed; the replay was ended; the
    records that would come next were dropped."""


class Header(msgspec.Struct):
    """A record's header."""

    length: int
    """4-byte words."""
    rtype: int
    """160, MBO."""
    publisher_id: int
    """The publisher."""
    instrument_id: int
    """The instrument."""
    ts_event: int
    """Matching engine time, ns since 1970 UTC."""


class MboMsg(msgspec.Struct):
    """A record with the names and units of Databento's `MboMsg`. All integers are JSON numbers, 64-bit ones too."""

    hd: Header
    """Header."""
    order_id: int
    """The venue's order id."""
    price: int
    """Units of 1e-9."""
    size: int
    """Quantity."""
    flags: int
    """Flag bits."""
    channel_id: int
    """The venue's channel."""
    action: int
    """ASCII code."""
    side: int
    """ASCII code."""
    ts_recv: int
    """Capture time, ns since 1970 UTC."""
    ts_in_delta: int
    """ts_recv minus the venue's send time, ns."""
    sequence: int
    """The venue's sequence number."""


class Change(msgspec.Struct):
    """Quantity that entered or left the book."""

    side: Literal["Bid", "Ask"]
    """Its side."""
    price: int
    """Units of 1e-9."""
    size: int
    """Quantity."""


class Replacement(msgspec.Struct):
    """An order's old and new state."""

    side: Literal["Bid", "Ask"]
    """The new side."""
    old_price: int
    """Units of 1e-9."""
    new_price: int
    """Units of 1e-9."""
    old_size: int
    """Quantity."""
    new_size: int
    """Quantity."""


class OrderChange(msgspec.Struct):
    """What happened to an order; exactly one of the three is there."""

    add: Change | UnsetType = msgspec.field(name="Add", default=UNSET)
    """It entered."""
    cancel: Change | UnsetType = msgspec.field(name="Cancel", default=UNSET)
    """Quantity left it."""
    modify: Replacement | UnsetType = msgspec.field(name="Modify", default=UNSET)
    """It changed."""


class BookEffect(msgspec.Struct):
    """What a record did to its book; exactly one of the two is there."""

    ok: OrderChange | UnsetType | None = msgspec.field(name="Ok", default=UNSET)
    """The record was applied; null where that changes no order."""
    err: str | UnsetType = msgspec.field(name="Err", default=UNSET)
    """The record was skipped: why."""


class MarketEffect(msgspec.Struct):
    """What a record did to the market."""

    publisher_created: str | None
    """The publisher's name, where this record was its first."""
    book_effect: BookEffect
    """What it did to its book."""


class FullEvent(msgspec.Struct):
    """An event of a `full` stream: a record and its effect."""

    mbo_msg: MboMsg
    """The record."""
    market_effect: MarketEffect
    """Its effect."""
