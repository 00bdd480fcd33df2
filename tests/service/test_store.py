"""The store over HTTP: how far it is, and pages of messages."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import booktape as bt
from tests.service.running import PATIENCE, Running, serving


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bt.Store]:
    with bt.Store(tmp_path_factory.mktemp("store"), background=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def stored(store: bt.Store, tape: bt.Tape, two_instruments: bt.Tape) -> Iterator[Running]:
    """A service that has stored all of its tapes."""
    with serving(tape, two_instruments, store=store) as server:
        assert store.flush(PATIENCE)
        yield server


def pages(running: Running, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = running.get("/api/v1/store/messages", **filters, **after)
        found += page["messages"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_how_far_each_tape_is_and_nothing_of_the_servers_paths(
    stored: Running, store: bt.Store, tape: bt.Tape, two_instruments: bt.Tape
) -> None:
    state = stored.get("/api/v1/store")
    assert (state["schema_version"], state["indexed"], state["error"]) == (1, True, None)
    assert state["rows"] == len(tape) + len(two_instruments)
    told = {one["id"]: (one["high_water_mark"], one["records"], one["lag"]) for one in state["tapes"]}
    assert told == {one.id: (len(one), len(one), 0) for one in (tape, two_instruments)}
    assert store.folder not in str(state)


def test_messages_are_the_records_of_the_tapes(stored: Running, two_instruments: bt.Tape) -> None:
    found = pages(stored, tape=two_instruments.id, limit=1_000)
    ours = [record for start in range(0, 5_000, 1_000) for record in two_instruments.records(start, 1_000)]
    assert found == [record | {"tape": two_instruments.id} for record in ours]


def test_filters_and_times(stored: Running, two_instruments: bt.Tape) -> None:
    records = two_instruments.to_numpy()
    meant, middle = two_instruments.instruments[0], int(records["ts_recv"][2_500])
    mine = records["instrument_id"] == meant.instrument_id
    query = {"tape": two_instruments.id, "instrument": meant.symbol, "publisher": meant.publisher, "limit": 1_000}
    before, after = pages(stored, **query, to=f"ns:{middle}"), pages(stored, **query, start=f"ns:{middle}")
    assert [len(before), len(after)] == [
        int((mine & (records["ts_recv"] < middle)).sum()),
        int((mine & (records["ts_recv"] >= middle)).sum()),
    ]
    order_id = before[-1]["order_id"]
    lives = pages(stored, order_id=order_id, tape=two_instruments.id)
    assert len(lives) == int((records["order_id"] == int(order_id)).sum())


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("limit=0", 400, "limit = '0'"),
        ("limit=1001", 400, "limit = '1001'"),
        ("order_id=abc", 400, "order_id"),
        ("order_id=18446744073709551616", 400, "order_id"),
        ("from=5", 400, "an index belongs to one tape"),
        ("to=yesterday", 400, "to = 'yesterday'"),
        ("after=x", 400, "after = x"),
        ("instrument=NONE", 404, 'instrument "NONE" is not in the store'),
        ("publisher=NONE", 404, 'publisher "NONE"'),
        ("tape=none", 404, "no tape none in the store"),
        ("instrument=99999999999", 400, "instrument"),
        ("offset=5", 400, "no such parameter here"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_that_says_so(stored: Running, query: str, status: int, said: str) -> None:
    with stored.client() as client:
        answer = client.get(f"/api/v1/store/messages?{query}")
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_a_service_without_a_store_says_so(running: Running) -> None:
    with running.client() as client:
        for path in ("/api/v1/store", "/api/v1/store/messages"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "keeps no store" in answer.json()["detail"]


def test_a_store_that_cannot_answer_is_503_without_paths(tmp_path: Path, tape: bt.Tape) -> None:
    store = bt.Store(tmp_path)
    with serving(tape, store=store) as server:
        store.close()
        with server.client() as client:
            answer = client.get("/api/v1/store")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["detail"] == "the store is closed"


def test_what_the_store_does_is_in_the_metrics(stored: Running, tape: bt.Tape) -> None:
    stored.get("/api/v1/store/messages")
    assert stored.metric("mbo_db_operations_total", operation="insert") >= 2
    assert stored.metric("mbo_db_operations_total", operation="query") >= 1
    assert stored.metric("mbo_db_operation_duration_seconds_count", operation="insert") >= 2
    assert stored.metric("mbo_db_operation_duration_seconds_sum", operation="insert") > 0
    assert stored.metric("mbo_db_rows_total") == 10_000
    assert stored.metric("mbo_db_lag_records", tape=tape.id) == 0
    assert stored.metric("mbo_db_error") == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads have priorities of their own on Linux alone")
def test_rows_are_written_only_where_nobody_else_would_run(stored: Running) -> None:
    assert stored.get("/api/v1/store")["indexed"]
    threads = {int(path.parent.name): path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    writers = [thread for thread, name in threads.items() if name == "booktape-store"]
    assert writers
    assert {os.sched_getscheduler(writer) for writer in writers} == {os.SCHED_IDLE}
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
