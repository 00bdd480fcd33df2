"""Rows as JSON, in the layout of Databento's own: 64-bit numbers are strings, times in ns, prices in units of 1e-9.

They are written by Databento's encoder; these types tell the OpenAPI schema what it writes, and tests compare the two.
"""

import msgspec


class RowHeader(msgspec.Struct, forbid_unknown_fields=True):
    """What every row begins with."""

    ts_event: str
    """Matching engine time, ns since 1970 UTC; of a bar, the beginning. 18446744073709551615 is no time."""
    rtype: int
    """Databento's number of the record type."""
    publisher_id: int
    """Who published what it was made from."""
    instrument_id: int
    """The instrument."""


class RowLevel(msgspec.Struct, forbid_unknown_fields=True):
    """A level of both sides, the best first."""

    bid_px: str
    """Bid price; 9223372036854775807 is none."""
    ask_px: str
    """Ask price; 9223372036854775807 is none."""
    bid_sz: int
    """Bid quantity."""
    ask_sz: int
    """Ask quantity."""
    bid_ct: int
    """Bid orders."""
    ask_ct: int
    """Ask orders."""


class MboRow(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `mbo`: a record as it is."""

    ts_recv: str
    """Capture time, ns since 1970 UTC."""
    hd: RowHeader
    """Header."""
    action: str
    """A add, C cancel, M modify, R clear, T trade, F fill, N none."""
    side: str
    """B bid, A ask, N none."""
    price: str
    """Units of 1e-9."""
    size: int
    """Quantity."""
    channel_id: int
    """The venue's channel."""
    order_id: str
    """The venue's order id."""
    flags: int
    """Databento's flag bits."""
    ts_in_delta: int
    """ts_recv minus the venue's send time, ns."""
    sequence: int
    """The venue's sequence number."""
    symbol: str | None
    """What the instrument was called then."""


class EventRow(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `trades`, `tbbo`, `mbp-1` (one level) or `mbp-10` (ten): a change, or a trade."""

    ts_recv: str
    """Capture time, ns since 1970 UTC."""
    hd: RowHeader
    """Header."""
    action: str
    """Of the record that gave rise to the row: A, C, M, R or T."""
    side: str
    """B bid, A ask, N none."""
    depth: int
    """The shallowest level that changed, from 0."""
    price: str
    """That record's price, units of 1e-9."""
    size: int
    """That record's quantity."""
    flags: int
    """Databento's flag bits."""
    ts_in_delta: int
    """ts_recv minus the venue's send time, ns."""
    sequence: int
    """The venue's sequence number."""
    symbol: str | None
    """What the instrument was called then."""
    levels: list[RowLevel] | msgspec.UnsetType = msgspec.UNSET
    """The book after it; before it, of a trade. Not in `trades`."""


class SampleRow(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `bbo-1s` or `bbo-1m`: best prices and the last trade at the end of an interval."""

    ts_recv: str
    """The interval's end, ns since 1970 UTC."""
    hd: RowHeader
    """Header; its time is the last trade's."""
    side: str
    """Of the last trade: B bid, A ask, N none."""
    price: str
    """Of the last trade, units of 1e-9; 9223372036854775807 before the first."""
    size: int
    """Of the last trade."""
    flags: int
    """Databento's flag bits."""
    sequence: int
    """The venue's sequence number."""
    levels: list[RowLevel]
    """The best prices: one level."""
    symbol: str | None
    """What the instrument was called then."""


class BarRow(msgspec.Struct, forbid_unknown_fields=True):
    """A row of `ohlcv-1s`, `-1m`, `-1h` or `-1d`: an interval with trades."""

    hd: RowHeader
    """Header; its time is the interval's beginning."""
    open: str
    """First price, units of 1e-9."""
    high: str
    """Highest."""
    low: str
    """Lowest."""
    close: str
    """Last."""
    volume: str
    """Quantity traded."""
    symbol: str | None
    """What the instrument was called then."""
