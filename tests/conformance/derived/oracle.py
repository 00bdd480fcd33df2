"""Derived rows the slow way, from docs/derived.md alone: all levels are worked out anew whenever a row looks at them.

Rows are plain dicts with the names of Databento's columns; levels are tuples in the order of `LEVEL`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

from tests.conformance.oracle import OracleBook, OracleMarket, is_invalid
from tests.conformance.records import F_LAST, F_SNAPSHOT, UNDEF_PRICE, Record

Row = dict[str, Any]
Levels = list[tuple[int, int, int, int, int, int]]

LEVEL = ("bid_px", "ask_px", "bid_sz", "ask_sz", "bid_ct", "ask_ct")
UNDEF_TIMESTAMP = 2**64 - 1
LARGEST_SIZE = 2**32 - 1
SECOND = 1_000_000_000
RTYPES = {"trades": 0, "mbp-1": 1, "tbbo": 1, "mbp-10": 10, "bbo-1s": 195, "bbo-1m": 196}
RTYPES |= {"ohlcv-1s": 32, "ohlcv-1m": 33, "ohlcv-1h": 34, "ohlcv-1d": 35}
SECONDS = {"1s": 1, "1m": 60, "1h": 3_600, "1d": 86_400}


def derive(records: list[Record], schema: str, *, dataset: str = "GLBX.MDP3") -> list[Row]:
    """The rows of a schema."""
    names_side = not dataset.startswith("XNAS.")
    family, _, interval = schema.partition("-")
    match family:
        case "trades":
            rows = [row_of(record) for record in records if is_trade(record)]
        case "ohlcv":
            rows = bars(records, SECONDS[interval] * SECOND)
        case "bbo":
            rows = samples(records, SECONDS[interval] * SECOND)
        case "tbbo":
            rows = [row for _, row in quotes(records, 1, names_side) if row["action"] == "T"]
        case _:
            rows = [row for _, row in quotes(records, int(interval), names_side)]
    return [{"rtype": RTYPES[schema]} | row for row in rows]


def is_trade(record: Record) -> bool:
    return record.action == "T" and not is_invalid(record)


def row_of(record: Record) -> Row:
    """A row with everything that it copies."""
    names = ("publisher_id", "instrument_id", "ts_event", "price", "size", "action", "side", "flags")
    more = ("ts_recv", "ts_in_delta", "sequence")
    return {name: getattr(record, name) for name in names + more} | {"depth": 0}


# Events


def levels_of(book: OracleBook, number: int) -> Levels:
    levels: dict[str, dict[int, list[int]]] = {"B": {}, "A": {}}
    for r in [*book.orders.values(), *book.aggregates.values()]:
        level = levels[r.side].setdefault(r.price, [0, 0])
        level[0] += r.size
        level[1] += r.order_id is not None
    best = {side: sorted(levels[side], reverse=side == "B")[:number] for side in "BA"}
    shown = []
    for depth in range(number):
        bid, ask = (best[side][depth] if depth < len(best[side]) else UNDEF_PRICE for side in "BA")
        (bid_sz, bid_ct), (ask_sz, ask_ct) = levels["B"].get(bid, (0, 0)), levels["A"].get(ask, (0, 0))
        shown.append((bid, ask, min(bid_sz, LARGEST_SIZE), min(ask_sz, LARGEST_SIZE), bid_ct, ask_ct))
    return shown


def quotes(records: Iterable[Record], number: int, names_side: bool) -> Iterator[tuple[int, Row]]:
    """Rows of mbp, each with the index of the record that gave rise to it."""
    market = OracleMarket()
    shown: dict[tuple[int, int], Levels] = {}
    events: dict[tuple[int, int], list[Record]] = {}
    for index, record in enumerate(records):
        market.apply_record(record)
        key = record.publisher_id, record.instrument_id
        event = events.setdefault(key, [])
        is_void = is_invalid(record)
        if not is_void:
            event.append(record)
        is_clear = record.action == "R" and not is_void and not record.has(F_SNAPSHOT)
        levels: Levels = []
        row: Row | None = None
        if is_trade(record) or is_clear or record.has(F_LAST):
            levels = levels_of(market.books[key], number)
            before = shown.get(key, levels_of(OracleBook(), number))
            if is_trade(record):
                row = row_of(record)
            elif is_clear or levels != before or (record.has(F_SNAPSHOT) and not is_void):
                row = row_of(record) | what_happened(event, record)
                row |= where_it_happened(before, levels)
                row["side"] = row["side"] if names_side else "N"
                if row["action"] == "R":
                    row |= {"side": "N", "price": UNDEF_PRICE, "size": 0, "depth": 0}
        if record.has(F_LAST):
            events[key] = []
        if row is not None:
            shown[key] = levels
            yield index, row | {"levels": levels}


def what_happened(event: list[Record], last: Record) -> Row:
    named = [record for record in event if record.action in "ACMR"] or [last]
    return {name: getattr(named[-1], name) for name in ("action", "price", "size")}


def where_it_happened(before: Levels, after: Levels) -> Row:
    def half(levels: Levels, side: str) -> list[tuple[int, ...]]:
        return [level[0::2] if side == "B" else level[1::2] for level in levels]

    sides = [side for side in "BA" if half(before, side) != half(after, side)]
    depths = [depth for depth, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    return {"side": sides[0] if len(sides) == 1 else "N", "depth": depths[0] if depths else 0}


# Intervals


def clock(records: Iterable[Record]) -> list[int]:
    """The time of each record: the latest so far."""
    times, latest = [], 0
    for record in records:
        if record.ts_recv != UNDEF_TIMESTAMP:
            latest = max(latest, record.ts_recv)
        times.append(latest)
    return times


Found = tuple[int, tuple[int, int], Any]
"""When, of which instrument and publisher, and what."""


def by_interval(found: list[Found], stamp: Callable[[int], int]) -> Iterator[tuple[int, list[Any]]]:
    def place(one: Found) -> tuple[int, tuple[int, int]]:
        return stamp(one[0]), one[1]

    for (at, _), group in groupby(sorted(found, key=place), key=place):
        yield at, [what for _, _, what in group]


def samples(records: list[Record], length: int) -> list[Row]:
    times = clock(records)
    updates = dict(quotes(records, 1, names_side=True))
    found: list[Found] = []
    trades: dict[tuple[int, int], Record] = {}
    for index, record in enumerate(records):
        key = record.instrument_id, record.publisher_id
        if is_trade(record):
            trades[key] = record
        if index in updates:
            found.append((times[index], key, (updates[index], trades.get(key))))
    rows = []
    for at, (*_, (update, trade)) in by_interval(found, lambda ts: min(-(-ts // length) * length, UNDEF_TIMESTAMP)):
        last = {"ts_event": UNDEF_TIMESTAMP, "price": UNDEF_PRICE, "size": 0, "side": "N"}
        if trade is not None:
            last = {name: getattr(trade, name) for name in last}
        copied = {name: update[name] for name in ("publisher_id", "instrument_id", "flags", "sequence", "levels")}
        rows.append(copied | last | {"ts_recv": at})
    return rows


def bars(records: list[Record], length: int) -> list[Row]:
    times = clock(records)
    found: list[Found] = [
        (time, (record.instrument_id, record.publisher_id), record)
        for time, record in zip(times, records, strict=True)
        if is_trade(record)
    ]
    rows = []
    for at, trades in by_interval(found, lambda ts: ts // length * length):
        prices = [trade.price for trade in trades if trade.price != UNDEF_PRICE] or [UNDEF_PRICE]
        rows.append(
            {
                "publisher_id": trades[0].publisher_id,
                "instrument_id": trades[0].instrument_id,
                "ts_event": at,
                "open": prices[0],
                "high": max(prices),
                "low": min(prices),
                "close": prices[-1],
                "volume": sum(trade.size for trade in trades),
            }
        )
    return rows
