"""MBO records as plain tuples: packed to the 56 bytes of DBN, and read from DBN files by hand.

Nothing here goes through booktape or Databento's decoder, so that what the oracle sees is not what the package decoded.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

UNDEF_PRICE = 2**63 - 1

F_LAST = 128
F_TOB = 64
F_SNAPSHOT = 32
F_MBP = 16
F_BAD_TS_RECV = 8
F_MAYBE_BAD_BOOK = 4

RTYPE_MBO = 160
# Header: length in words, rtype, publisher_id, instrument_id, ts_event; then order_id, price, size, flags, channel_id,
# action, side, ts_recv, ts_in_delta, sequence.
LAYOUT = struct.Struct("<BBHIQ QqIBBcc Qi I")
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Record(NamedTuple):
    """One MBO record; action and side are their one-letter codes."""

    action: str
    side: str
    order_id: int
    price: int
    size: int
    flags: int
    publisher_id: int = 1
    instrument_id: int = 1
    channel_id: int = 0
    ts_event: int = 0
    ts_recv: int = 0
    ts_in_delta: int = 0
    sequence: int = 0

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    def pack(self) -> bytes:
        """The record as DBN stores it, 56 bytes."""
        return LAYOUT.pack(
            LAYOUT.size // 4,
            RTYPE_MBO,
            self.publisher_id,
            self.instrument_id,
            self.ts_event,
            self.order_id,
            self.price,
            self.size,
            self.flags,
            self.channel_id,
            self.action.encode("latin-1"),
            self.side.encode("latin-1"),
            self.ts_recv,
            self.ts_in_delta,
            self.sequence,
        )

    @classmethod
    def unpack(cls, raw: bytes) -> "Record":
        _, _, publisher, instrument, ts_event, order_id, price, size, flags, channel, *rest = LAYOUT.unpack_from(raw)
        action, side, ts_recv, ts_in_delta, sequence = rest
        return cls(
            action.decode("latin-1"),
            side.decode("latin-1"),
            order_id,
            price,
            size,
            flags,
            publisher,
            instrument,
            channel,
            ts_event,
            ts_recv,
            ts_in_delta,
            sequence,
        )


def pack(records: Iterable[Record]) -> bytes:
    return b"".join(record.pack() for record in records)


def read_dbn(path: Path) -> Iterator[Record]:
    """The MBO records of a DBN file of version 1 to 3, plain or zstd; records of other types are passed over."""
    data = path.read_bytes()
    if data.startswith(ZSTD_MAGIC):
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    magic, version, metadata_length = struct.unpack_from("<3sBI", data)
    if magic != b"DBN" or version not in {1, 2, 3}:
        raise ValueError(f"{path}: not DBN version 1 to 3 (it begins with {data[:4]!r})")
    offset = 8 + metadata_length
    while offset < len(data):
        length, rtype = data[offset] * 4, data[offset + 1]
        if rtype == RTYPE_MBO:
            yield Record.unpack(data[offset : offset + length])
        offset += length
