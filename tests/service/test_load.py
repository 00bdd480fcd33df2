"""Many clients, slow clients, and clients that go away."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.service.running import Running, raw_connection, read_until, serving


def tasks(running: Running) -> int:
    """Tasks on the server's event loop."""
    counted: list[int] = []
    done = threading.Event()

    def count() -> None:
        counted.append(len(asyncio.all_tasks(running.loop)))
        done.set()

    running.loop.call_soon_threadsafe(count)
    assert done.wait(60)
    return counted[0]


def settle(running: Running) -> None:
    """Waits until no stream is open, by asking the server, which has work to do in between."""
    for _ in range(10_000):
        if running.service.slots.open == 0:
            return
        running.get("/health")
    raise AssertionError(f"{running.service.slots.open} streams stay open")


def test_too_many_streams_are_refused_with_a_time_to_retry(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(max_streams=2)) as running, running.client() as client:
        path = f"/api/v1/tapes/{tape.id}/stream?speed=0.01"
        with raw_connection(running, path) as first, raw_connection(running, path) as second:
            read_until(first, b"200 OK")
            read_until(second, b"200 OK")
            refused = client.get(path)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert "all 2 streams are taken" in refused.json()["detail"]
            assert client.get("/health").status_code == 200
        settle(running)
        assert client.get(f"/api/v1/tapes/{tape.id}/stream").status_code == 200


def test_a_refused_parameter_gives_its_slot_back(tape: bt.Tape) -> None:
    with serving(tape, settings=Settings(max_streams=1)) as running, running.client() as client:
        for _ in range(5):
            assert client.get(f"/api/v1/tapes/{tape.id}/stream?format=xml").status_code == 400
            assert client.get("/api/v1/tapes/nothing/depth").status_code == 404
            settle(running)


@pytest.mark.parametrize("form", ["full", "json", "dbn"])
def test_many_clients_get_the_same_bytes_from_shared_frames(tape: bt.Tape, form: str) -> None:
    def framed(running: Running) -> float:
        return running.metric("mbo_stream_framed_bytes_total")

    with serving(tape) as running:
        path = f"/api/v1/tapes/{tape.id}/stream"
        before = framed(running)
        alone = running.stream(path, format=form)
        once = framed(running) - before
        with ThreadPoolExecutor(20) as clients:
            bodies = list(clients.map(lambda _: running.stream(path, format=form), range(20)))
        assert all(body == alone for body in bodies)
        assert framed(running) - before == once > 0


def test_a_client_that_reads_nothing_costs_bounded_memory() -> None:
    big = bt.synthesize(messages=200_000, seed=3)
    with serving(big, settings=Settings(cache_bytes=2**20)) as running, ExitStack() as stack:
        path = f"/api/v1/tapes/{big.id}/stream?format=full"
        before = psutil.Process().memory_info().rss
        for _ in range(50):
            read_until(stack.enter_context(raw_connection(running, path, receive_buffer=4_096)), b"data: ")
        # Once another client has been served the whole tape, what is held for these has stopped growing.
        running.stream(path)
        grown = psutil.Process().memory_info().rss - before
        stack.close()
        settle(running)
    whole = 200_000 * 400
    assert grown < whole, f"{grown:,} bytes for 50 clients that read nothing, of a stream of about {whole:,}"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux closes such connections by itself")
def test_a_client_that_reads_nothing_for_too_long_is_closed() -> None:
    big = bt.synthesize(messages=100_000, seed=5)
    path = "/api/mbo/stream/json/0"
    with (
        serving(big, settings=Settings(slow_client_seconds=0.5)) as running,
        raw_connection(running, path, receive_buffer=4_096) as stalled,
    ):
        read_until(stalled, b"data: ")
        settle(running)
        assert running.service.slots.open == 0


def test_clients_that_connect_and_drop_leave_nothing_behind(tape: bt.Tape) -> None:
    with serving(tape) as running:
        path = f"/api/v1/tapes/{tape.id}"
        streams = [
            f"{path}/stream",
            f"{path}/stream?speed=0.01",
            f"{path}/depth?speed=1",
            "/api/mbo/stream/json/1000",
        ]
        running.get("/health")
        settle(running)
        idle = tasks(running)
        for cycle in range(1_000):
            with raw_connection(running, streams[cycle % len(streams)]) as connection:
                if cycle % 3:
                    read_until(connection, b"200 OK")
        # A connection dropped at once may still wait to be accepted: its stream opens and closes after the others.
        while tasks(running) > idle:
            running.get("/health")
        settle(running)


def test_a_fast_stream_does_not_hold_up_other_requests() -> None:
    big = bt.synthesize(messages=300_000, seed=4)
    with serving(big) as running, ThreadPoolExecutor(2) as clients:
        path = f"/api/v1/tapes/{big.id}/stream"
        streaming = clients.submit(running.stream, path, format="json")
        answered = 0
        while not streaming.done():
            running.get("/health")
            answered += 1
        assert answered > 1
