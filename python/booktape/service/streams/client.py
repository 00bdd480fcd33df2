"""The client at the other end of a stream, as far as the one who sends needs to know it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from uvicorn.protocols.http.flow_control import FlowControl

EXTENSION = "booktape.client"
"""Where the server puts the client into an ASGI scope."""


class Traffic:
    """What streams have sent, counted for metrics."""

    def __init__(self) -> None:
        self.bytes = 0
        """Bytes of stream bodies handed to clients."""
        self.slow = 0
        """Clients that were given up since they took too little for too long."""


class Client:
    """Whether a client takes what it is sent, and the way to send it.

    Chunks go to the connection directly, since uvicorn's way would copy each of them, and it and what stands around it
    cost as much again: that is most of what a stream costs when a hundred clients get the same frames.
    """

    __slots__ = ("_flow", "_task", "_traffic", "_transport", "gone", "hand_back", "sent", "too_slow", "write_framed")

    def __init__(self, transport: asyncio.Transport, flow: FlowControl, traffic: Traffic) -> None:
        self.too_slow = False
        """It has taken too little for too long: whoever sends should say goodbye and end."""
        self.gone = False
        """Its connection is closed."""
        self.sent = 0
        """Bytes of streams it was sent."""
        self.hand_back: Callable[[], None] | None = None
        """Called where it cannot be written to like any other: it has been sent more than it takes, or is gone."""
        self.write_framed: Callable[[bytes], None] = transport.write
        """Sends a chunk that has been `framed`, as what many are sent is once for all of them; it is not counted."""
        self._transport = transport
        self._flow = flow
        self._traffic = traffic
        self._task: asyncio.Task[Any] | None = None

    @property
    def ending(self) -> Literal["slow"] | None:
        """Why its stream should end, if it should."""
        return "slow" if self.too_slow else None

    @property
    def is_full(self) -> bool:
        """Whether it has been sent more than it has taken: `drained` comes first then."""
        return self._flow.write_paused

    async def drained(self) -> None:
        """Waits until it has taken enough, or is given up."""
        await self._flow.drain()

    def write(self, chunk: bytes) -> None:
        """Sends a chunk of a chunked response (RFC 9112, 7.1)."""
        if chunk and not self.gone:
            self._transport.writelines((b"%x\r\n" % len(chunk), chunk, b"\r\n"))
            self.sent += len(chunk)
            self._traffic.bytes += len(chunk)

    def sent_by(self, task: asyncio.Task[Any] | None) -> bool:
        """Names the task to cancel when the client goes, or none any longer; False where it has gone already."""
        self._task = task
        return not self.gone

    def filled_or_gone(self) -> None:
        """It cannot be written to like any other now."""
        if self.hand_back is not None:
            self.hand_back()

    def give_up(self) -> None:
        """Says that it is too slow, and lets its sender write the last words."""
        self.too_slow = True
        self._traffic.slow += 1
        self._flow.resume_writing()

    def went(self) -> None:
        """Its connection is closed."""
        self.gone = True
        self.filled_or_gone()
        if self._task is not None:
            self._task.cancel()

    async def cut(self) -> None:
        """Resets the connection and waits to be cancelled: what was sent is seen to be incomplete."""
        self._transport.abort()
        await asyncio.Event().wait()


def framed(chunk: bytes) -> bytes:
    """A chunk as a chunked response has it."""
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


def client_of(scope: Mapping[str, Any]) -> Client:
    """The client of a request."""
    client: Client = scope["extensions"][EXTENSION]
    return client


def has_gone(scope: Mapping[str, Any]) -> bool:
    """Whether the client of a request is known to have gone: behind a server that is not ours, nobody knows."""
    client: Client | None = (scope.get("extensions") or {}).get(EXTENSION)
    return client is not None and client.gone
