"""Traces by OpenTelemetry: with `booktape[otel]`, where the environment names an OTLP endpoint; else nothing at all.

A request is one span, however long its stream; below it are the questions that take a core. Attributes are those of the
semantic conventions. Queries and headers are never among them.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import wraps
from threading import Thread
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from booktape import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from litestar.types import HTTPScope
    from opentelemetry.trace import Span, Tracer


_LAST_SPANS_SECONDS = 2.0
"""How long stopping waits for the collector to take the last spans; the SDK's own patience is for one that answers."""
_SERVER_ERROR = 500

log = structlog.get_logger(__name__)


class Named(Protocol):
    """What a span tells the id of."""

    id: str


Of = TypeVar("Of", bound=Named)
Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Traces:
    """Where spans go: nowhere, unless `exporting` or a test says so."""

    tracer: Tracer | None = None


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for traces.

    >>> wanted({}), wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    (False, True)
    """
    named = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    off = (
        environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none"
    )
    return bool(named) and not off


@contextmanager
def exporting() -> Iterator[None]:
    """Sends spans where the environment says, if it does, until the block ends."""
    if not wanted(os.environ):
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("no_traces", why="OpenTelemetry is not installed; pip install 'booktape[otel]' brings it")
        yield
        return
    # The SDK reads the other variables itself; only the name has a better default here.
    name = os.environ.get("OTEL_SERVICE_NAME", "booktape")
    resource = Resource.create({"service.name": name, "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        with using(provider.get_tracer("booktape", __version__)):
            yield
    finally:
        last = Thread(target=provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_SPANS_SECONDS)


@contextmanager
def using(tracer: Tracer) -> Iterator[None]:
    """Makes spans with a tracer until the block ends."""
    before, _Traces.tracer = _Traces.tracer, tracer
    try:
        yield
    finally:
        _Traces.tracer = before


def span(name: str, **attributes: str | int) -> AbstractContextManager[object]:
    """A span below the one that is open, if spans are made."""
    if _Traces.tracer is None:
        return nullcontext()
    told = {f"booktape.{key}": value for key, value in attributes.items()}
    return _Traces.tracer.start_as_current_span(name, attributes=told)


Method: TypeAlias = "Callable[Concatenate[Of, Given], Awaitable[Result]]"


def traced(name: str) -> Callable[[Method[Of, Given, Result]], Method[Of, Given, Result]]:
    """Makes a span of each call of a method of what has an id."""

    def decorated(method: Method[Of, Given, Result]) -> Method[Of, Given, Result]:
        @wraps(method)
        async def call(self: Of, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
            with span(name, tape=self.id):
                return await method(self, *args, **kwargs)

        return call

    return decorated


@contextmanager
def request(scope: HTTPScope, request_id: str) -> Iterator[Span | None]:
    """The span of a request, below that of its `traceparent`; its log lines tell the trace."""
    if _Traces.tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind, format_trace_id
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in {b"traceparent", b"tracestate"}
    }
    attributes = {"http.request.method": scope["method"], "url.path": scope["path"], "booktape.request_id": request_id}
    above = TraceContextTextMapPropagator().extract(carrier)
    with (
        _Traces.tracer.start_as_current_span(
            scope["method"], context=above, kind=SpanKind.SERVER, attributes=attributes
        ) as made,
        bound_contextvars(trace_id=format_trace_id(made.get_span_context().trace_id)),
    ):
        yield made


def answered(made: Span, scope: HTTPScope, status: int, route: str) -> None:
    """Tells the span of a request how it is answered."""
    from opentelemetry.trace import StatusCode

    made.update_name(f"{scope['method']} {route}")
    made.set_attributes({"http.route": route, "http.response.status_code": status})
    made.add_event("response began")
    if status >= _SERVER_ERROR:
        made.set_status(StatusCode.ERROR)
