"""Responses that go on: events, or raw records."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from booktape.service.streams.client import client_of
from booktape.service.streams.events import MEDIA_TYPE

DBN_MEDIA_TYPE = "application/octet-stream"
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would otherwise hold events back until its buffer is full
}


class Flow(Stream):
    """A response whose body is made as it is sent.

    `around` is entered while it is: however a stream ends, it is left, also where the body's generator never began.
    """

    def __init__(
        self, body: AsyncIterator[bytes], media_type: str, around: AbstractContextManager[object] | None = None
    ) -> None:
        super().__init__(body, media_type=media_type, headers=_HEADERS)
        self._body = body
        self._around = around or nullcontext()

    def to_asgi_response(self, *args: Any, **options: Any) -> ASGIResponse:
        """Litestar's own as far as the head goes."""
        return _Flowing(super().to_asgi_response(*args, **options), self._body, self._around)


class _Flowing(ASGIResponse):
    def __init__(self, head: ASGIResponse, body: AsyncIterator[bytes], around: AbstractContextManager[object]) -> None:
        self._head = head
        self._body = body
        self._around = around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        client = client_of(scope)
        sending = asyncio.current_task()
        if not client.sent_by(sending):
            return
        try:
            with self._around:
                await self._head.start_response(send)
                async for chunk in self._body:
                    if client.is_full:
                        await client.drained()
                    client.write(chunk)
                client.sent_by(None)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if not client.gone or sending is None:
                raise
            sending.uncancel()  # the client went, and its stream with it
        finally:
            client.sent_by(None)


def events(body: AsyncIterator[bytes], around: AbstractContextManager[object] | None = None) -> Flow:
    """A response of events."""
    return Flow(body, MEDIA_TYPE, around)


def raw(body: AsyncIterator[bytes], around: AbstractContextManager[object] | None = None) -> Flow:
    """A response of raw records."""
    return Flow(body, DBN_MEDIA_TYPE, around)
