"""Clients that leave things half done: nobody else waits for them."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

import booktape as bt
from booktape.service import connection
from booktape.settings import Settings
from tests.service.running import PATIENCE, Running, read_to_end, serving

STREAM = "/api/mbo/stream/json/60000"


@pytest.fixture(scope="module")
def hurried(tape: bt.Tape) -> Iterator[Running]:
    """A service that waits a second for a request's head."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "HEAD_SECONDS", 1.0)
        with serving(tape, settings=Settings(max_body_bytes=1_000)) as running:
            yield running


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    """A connection on which nothing was said yet."""
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        yield client


def test_a_body_that_does_not_come_keeps_nobody_waiting(hurried: Running) -> None:
    with connected(hurried) as client:
        client.sendall(
            b"POST /api/v1/replays HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b'Content-Length: 500\r\n\r\n{"tape": '
        )
        assert hurried.get("/health") == {"status": "ok"}
        client.shutdown(socket.SHUT_WR)
        read_to_end(client)
    route, requests = "/api/v1/replays", "mbo_http_requests_total"
    while not hurried.metric(requests, method="POST", route=route, status="400"):
        assert not hurried.metric(requests, method="POST", route=route, status="500")


def test_a_body_is_refused_by_what_it_says_of_itself(hurried: Running) -> None:
    with connected(hurried) as client:
        client.sendall(
            b"POST /api/v1/replays HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\nConnection: close\r\n\r\n{"
        )
        assert client.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_many_that_say_nothing_keep_nobody_waiting(hurried: Running) -> None:
    with ExitStack() as held:
        silent = [held.enter_context(connected(hurried)) for _ in range(200)]
        for client in silent:
            client.sendall(b"GET /")
        assert hurried.get("/health") == {"status": "ok"}
        for client in silent:
            assert read_to_end(client).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_is_half_gone_is_noticed(hurried: Running) -> None:
    with connected(hurried) as client:
        client.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while b"data: " not in client.recv(65_536):
            pass
        assert hurried.metric("mbo_active_connections") == 1
        client.shutdown(socket.SHUT_WR)
        while hurried.metric("mbo_active_connections"):
            pass  # the service is about to see the end of what the client says
