"""A DBN stream looked through while it comes: how many whole records, when, and whether they go on from others.

No record is touched by itself: blocks of them are looked at as tables.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Got:
    """What has come so far."""

    records: int = 0
    last: bytes = b""
    """The records at the latest time, which come again when it is gone on from there."""
    at: int | None = None
    """That time."""
    repeated: int = 0
    """How many they are."""
    complete: bool = False
    """Whether that is all there is."""


class Scanner:
    """Takes a compressed stream that goes on from what has come, and tells what has come with it."""

    def __init__(self, schema: str, span: Span, before: Got) -> None:
        import zstandard

        self._unpacker = zstandard.ZstdDecompressor().decompressobj()
        self._damage = zstandard.ZstdError
        self._layout = Layout.of(schema)
        self._span = span
        self._repeated = before.last
        self._held = bytearray()
        self._is_begun = False
        self.metadata = b""
        """What the stream begins with, once it has come."""
        self.got = Got(before.records, before.last, before.at, before.repeated)

    def feed(self, data: bytes) -> bytes:
        """Takes the next bytes as they came; gives the new whole records among them.

        Raises:
            InputError: it is no DBN, or not what is expected.
        """
        if not data or self._unpacker.eof:
            return b""
        try:
            self._held += self._unpacker.decompress(data)
        except self._damage as why:
            raise InputError(f"what came from Databento is damaged: {why}") from None
        self._read_metadata()
        return self._records()

    def finish(self) -> Got:
        """What has come with it; complete if the stream ended as it should."""
        whole = self._unpacker.eof and bool(self.metadata) and not self._held and not self._repeated
        got = self.got
        return Got(got.records, got.last, got.at, got.repeated, complete=whole)

    def _read_metadata(self) -> None:
        if self.metadata or len(self._held) < _HEAD:
            return
        if self._held[:3] != b"DBN":
            raise InputError("what came from Databento is not DBN")
        length = _HEAD + int.from_bytes(self._held[_WORD:_HEAD], "little")
        if length > _PIECE * 64:
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
        block = block[self._recognise(block) :]
        if block:
            self._note(block)
        return block

    def _recognise(self, block: bytes) -> int:
        """How much of a block came before, byte for byte."""
        again = min(len(self._repeated), len(block))
        if block[:again] != self._repeated[:again]:
            raise InputError("Databento sent other records than before for the same time")
        self._repeated = self._repeated[again:]
        return again

    def _note(self, block: bytes) -> None:
        import numpy as np

        table, size = self._layout.table(block), self._layout.size
        sound = table[:, 0] == size // _WORD
        if not sound.all():
            raise InputError(f"record {self.got.records + int(sound.argmin()):,} is damaged")
        times = self._layout.times(table)
        if not ((times >= self._span.start) & (times < self._span.end)).all():
            raise InputError(f"records from {self.got.records:,} on are of other times than were asked for")
        at = int(times[-1])
        others = np.flatnonzero(times != at)
        begin = int(others[-1]) + 1 if len(others) else 0
        last = table[begin:].tobytes()
        if not begin and self.got.at == at:
            last = self.got.last + last
        self.got = Got(self.got.records + len(table), last, at, len(last) // size)


def scanned(path: Path, scanner: Scanner) -> Iterator[bytes]:
    """Feeds a scanner a file; gives what it gives."""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield scanner.feed(piece)
