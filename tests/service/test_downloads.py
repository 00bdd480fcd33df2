"""Downloads under bad conditions: clients that go away or dawdle, a service that stops, a file that changes."""

import gc
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.service.running import Running, raw_connection, read_to_end, read_until, serving
from tests.service.test_load import tasks

LAST_CHUNK = b"0\r\n\r\n"
"""What ends a complete response."""


@pytest.fixture(scope="module")
def long() -> bt.Tape:
    """A tape whose export no buffer on the way holds."""
    return bt.synthesize(messages=300_000, instruments=2, seed=9)


@pytest.fixture(scope="module")
def serving_long(long: bt.Tape) -> Iterator[Running]:
    with serving(long) as running:
        yield running


def settle(running: Running) -> None:
    """Waits until no export is open, by asking the server, which has work to do in between."""
    for _ in range(10_000):
        if running.service.exports.open == 0:
            return
        running.get("/health")
    raise AssertionError(f"{running.service.exports.open} exports stay open")


def begun(stack: ExitStack, running: Running, path: str) -> None:
    """A client that takes the beginning, and then nothing."""
    connection = stack.enter_context(raw_connection(running, path, receive_buffer=4_096))
    read_until(connection, b"200 OK")


def test_clients_that_go_away_leave_nothing_behind(serving_long: Running, long: bt.Tape) -> None:
    path = f"/api/v1/tapes/{long.id}"
    routes = [
        f"{path}/export",
        f"{path}/export?parquet=1",
        f"{path}/export?format=csv",
        f"{path}/derive/mbp-10?limit=1000000",
        f"{path}/derive/mbp-10?format=parquet",
        f"{path}/derive/ohlcv-1d",
    ]

    def drop(route: str, *, wait: bool) -> None:
        with raw_connection(serving_long, route) as connection:
            if wait:
                read_until(connection, b"200 OK")

    def state() -> tuple[int, int, int]:
        settle(serving_long)
        gc.collect()
        return tasks(serving_long), threading.active_count(), psutil.Process().num_fds()

    def drop_fifty() -> None:
        for cycle in range(50):
            drop(routes[cycle % len(routes)], wait=bool(cycle % 3))
            settle(serving_long)

    drop_fifty()  # allocators and pools of threads take what they will keep
    before, memory = state(), psutil.Process().memory_info().rss
    drop_fifty()
    after = state()
    assert after[0] == before[0]
    assert after[1] <= before[1] + 2 * (os.cpu_count() or 1), "threads of the pool stay a while for the next work"
    assert after[2] <= before[2] + 2, "the loop's own pipe"
    assert psutil.Process().memory_info().rss - memory < 64 << 20
    assert serving_long.service.exports.open == 0


def test_a_slow_client_gets_all_of_it(serving_long: Running, long: bt.Tape) -> None:
    path = f"/api/v1/tapes/{long.id}/export?format=csv"
    seen = io.BytesIO()
    with raw_connection(serving_long, path, receive_buffer=4_096) as connection, serving_long.client() as other:
        head = read_until(connection, b"\r\n\r\n")
        seen.write(head.split(b"\r\n\r\n", 1)[1])
        for turn in range(10_000_000):
            if turn % 1_000 == 0:  # others are served meanwhile
                assert other.get("/health").status_code == 200
            seen.write(connection.recv(8_192))
            if seen.getbuffer()[-len(LAST_CHUNK) :] == LAST_CHUNK:
                break
    assert unchunked(seen.getvalue()) == b"".join(long.pieces("csv"))


def test_a_client_that_takes_nothing_for_too_long_is_cut_off(long: bt.Tape) -> None:
    path = f"/api/v1/tapes/{long.id}/export?format=csv"
    with (
        serving(long, settings=Settings(slow_client_seconds=0.5)) as running,
        raw_connection(running, path, receive_buffer=4_096) as connection,
    ):
        head = read_until(connection, b"200 OK")
        settle(running)
        assert not (head + read_to_end(connection)).endswith(LAST_CHUNK)
        # What was still on its way to it is a few pieces at most.
        assert running.metric("mbo_sent_bytes_total") < 4 << 20
        assert running.metric("mbo_slow_clients_closed_total") == 1


def unchunked(body: bytes) -> bytes:
    whole, at = bytearray(), 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        if size == 0:
            return bytes(whole)
        whole += body[line + 2 : line + 2 + size]
        at = line + 4 + size


def test_exports_at_once_are_the_same_as_one_after_another(serving_long: Running, long: bt.Tape) -> None:
    path = f"/api/v1/tapes/{long.id}"
    routes = [f"{path}/export", f"{path}/derive/mbp-1?format=dbn", f"{path}/export?format=parquet"]

    def body(route: str) -> bytes:
        with serving_long.client() as client:
            return client.get(route).raise_for_status().content

    alone = [body(route) for route in routes]
    settle(serving_long)
    with ThreadPoolExecutor(3) as clients:
        assert list(clients.map(body, routes)) == alone


def test_others_are_answered_while_exports_are_made(long: bt.Tape) -> None:
    with serving(long) as running, ThreadPoolExecutor(4) as exporters, running.client() as client:

        def export(_: int) -> int:
            with running.client() as own:
                return len(own.get(f"/api/v1/tapes/{long.id}/export?parquet=1").raise_for_status().content)

        making = [exporters.submit(export, number) for number in range(4)]
        answered = 0
        instrument = long.instruments[0].instrument_id
        while not all(export.done() for export in making):
            client.get(f"/api/v1/tapes/{long.id}/book?instrument={instrument}&at=1000").raise_for_status()
            answered += 1
        assert answered > 20
        assert len({export.result() for export in making}) == 1


def test_more_exports_than_fit_are_refused_with_a_time_to_retry(long: bt.Tape) -> None:
    path = f"/api/v1/tapes/{long.id}"
    with serving(long, settings=Settings(max_exports=2)) as running, running.client() as client:
        with ExitStack() as stack:
            begun(stack, running, f"{path}/export")
            begun(stack, running, f"{path}/derive/mbp-10?format=csv")
            for route in ("export", "derive/trades"):
                refused = client.get(f"{path}/{route}")
                assert refused.status_code == 503
                assert int(refused.headers["retry-after"]) > 0
                assert "all 2 exports are taken" in refused.json()["detail"]
            assert client.get(f"{path}/stream?instrument=1&from=300000").status_code == 404, (
                "streams have slots of their own"
            )
            assert client.get(f"{path}/stream?from=300000").status_code == 200
        settle(running)
        assert client.get(f"{path}/derive/trades?limit=1").status_code == 200


def test_a_refused_parameter_gives_its_slot_back(serving_long: Running, long: bt.Tape) -> None:
    with serving_long.client() as client:
        for _ in range(10):
            assert client.get(f"/api/v1/tapes/{long.id}/export?format=xml").status_code == 400
            assert client.get("/api/v1/tapes/nothing/derive/mbp-1").status_code == 404
    settle(serving_long)


@pytest.mark.parametrize(
    "route", ["export", "export?format=dbn", "derive/mbp-10?format=csv", "derive/mbo?limit=300000"]
)
def test_a_service_that_stops_breaks_an_export_off(long: bt.Tape, route: str) -> None:
    path = f"/api/v1/tapes/{long.id}/{route}"
    with serving(long) as running, raw_connection(running, path, receive_buffer=4_096) as connection:
        head = read_until(connection, b"200 OK")
        running.server.should_exit = True
        running.stop()
        assert not (head + read_to_end(connection)).endswith(LAST_CHUNK)
        assert running.service.exports.open == 0


def test_what_breaks_off_is_noticed_by_clients(long: bt.Tape) -> None:
    with serving(long) as running, running.client() as client:
        path = f"/api/v1/tapes/{long.id}/export"
        body = io.BytesIO()

        def stop_after_the_beginning(pieces: Iterator[bytes]) -> None:
            for piece in pieces:
                body.write(piece)
                running.server.should_exit = True

        with client.stream("GET", path) as answer, pytest.raises(httpx.RemoteProtocolError):
            stop_after_the_beginning(answer.iter_raw(4_096))
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(body)


def test_a_file_that_shrinks_breaks_its_export_off_and_nothing_else(long: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "long.dbn"
    long.to_dbn(path)
    tape = bt.open(path, max_in_memory=0)
    os.truncate(path, path.stat().st_size // 2)
    with serving(tape) as running, running.client() as client:
        for route in ("export", "export?format=dbn", "derive/mbo?limit=300000"):
            with pytest.raises(httpx.RemoteProtocolError):
                client.get(f"/api/v1/tapes/{tape.id}/{route}")
        # What is short is complete before it is begun, so that its error is a problem.
        refused = client.get(f"/api/v1/tapes/{tape.id}/derive/mbo?from=299000")
        assert refused.status_code == 500
        assert refused.headers["content-type"] == "application/problem+json"
        assert "long.dbn" in refused.json()["detail"]
        assert len(client.get(f"/api/v1/tapes/{tape.id}/derive/mbo?limit=10").json()) == 10
        settle(running)


MEMORY = """
import http.client, json, logging, sys
import psutil, structlog
import booktape as bt
from tests.service.running import serving

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
tape = bt.synthesize(messages=1_000_000, instruments=2, seed=1)
grown = {}
with serving(tape) as running:
    # What is loaded once and for all is not what is measured.
    running.stream(f"/api/v1/tapes/{tape.id}/derive/mbo", format="parquet", limit=1)
    running.get(f"/api/v1/tapes/{tape.id}/audit")
    for route in ("export?parquet=1", "derive/mbp-10?format=csv", "derive/mbp-1?format=json&limit=1000000"):
        before = peak = psutil.Process().memory_info().rss
        size = 0
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"))
        connection.request("GET", f"/api/v1/tapes/{tape.id}/{route}")
        answer = connection.getresponse()
        while piece := answer.read(1 << 20):
            size += len(piece)
            peak = max(peak, psutil.Process().memory_info().rss)
        connection.close()
        grown[route] = [size, peak - before]
print(json.dumps(grown))
"""


def test_memory_does_not_grow_with_what_is_exported() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == 0, ended.stderr
    grown = json.loads(ended.stdout)
    assert len(grown) == 3
    for route, (size, more) in grown.items():
        assert more < 96 << 20, (route, f"{more:,} bytes more for {size:,} sent")
