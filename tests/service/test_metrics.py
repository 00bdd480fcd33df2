"""What Prometheus reads."""

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

import booktape as bt
from booktape.service.metrics.heads import SECONDS_BETWEEN
from booktape.settings import Settings
from tests.service.running import Running, VirtualClock, raw_connection, read_until, serving


def test_requests_are_counted_by_method_route_and_status(tape: bt.Tape) -> None:
    with serving(tape) as running, running.client() as client:
        client.get(f"/api/v1/tapes/{tape.id}")
        client.get("/api/v1/tapes/one")
        client.get("/api/v1/tapes/two")
        client.request("PROPFIND", "/api/v1/tapes")
        requests = "mbo_http_requests_total"
        route = "/api/v1/tapes/{tape}"
        assert running.metric(requests, method="GET", route=route, status="200") == 1
        assert running.metric(requests, method="GET", route=route, status="404") == 2
        assert running.metric(requests, method="other", route="none", status="405") == 1
        assert running.metric("mbo_http_request_duration_seconds_count", method="GET", route=route) == 3


def test_open_streams_are_a_gauge(tape: bt.Tape) -> None:
    with serving(tape) as running:
        assert running.metric("mbo_active_connections") == 0
        with raw_connection(running, "/api/mbo/stream/json/60000") as connection:
            read_until(connection, b"data: ")
            assert running.metric("mbo_active_connections") == 1


def test_bytes_sent_are_counted(running: Running, tape: bt.Tape) -> None:
    before = running.metric("mbo_stream_sent_bytes_total")
    body = running.stream(f"/api/v1/tapes/{tape.id}/stream")
    assert running.metric("mbo_stream_sent_bytes_total") - before == len(body)


def test_the_cores_counters_are_there() -> None:
    flawed = bt.synthesize(messages=20_000, seed=9, anomalies={"unknown_cancel": 3, "zero_size": 2})
    with serving(flawed) as running:
        names = {"unknown_cancel": 3, "zero_size": 2}
        before = {kind: running.metric("mbo_messages_errors_total", kind=kind) for kind in names}
        applied = running.metric("mbo_messages_processed_total")
        updates = running.metric("mbo_order_book_updates_total", action="add")
        running.get(f"/api/v1/tapes/{flawed.id}/audit")
        assert running.metric("mbo_messages_processed_total") - applied == 20_000
        for kind, count in names.items():
            assert running.metric("mbo_messages_errors_total", kind=kind) - before[kind] == count
        assert running.metric("mbo_order_book_updates_total", action="add") > updates
        seconds = running.metric("mbo_order_book_apply_duration_seconds_sum")
        records = running.metric("mbo_order_book_apply_duration_seconds_count")
        assert 0 < seconds / records < 1e-3


def test_what_is_loaded_and_which_version(running: Running, tape: bt.Tape) -> None:
    assert running.metric("mbo_tape_records", tape=tape.id) == len(tape)
    assert running.metric("mbo_build_info", version=bt.__version__, revision="unknown") == 1
    assert running.metric("mbo_ready") == 1
    assert running.metric("process_resident_memory_bytes") > 0


DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"
CONTRACT = {
    "mbo_messages_processed_total",
    "mbo_messages_errors_total",
    "mbo_order_book_updates_total",
    "mbo_order_book_depth",
    "mbo_order_book_apply_duration_seconds",
    "mbo_active_connections",
    "mbo_http_requests_total",
    "mbo_http_request_duration_seconds",
    "mbo_db_operations_total",
    "mbo_db_operation_duration_seconds",
}
"""The names that dashboards rely on."""


@pytest.fixture(scope="module")
def exposed(running: Running) -> dict[str, str]:
    """Types of the metrics by name, as Prometheus reads them."""
    with running.client() as client:
        text = client.get("/metrics").text
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    assert list(text_string_to_metric_families(text))
    return types


def test_every_metric_of_the_contract_is_exposed(exposed: dict[str, str]) -> None:
    assert set(exposed) >= CONTRACT
    assert all(
        name.endswith("_total") == (kind == "counter") for name, kind in exposed.items() if name.startswith("mbo")
    )


def test_the_documents_table_is_of_the_metrics_there_are(exposed: dict[str, str]) -> None:
    table = re.findall(r"^\| `(mbo_\w+)(?:\{[\w,]+\})?` \| (\w+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert dict(table) == {name: kind for name, kind in exposed.items() if name.startswith("mbo")}


def test_the_revision_of_the_build_is_told() -> None:
    with serving(settings=Settings(revision="abc1234")) as running:
        assert running.metric("mbo_build_info", version=bt.__version__, revision="abc1234") == 1


def test_depth_is_that_of_all_books_at_the_end_of_their_tapes(two_instruments: bt.Tape, tape: bt.Tape) -> None:
    clock = VirtualClock()
    with serving(tape, two_instruments, clock=clock) as running:
        while not all(loaded.indexed for loaded in running.service.deck):
            running.get("/health")
        clock.seconds += SECONDS_BETWEEN  # metrics may have been looked at before
        books = [book for each in (tape, two_instruments) for book in each.market_at(len(each) - 1).books()]
        for side, levels in (("bid", "bids"), ("ask", "asks")):
            expected = sum(len(getattr(book, levels)(view="published")) for book in books)
            assert running.metric("mbo_order_book_depth", side=side) == expected > 0
        assert running.metric("mbo_books") == len(books) == 3
        assert running.metric("mbo_crossed_books") == sum(book.is_crossed for book in books)


def test_a_tape_that_does_not_change_is_looked_at_once(tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    with serving(tape, clock=clock) as running:
        loaded = running.service.deck.first()
        while not loaded.indexed:
            running.get("/health")
        clock.seconds += SECONDS_BETWEEN
        depth = running.metric("mbo_order_book_depth", side="bid")

        async def again() -> None:
            raise AssertionError("it has not changed")

        monkeypatch.setattr(loaded, "books_at_head", again)
        clock.seconds += SECONDS_BETWEEN
        assert running.metric("mbo_order_book_depth", side="bid") == depth > 0


def test_a_tape_that_grows_is_looked_at_again_after_a_while(tape: bt.Tape) -> None:
    clock, longer = VirtualClock(), bt.synthesize(messages=6_000, instruments=2)
    with serving(tape, clock=clock) as running:
        loaded = running.service.deck.first()
        while not loaded.indexed:
            running.get("/health")
        clock.seconds += SECONDS_BETWEEN
        assert running.metric("mbo_books") == 1
        running.loop.call_soon_threadsafe(lambda: loaded.grow(longer, complete=False))
        assert running.metric("mbo_books") == 1
        clock.seconds += SECONDS_BETWEEN
        assert running.metric("mbo_books") == 2


@pytest.mark.parametrize("form", ["json", "full", "dbn"])
def test_the_lag_of_a_stream_is_what_it_may_be_sent_and_was_not(form: str) -> None:
    large = bt.synthesize(messages=50_000, seed=1)
    with serving(large) as running:
        assert running.metric("mbo_stream_lag_records", format=form) == 0
        path = f"/api/v1/tapes/{large.id}/stream?format={form}"
        with raw_connection(running, path, receive_buffer=4_096) as stalled:
            read_until(stalled, b"\r\n\r\n")
            behind = running.metric("mbo_stream_lag_records", format=form)
            assert 0 < behind <= len(large)
        while running.metric("mbo_stream_lag_records", format=form):
            pass  # the service is about to see that the client has gone
        assert running.metric("mbo_active_connections") == 0


def test_parts_of_the_service_put_in_what_they_keep(tape: bt.Tape) -> None:
    with serving(tape) as running:
        assert running.metric("mbo_queue_depth", queue="work") == 0
        probes = running.service.probes
        probes.queues["writer"] = lambda: 3
        probes.ingest[tape.id] = lambda: 0.25
        assert running.metric("mbo_queue_depth", queue="writer") == 3
        assert running.metric("mbo_ingest_lag_seconds", tape=tape.id) == 0.25
