"""What is counted of requests."""

from litestar.types import HTTPScope
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

# Otherwise a second series beside every counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods with a label of their own; a client can invent others without end."""


class RequestMetrics:
    """Requests, how long their answers took to begin, and bytes."""

    def __init__(self, registry: CollectorRegistry, prefix: str = "mbo_http", sent: str = "mbo_sent_bytes") -> None:
        self._requests = Counter(
            f"{prefix}_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            f"{prefix}_request_duration_seconds",
            "Time until the response begins; a stream goes on after it.",
            ["method", "route"],
            registry=registry,
        )
        self.sent = Counter(sent, "Bytes of response bodies handed to clients.", registry=registry)

    def answered(self, scope: HTTPScope, status: int, seconds: float) -> None:
        """Counts an answer that begins."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = route_of(scope)
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


def route_of(scope: HTTPScope) -> str:
    """The route's template rather than its path, of which there are without end."""
    return str(scope.get("path_template") or "none")
