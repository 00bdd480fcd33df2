"""One connection: uvicorn's, with bounds on how long and how large a request's head is, and on how slow a client."""

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from booktape.service.streams.client import EXTENSION, Client, Traffic

HEAD_SECONDS = 10.0
"""Time for a request's line and headers to arrive."""
HEAD_BYTES = 64 * 1024
"""Bytes they may have."""


class Connection(HttpToolsProtocol):
    """Closes a connection whose request does not come, and tells the sender of a client that takes nothing."""

    def __init__(self, *args: Any, slow_client_seconds: float, traffic: Traffic, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slow_client_seconds = slow_client_seconds
        self._traffic = traffic
        self._client: Client
        self._answered: RequestResponseCycle | None = None
        """The request that is answered, or was last: uvicorn's `cycle` is the one that came last, and may wait."""
        self._in_head = False
        self._is_all_head = False
        """Whether what comes now is of one request's head, and has nothing else before it."""
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._slow_timer: asyncio.TimerHandle | None = None

    @classmethod
    def bounded(cls, slow_client_seconds: float, traffic: Traffic) -> Any:
        """The protocol for uvicorn."""
        return partial(cls, slow_client_seconds=slow_client_seconds, traffic=traffic)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came: its request is expected."""
        super().connection_made(transport)
        self._client = Client(transport, self.flow, self._traffic)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._cancel_timers()
        self._client.went()
        if self._answered is not None:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        self._is_all_head = self._in_head or self.cycle is None
        super().data_received(data)
        if not self._in_head:
            return
        if self._is_all_head:
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._head_timer is None:
            self._expect_head()

    def on_message_begin(self) -> None:
        """The first line of a request."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self.scope["extensions"] = {EXTENSION: self._client}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """A request's head is complete: its answer begins."""
        self._in_head = self._is_all_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        super().on_headers_complete()

    def pause_writing(self) -> None:
        """The client has taken less than was sent, by the transport's buffer."""
        super().pause_writing()
        self._client.filled_or_gone()
        self._slow_timer = self.loop.call_later(self._slow_client_seconds, self._give_up)

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def shutdown(self) -> None:
        """The server stops. What is closed already is left alone: closed twice, TLS could not be cut off any more."""
        if not self.transport.is_closing():
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """What came is no request."""
        if self._is_answering:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    @property
    def _is_answering(self) -> bool:
        """Whether an answer has begun and not ended: nothing else may be written then, it would be taken for a part."""
        answered = self._answered
        return answered is not None and answered.response_started and not answered.response_complete

    def _give_up(self) -> None:
        self._slow_timer = None
        if self._answered is not None:
            self._answered.keep_alive = False
        # Whether it takes the last words is then the kernel's to watch.
        self._client.give_up()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        if self._is_answering:
            self.transport.close()
        elif not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()

    def _cancel_timers(self) -> None:
        for timer in (self._head_timer, self._slow_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._slow_timer = None
