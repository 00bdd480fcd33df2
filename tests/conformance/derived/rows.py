"""booktape's derived rows, read by hand from their bytes into the dicts of the oracle."""

import struct

from booktape import Tape, _native
from tests.conformance.derived.oracle import Row

# Header: length in words, rtype, publisher_id, instrument_id, ts_event; then what follows in every row but a bar.
HEAD = struct.Struct("<BBHIQ qIccBBQiI")
HEAD_NAMES = (
    *("length", "rtype", "publisher_id", "instrument_id", "ts_event", "price", "size"),
    *("action", "side", "flags", "depth", "ts_recv", "ts_in_delta", "sequence"),
)
LEVEL = struct.Struct("<qqIIII")
BAR = struct.Struct("<BBHIQ qqqqQ")
BAR_NAMES = ("length", "rtype", "publisher_id", "instrument_id", "ts_event", "open", "high", "low", "close", "volume")
LEVELS = {"trades": 0, "mbp-1": 1, "tbbo": 1, "bbo-1s": 1, "bbo-1m": 1, "mbp-10": 10}
SCHEMAS = [*LEVELS, "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d"]


def rows_of(tape: Tape, schema: str) -> bytes:
    return b"".join(_native.Rows(tape._native, schema).blocks())


def derived(tape: Tape, schema: str) -> list[Row]:
    """All rows of a tape, each checked to say its own length."""
    data = rows_of(tape, schema)
    size = BAR.size if schema.startswith("ohlcv") else HEAD.size + LEVELS[schema] * LEVEL.size
    assert len(data) % size == 0
    rows = [row_at(data, at, schema) for at in range(0, len(data), size)]
    assert all(row.pop("length") * 4 == size for row in rows)
    return rows


def row_at(data: bytes, at: int, schema: str) -> Row:
    if schema.startswith("ohlcv"):
        return dict(zip(BAR_NAMES, BAR.unpack_from(data, at), strict=True))
    row: Row = dict(zip(HEAD_NAMES, HEAD.unpack_from(data, at), strict=True))
    row |= {name: row[name].decode("latin-1") for name in ("action", "side")}
    if LEVELS[schema]:
        starts = range(at + HEAD.size, at + HEAD.size + LEVELS[schema] * LEVEL.size, LEVEL.size)
        row["levels"] = [LEVEL.unpack_from(data, start) for start in starts]
    if schema.startswith("bbo"):
        reserved = [row.pop(name) for name in ("action", "depth", "ts_in_delta")]
        assert reserved == ["\0", 0, 0]
    return row
