"""A file for writers that want one, from which is taken what they wrote: nothing gathers in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Sink:
    """Takes bytes at its end, and cannot go back.

    >>> sink = Sink()
    >>> sink.write(b"ab"), sink.write(b"c"), sink.take(), sink.take()
    (2, 1, b'abc', b'')
    """

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: Buffer) -> int:
        """Takes all of a part."""
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """It is done with when nobody holds it."""

    def take(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
