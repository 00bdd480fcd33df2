"""A DBN stream looked through while it comes: how many whole records, when, and whether they go on from others.

No record is touched by itself: blocks of them are looked at as tables. Nothing that comes can make it take more memory
than a few blocks, or more work than what came is worth: a hundred KiB of zstd can be gigabytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from booktape.errors import InputError
from booktape.layouts import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from booktape.spans import Span

_HEAD = 8
"""Bytes before the metadata: DBN, the version, their length."""
_WORD = 4
"""Bytes that a record's length is told in."""
_PIECE = 2**20
"""Bytes that are looked at together."""
_SLICE = 2**10
"""Bytes unpacked at a time: zstd makes 128 KiB of four, so these are 32 MiB at most."""
_LONGEST_METADATA = 2**26
_WIDEST_WINDOW = 2**27
"""Bytes that a stream may refer back to: all that zstd's compressor uses unless it is asked for more."""
_PLAUSIBLE_RATIO = 1_000
"""Bytes that one may become: definitions of many instruments come nearest."""
_ALWAYS_PLAUSIBLE = 2**28


def _digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=32)


@dataclass(frozen=True, slots=True)
class Got:
    """What has come so far."""

    records: int = 0
    at: int | None = None
    """The latest time."""
    repeated: int = 0
    """Records at that time, which come again when it is gone on from there."""
    last: hashlib.blake2b = field(default_factory=_digest)
    """What those come to: there may be millions of them, as in a snapshot."""
    complete: bool = False
    """Whether that is all there is."""


class Scanner:
    """Takes a compressed stream that goes on from what has come, and tells what has come with it so far.

    `most` is how many records there may be, with those that have come.
    """

    def __init__(self, schema: str, span: Span, before: Got, most: int | None = None) -> None:
        import zstandard

        self._zstd = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW)
        self._frame = self._zstd.decompressobj()
        self._damage = zstandard.ZstdError
        self._layout = Layout.of(schema)
        self._span = span
        self._most = most
        self._repeated = _Repeated(before)
        self._held = bytearray()
        self._packed = self._unpacked = 0
        self._is_begun = False
        self.metadata = b""
        """What the stream begins with, once it has come."""
        self.got = before

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes the next bytes as they came; gives blocks of the new whole records among them.

        Raises:
            InputError: it is no DBN, or not what is expected, or more than that can be.
        """
        for begin in range(0, len(data), _SLICE):
            self._unpack(data[begin : begin + _SLICE])
            if len(self._held) >= _PIECE and (block := self._looked_through()):
                yield block
        if block := self._looked_through():
            yield block

    @property
    def is_whole(self) -> bool:
        """Whether the stream may end here: between two frames of zstd, and behind a record."""
        return self._frame.eof and bool(self.metadata) and not self._held and not self._repeated.left

    def _unpack(self, data: bytes) -> None:
        """Metadata are a frame of their own in what Databento sends, and records one or more."""
        self._packed += len(data)
        while data:
            if self._frame.eof:
                self._frame = self._zstd.decompressobj()
            try:
                unpacked = self._frame.decompress(data)
            except self._damage as why:
                raise InputError(f"what came from Databento is damaged: {why}") from None
            data = self._frame.unused_data
            self._unpacked += len(unpacked)
            self._held += unpacked
        if self._unpacked > max(_ALWAYS_PLAUSIBLE, self._packed * _PLAUSIBLE_RATIO):
            raise InputError(f"what came from Databento is damaged: {self._packed:,} bytes that unpack without end")

    def _looked_through(self) -> bytes:
        self._read_metadata()
        return self._records()

    def _read_metadata(self) -> None:
        if self.metadata or len(self._held) < _HEAD:
            return
        if self._held[:3] != b"DBN":
            raise InputError("what came from Databento is not DBN")
        length = _HEAD + int.from_bytes(self._held[_WORD:_HEAD], "little")
        if length > _LONGEST_METADATA:
            raise InputError("what came from Databento has metadata without end")
        if len(self._held) >= length:
            self.metadata = bytes(self._held[:length])
            del self._held[:length]

    def _records(self) -> bytes:
        if not self.metadata or not self._held:
            return b""
        if not self._is_begun:
            # Definitions were shorter in earlier versions.
            self._layout, self._is_begun = self._layout._replace(size=self._held[0] * _WORD), True
            if self._layout.size < self._layout.clock + 8:
                raise InputError("the first record that came from Databento is damaged")
        whole = len(self._held) // self._layout.size * self._layout.size
        block = bytes(self._held[:whole])
        del self._held[:whole]
        block = block[self._repeated.recognised(block, self._layout.size) :]
        if block:
            self._note(block)
        return block

    def _note(self, block: bytes) -> None:
        import numpy as np

        table, size = self._layout.table(block), self._layout.size
        sound = table[:, 0] == size // _WORD
        if not sound.all():
            raise InputError(f"record {self.got.records + int(sound.argmin()):,} is damaged")
        times = self._layout.times(table)
        if not ((times >= self._span.start) & (times < self._span.end)).all():
            raise InputError(f"records from {self.got.records:,} on are of other times than were asked for")
        records = self.got.records + len(table)
        if self._most is not None and records > self._most:
            raise InputError(f"more than {self._most:,} records came, where Databento had counted far fewer")
        at = int(times[-1])
        others = np.flatnonzero(times != at)
        begin = int(others[-1]) + 1 if len(others) else 0
        goes_on = not begin and self.got.at == at
        last = self.got.last.copy() if goes_on else _digest()
        last.update(block[begin * size :])
        repeated = len(table) - begin + (self.got.repeated if goes_on else 0)
        self.got = Got(records, at, repeated, last)


class _Repeated:
    """The records that come again first, told by what they come to together."""

    def __init__(self, before: Got) -> None:
        self.left = before.repeated
        """How many are still to come."""
        self._wanted = before.last
        self._seen = _digest()

    def recognised(self, block: bytes, size: int) -> int:
        """How much of a block of records of a size came before, byte for byte."""
        if not self.left:
            return 0
        again = min(self.left, len(block) // size)
        self._seen.update(block[: again * size])
        self.left -= again
        if not self.left and self._seen.digest() != self._wanted.digest():
            raise InputError("Databento sent other records than before for the same time")
        return again * size


def scanned(path: Path, scanner: Scanner) -> Iterator[bytes]:
    """Feeds a scanner a file; gives the blocks that it gives."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield from scanner.feed(piece)
