"""What Prometheus reads."""

import booktape as bt
from tests.service.running import Running, raw_connection, read_until, serving


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
    assert running.metric("mbo_build_info", version=bt.__version__) == 1
    assert running.metric("mbo_ready") == 1
    assert running.metric("process_resident_memory_bytes") > 0
