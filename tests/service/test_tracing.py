"""Spans of requests and of the work below them; nothing of OpenTelemetry where nobody asks for traces."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import booktape as bt
from booktape.keys import new_key
from booktape.service import tracing
from booktape.settings import Settings
from tests.service.running import serving

TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@contextmanager
def spans() -> Iterator[InMemorySpanExporter]:
    """Collects spans as they end."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    with tracing.using(provider.get_tracer("test")):
        yield kept


def named(kept: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in kept.get_finished_spans() if span.name == name]


def test_a_request_is_a_span_below_the_callers_with_its_work_below_it(tape: bt.Tape) -> None:
    key, entry = new_key("desk", ["read"])
    with spans() as kept:
        with serving(tape, settings=Settings(api_keys=(entry,))) as running, running.client() as client:
            headers = {
                "traceparent": f"00-{TRACE}-{ABOVE}-01",
                "Authorization": f"Bearer {key}",
                "X-Request-ID": "mine",
            }
            assert client.get(f"/api/v1/tapes/{tape.id}/book?depth=1", headers=headers).is_success
        (asked,) = named(kept, "GET /api/v1/tapes/{tape}/book")
        (work,) = named(kept, "tape.book_at")
    assert asked.kind is SpanKind.SERVER
    assert asked.parent is not None
    assert asked.context is not None
    assert work.parent is not None
    assert (f"{asked.context.trace_id:032x}", f"{asked.parent.span_id:016x}") == (TRACE, ABOVE)
    assert work.parent.span_id == asked.context.span_id
    assert asked.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/tapes/{tape}/book",
        "http.response.status_code": 200,
        "url.path": f"/api/v1/tapes/{tape.id}/book",
        "booktape.request_id": "mine",
    }
    assert work.attributes == {"booktape.tape": tape.id}
    assert key not in "".join(span.to_json() for span in kept.get_finished_spans())


def test_a_stream_is_one_span_whatever_is_sent(tape: bt.Tape) -> None:
    with spans() as kept:
        with serving(tape) as running:
            running.stream(f"/api/v1/tapes/{tape.id}/stream", format="full")
        (stream,) = named(kept, "GET /api/v1/tapes/{tape}/stream")
    assert [event.name for event in stream.events] == ["response began"]
    assert stream.context is not None
    assert [
        span for span in kept.get_finished_spans() if span.parent and span.parent.span_id == stream.context.span_id
    ] == []


def test_loading_and_indexing_are_spans_and_an_error_inside_is_one(
    tape: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("on purpose")

    with spans() as kept:
        with serving(tape) as running, running.client() as client:
            loaded = running.service.deck.first()
            monkeypatch.setattr(loaded, "details", broken)
            assert client.get(f"/api/v1/tapes/{tape.id}").status_code == 500
            while not loaded.indexed:
                client.get("/health")
        assert named(kept, "tape.load")
        assert named(kept, "tape.index")
        (failed,) = named(kept, "GET /api/v1/tapes/{tape}")
    assert failed.status.status_code is StatusCode.ERROR


class Collector(BaseHTTPRequestHandler):
    """Takes spans over OTLP, as the collector of a team does."""

    taken: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/traces"
        self.taken.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_spans_go_to_the_endpoint_that_the_standard_variables_name(
    tape: bt.Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    Collector.taken = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        with tracing.exporting(), serving(tape) as running:
            running.get("/api/v1/tapes")
        collector.shutdown()
        thread.join()
    resources = [each for taken in Collector.taken for each in taken.resource_spans]
    names = {span.name for each in resources for scope in each.scope_spans for span in scope.spans}
    assert {"GET /api/v1/tapes", "tape.load"} <= names
    told = {item.key: item.value.string_value for each in resources for item in each.resource.attributes}
    assert (told["service.name"], told["service.version"]) == ("booktape", bt.__version__)


def test_without_the_extra_the_service_runs_and_says_so(
    tape: bt.Tape, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.setattr(tracing, "log", Said())
    with tracing.exporting(), serving(tape) as running:
        assert running.get("/api/v1/tapes")
    assert Said.lines == ["no_traces"]
    assert capsys.readouterr().err == ""


class Said:
    """Keeps what is logged."""

    lines: list[str] = []  # noqa: RUF012 - of one test

    def warning(self, event: str, **_: object) -> None:
        self.lines.append(event)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
    ],
)
def test_where_nobody_asks_nothing_is_imported(variables: dict[str, str]) -> None:
    program = """
import sys
from booktape.service import server, tracing
with tracing.exporting(), tracing.span("nothing"):
    server.Service().asgi()
print([name for name in ("opentelemetry.trace", "opentelemetry.sdk", "opentelemetry.exporter") if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=variables)
    assert told.stdout == "[]\n"
