"""Responses whose bytes are made while they are sent, for one client, in worker threads."""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing
from http import HTTPStatus
from os import cpu_count
from threading import Event, Lock
from typing import Any, TypeAlias

from anyio import CancelScope, CapacityLimiter, create_task_group, to_thread
from litestar import Litestar, Request, Response
from litestar.exceptions import ServiceUnavailableException
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Scope, Send

from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.client import Client, client_of

Progress: TypeAlias = Callable[[int, int], object]
Making: TypeAlias = Callable[[Progress], Iterator[bytes]]
"""Begins to make bytes piece by piece; whatever takes long calls the progress, which may end it."""
Made: TypeAlias = AsyncGenerator[bytes, None]
"""The pieces as they are sent."""
HEAD_BYTES = 256 * 1024
"""A response begins when this much is made. A shorter one is complete by then, and every error of it a problem."""


class Downloads:
    """Makes the bodies of downloads: a piece at a time, the next one when the client has taken the last."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        # More at once than there are cores would only make each of them late; between pieces it is the next one's turn.
        self._workers = CapacityLimiter(cpu_count() or 1)
        self.open = 0
        """Bodies being made or sent."""

    def response(
        self, making: Making, *, media_type: str, filename: str | None = None, status: int = HTTPStatus.OK
    ) -> Response[None]:
        """What is made, as a file to be kept where it has a name; names are ASCII without quotes."""
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        if filename is not None:
            headers["Content-Disposition"] = f'attachment; filename="{filename}"'
        return _Download(self._made(making), media_type=media_type, headers=headers, status=status)

    async def _made(self, making: Making) -> Made:
        """The pieces; when it ends, however it does, no thread works on."""
        work = _Work(making, self._lifecycle)
        self.open += 1
        try:
            while (piece := await self._aside(work.next)) is not None:
                if piece:
                    yield piece
        finally:
            self.open -= 1
            work.give_up()
            with CancelScope(shield=True):
                await to_thread.run_sync(work.end)

    async def _aside(self, work: Callable[[], bytes | None]) -> bytes | None:
        return await to_thread.run_sync(work, limiter=self._workers, abandon_on_cancel=True)


class _AbandonedError(Exception):
    """Nobody takes it any more."""


class _Work:
    """Bytes in the making, by one thread at a time, until they are all made or nobody wants them."""

    def __init__(self, making: Making, lifecycle: Lifecycle) -> None:
        self._pieces = self._begin(making)
        self._carry_on = lifecycle.carry_on
        self._is_unwanted = Event()
        self._turn = Lock()

    def next(self) -> bytes | None:
        """The next piece, perhaps an empty one; None at the end."""
        with self._turn:
            self._look()
            return next(self._pieces, None)

    def give_up(self) -> None:
        """Has a thread that is at it stop at its next look."""
        self._is_unwanted.set()

    def end(self) -> None:
        """Waits for that, and lets go of everything."""
        with self._turn:
            self._pieces.close()

    def _begin(self, making: Making) -> Generator[bytes, None, None]:
        yield from making(self._look)

    def _look(self, _done: int = 0, _total: int = 0) -> None:
        if self._is_unwanted.is_set():
            raise _AbandonedError
        self._carry_on()


class _Download(Response[None]):
    """A response that begins when there is something to send: what goes wrong before that is answered as a problem."""

    def __init__(self, made: Made, *, media_type: str, headers: dict[str, str], status: int) -> None:
        super().__init__(None, media_type=media_type, headers=headers, status_code=status)
        self._made = made

    def to_asgi_response(
        self,
        app: Litestar | None,  # noqa: ARG002
        request: Request[Any, Any, Any],  # noqa: ARG002
        *,
        headers: dict[str, str] | None = None,
        **_given: Any,
    ) -> ASGIResponse:
        """The response as it is sent."""
        return _Body(
            iterator=self._made,
            media_type=self.media_type,
            headers={**(headers or {}), **self.headers},
            status_code=self.status_code,
        )


class _Body(ASGIStreamingResponse):
    """Sends pieces while the client takes them; what cannot be finished is cut off, never ended in good order."""

    iterator: Made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all of them, or as many as there is a client for."""
        failure = None
        async with aclosing(self.iterator), create_task_group() as tasks:
            tasks.start_soon(self._listen_for_disconnect, tasks.cancel_scope, receive)
            try:
                await self._send(client_of(scope), send)
            except Exception as error:  # noqa: BLE001 - raised below, where it is no group of errors any more
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _send(self, client: Client, send: Send) -> None:
        piece: bytes | None = await self._head()
        await self.start_response(send)
        while piece is not None:
            if client.too_slow:
                await client.cut()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            try:
                piece = await anext(self.iterator, None)
            except ServiceUnavailableException:  # it stops
                await client.cut()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _head(self) -> bytes:
        head = bytearray()
        async for piece in self.iterator:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
        return bytes(head)
