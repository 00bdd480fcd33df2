"""The edge of the application, where every request passes: identified, counted, timed, logged, its answer completed."""

import re
import time
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from booktape.service import tracing
from booktape.service.headers import CACHE_CONTROL, NO_STORE, REQUEST_ID, Header
from booktape.service.metrics.requests import RequestMetrics, route_of
from booktape.service.streams.client import EXTENSION, Client

if TYPE_CHECKING:
    from opentelemetry.trace import Span

QUIET = frozenset({"/health", "/ready", "/metrics"})
"""Routes that probes ask all the time."""

_REQUEST_ID = REQUEST_ID.lower().encode()
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

log = structlog.get_logger(__name__)


class Edge:
    """An ASGI application whose answers carry the headers that all do, and whose requests are counted and logged.

    Chunks of streams do not pass here: their client counts them.
    """

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, headers: Iterable[Header]) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = list(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs one connection."""
        if scope["type"] == ScopeType.HTTP:
            request_id = request_id_of(scope["headers"])
            called = request_id.decode()
            with bound_contextvars(request_id=called), tracing.request(scope, called) as span:
                await self._observe(scope, receive, send, (_REQUEST_ID, request_id), span)
        else:
            await self._app(scope, receive, send)

    async def _observe(
        self, scope: HTTPScope, receive: Receive, send: Send, request_id: Header, span: "Span | None"
    ) -> None:
        started = time.perf_counter()
        status = sent = 0
        extensions: Mapping[str, Any] = scope.get("extensions") or {}
        client: Client | None = extensions.get(EXTENSION)
        streamed = 0 if client is None else client.sent

        async def observed(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                self._metrics.answered(scope, status, time.perf_counter() - started)
                self._complete(message, request_id)
                if span is not None:
                    tracing.answered(span, scope, status, route_of(scope))
            elif message["type"] == "http.response.body":
                sent += len(message["body"])
                self._metrics.sent.inc(len(message["body"]))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            if client is not None:
                sent += client.sent - streamed
            write = log.debug if route_of(scope) in QUIET else log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                bytes=sent,
                seconds=round(time.perf_counter() - started, 4),
            )

    def _complete(self, message: HTTPResponseStartEvent, request_id: Header) -> None:
        said = list(message["headers"])
        unsaid = [] if any(name.lower() == CACHE_CONTROL for name, _ in said) else [NO_STORE]
        message["headers"] = [*said, *unsaid, *self._headers, request_id]


def request_id_of(headers: Iterable[Header]) -> bytes:
    """What the client, or a proxy before the service, calls the request; else a name made for it.

    >>> request_id_of([(b"x-request-id", b"from-the-proxy-1")])
    b'from-the-proxy-1'
    >>> len(request_id_of([(b"x-request-id", b"no spaces, no line breaks")]))
    32
    """
    given = next((value for name, value in headers if name == _REQUEST_ID), b"")
    return given if _WELL_FORMED.fullmatch(given) else token_hex(16).encode()
