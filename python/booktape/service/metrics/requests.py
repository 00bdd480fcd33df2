"""Every request counted, timed and logged, from outside the application, so that none escapes."""

import time

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

# Otherwise a second series beside every counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods with a label of their own; a client can invent others without end."""
QUIET = frozenset({"/health", "/ready", "/metrics"})
"""Routes that probes ask all the time."""

log = structlog.get_logger(__name__)


class RequestMetrics:
    """What is counted of requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "mbo_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "mbo_http_request_duration_seconds",
            "Time until the response begins; a stream goes on after it.",
            ["method", "route"],
            registry=registry,
        )
        self.sent = Counter("mbo_sent_bytes", "Bytes of response bodies handed to clients.", registry=registry)


class ObservedApp:
    """An ASGI application whose requests are counted and logged."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs one connection."""
        if scope["type"] == ScopeType.HTTP:
            await self._observe(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _observe(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        status = sent = 0

        async def observed(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                self._count(scope, status, time.perf_counter() - started)
            elif message["type"] == "http.response.body":
                sent += len(message["body"])
                self._metrics.sent.inc(len(message["body"]))
            await send(message)

        try:
            await self._app(scope, receive, observed)
        finally:
            write = log.debug if _route(scope) in QUIET else log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                bytes=sent,
                seconds=round(time.perf_counter() - started, 4),
            )

    def _count(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = _route(scope)
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)


def _route(scope: HTTPScope) -> str:
    """The route's template rather than its path, of which there are without end."""
    return str(scope.get("path_template") or "none")
