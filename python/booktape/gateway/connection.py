"""One client's connection: lines in, bytes out, and as little as possible kept of either."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING, cast

from booktape.gateway.lines import LINE_BYTES, LineError

if TYPE_CHECKING:
    from collections.abc import Callable

QUEUED_LINES = 64
"""Lines that wait to be looked at before no more are read."""
WRITE_BUFFER_BYTES = 64 * 1024
"""Unsent bytes beyond which the next piece waits."""
LINGER_SECONDS = 2.0
"""Time for a client to close its side once everything was sent."""
_RESET = struct.pack("ii", 1, 0)


class LeftError(Exception):
    """The client has closed the connection, or lost it."""


class SlowError(Exception):
    """The client has taken too little for too long."""


class Connection(asyncio.Protocol):
    """The transport's side of a session. `on_made` is called with it once the client is there."""

    def __init__(self, on_made: Callable[[Connection], object]) -> None:
        self.wake = asyncio.Event()
        """Set when there is a line to read, when the client goes, and by whoever has something for the session."""
        self.gone = False
        self._on_made = on_made
        self._lines: deque[bytes] = deque()
        self._partial = b""
        self._too_long = False
        self._paused = False
        self._deaf = False
        self._room = asyncio.Event()
        self._room.set()
        self._lost = asyncio.Event()
        self._transport: asyncio.Transport

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of lines."""
        if self._deaf or self._too_long:
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        fitting = list(takewhile(lambda line: len(line) <= LINE_BYTES, lines))
        self._lines.extend(line.rstrip(b"\r") for line in fitting)
        if len(fitting) < len(lines) or len(self._partial) > LINE_BYTES:
            self._too_long = True
            self._partial = b""
        if len(self._lines) > QUEUED_LINES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self.wake.set()

    def pause_writing(self) -> None:
        """The client has not taken what was sent."""
        self._room.clear()

    def resume_writing(self) -> None:
        """It has."""
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it went makes no difference
        """The client has gone, or was closed."""
        self.gone = True
        self._lost.set()
        self._room.set()
        self.wake.set()

    # What a session does.

    @property
    def peer(self) -> str:
        """The client's address."""
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "unknown"

    def line(self) -> bytes | None:
        """The next line, if there is one.

        Raises:
            LineError: it is longer than lines may be.
            LeftError: the client has gone.
        """
        if self.gone:
            raise LeftError
        if not self._lines:
            if self._too_long:
                raise LineError(f"a line of more than {LINE_BYTES:,} bytes")
            return None
        line = self._lines.popleft()
        if self._paused and not self._lines:
            self._paused = False
            self._transport.resume_reading()
        return line

    async def next_line(self) -> bytes:
        """The next line, once it is there. Raises as `line` does."""
        while (line := self.line()) is None:
            self.wake.clear()
            await self.wake.wait()
        return line

    @property
    def is_full(self) -> bool:
        """Whether the client has to take something before more is sent."""
        return not self._room.is_set()

    def write(self, data: bytes) -> None:
        """Sends bytes."""
        if not self.gone:
            self._transport.write(data)

    async def room(self, seconds: float) -> None:
        """Waits until the client has taken enough.

        Raises:
            TimeoutError: it has not in so many seconds.
            LeftError: it has gone.
        """
        async with asyncio.timeout(seconds):
            await self._room.wait()
        if self.gone:
            raise LeftError

    async def end(self, seconds: float) -> None:
        """Closes in good order: what was sent arrives, also at a client that is still writing.

        A socket that is closed with bytes unread is reset, and what was on its way is lost. So what the client still
        says is read, and forgotten, until it closes its side or some time has passed; it has `seconds` to take what is
        left.
        """
        self._deaf = True
        if self._transport.is_closing():  # the client has reset it
            return
        if self._paused:
            self._transport.resume_reading()
        self._transport.set_write_buffer_limits(high=0)
        try:
            await self.room(seconds)
            if self._transport.can_write_eof():
                self._transport.write_eof()
            async with asyncio.timeout(LINGER_SECONDS):
                await self._lost.wait()
        except (TimeoutError, LeftError):
            pass
        self._transport.abort()

    def reset(self) -> None:
        """Cuts the connection, so that the client can tell that something is missing."""
        peer: socket.socket | None = self._transport.get_extra_info("socket")
        if peer is not None and not self.gone:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()
