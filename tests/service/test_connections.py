"""Clients that take nothing, ask nothing, or never stop asking: each costs little, and only itself."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

import booktape as bt
from booktape.service import connection
from booktape.settings import Settings
from tests.service.running import PATIENCE, Running, raw_connection, read_to_end, read_until, serving


@pytest.fixture(scope="module")
def impatient() -> Iterator[Running]:
    """A service that gives a client half a second to take something."""
    with serving(bt.synthesize(messages=100_000, seed=5), settings=Settings(slow_client_seconds=0.5)) as running:
        yield running


def open_socket(running: Running) -> socket.socket:
    host, port = running.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def records(body: bytes) -> list[int]:
    chunks = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", body)
    return [row[0] for data in re.findall(rb"^data: (\[\[.*\]\])$", chunks, re.MULTILINE) for row in json.loads(data)]


def test_a_client_that_is_too_slow_is_told_where_to_resume(impatient: Running) -> None:
    tape = impatient.get("/api/v1/tapes")[0]["id"]
    before = impatient.metric("mbo_slow_clients_closed_total")
    path = f"/api/v1/tapes/{tape}/stream"
    with raw_connection(impatient, path, receive_buffer=4_096) as slow:
        seen = read_until(slow, b"data: ")
        while impatient.metric("mbo_slow_clients_closed_total") == before:
            impatient.get("/health")
        seen += read_to_end(slow)
    assert seen.endswith(b"0\r\n\r\n"), "it ended in good order"
    (bye,) = re.findall(rb"id: (\d+)\nevent: bye\ndata: (\S+)\n\n", seen)
    assert json.loads(bye[1]) == {"index": int(bye[0]), "reason": "slow"}
    rest = impatient.stream(path, last_event_id=int(bye[0]))
    assert records(seen.partition(b"\r\n\r\n")[2]) + records(rest) == list(range(100_000))


def test_a_slow_client_of_raw_records_is_cut_off(impatient: Running) -> None:
    tape = impatient.get("/api/v1/tapes")[0]["id"]
    with raw_connection(impatient, f"/api/v1/tapes/{tape}/stream?format=dbn", receive_buffer=4_096) as slow:
        read_until(slow, b"DBN")
        while impatient.service.slots.open:
            impatient.get("/health")
        assert not read_to_end(slow).endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_request_that_does_not_come_is_not_waited_for(
    tape: bt.Tape, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    with serving(tape) as running, open_socket(running) as client:
        client.sendall(sent)
        assert read_to_end(client).startswith(b"HTTP/1.1 408")


def test_one_that_dribbles_is_closed_all_the_same(tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    with serving(tape) as running, open_socket(running) as client:
        client.settimeout(0.01)
        answer = b""
        client.sendall(b"GET /health HTTP/1.1\r\n")
        while not answer:
            try:
                client.sendall(b"X-More: y\r\n")
                answer = client.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408")


def test_a_second_request_on_a_connection_is_bounded_too(tape: bt.Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tape) as running, open_socket(running) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_until(client, b'{"status":"ok"}')
        monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
        client.sendall(b"GET /hea")
        assert read_to_end(client).startswith(b"HTTP/1.1 408")


def test_headers_without_end_are_refused(running: Running) -> None:
    with open_socket(running) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n")
        answer = b""
        line = b"X-Header: " + b"y" * 1_000 + b"\r\n"
        try:
            for _ in range(1_000):
                client.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            answer = read_to_end(client)
        assert answer.startswith(b"HTTP/1.1 431") or not answer
    assert running.get("/health") == {"status": "ok"}


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_refused(running: Running, garbage: bytes) -> None:
    with open_socket(running) as client:
        client.sendall(garbage)
        assert read_to_end(client).startswith(b"HTTP/1.1 4")


def test_who_goes_while_another_request_waits_is_noticed(tape: bt.Tape, caplog: pytest.LogCaptureFixture) -> None:
    with serving(tape) as running:
        replay = running.get("/api/v1/replays")[0]["id"]
        with raw_connection(running, f"/api/v1/replays/{replay}/stream") as connected:
            connected.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            read_until(connected, b"event: state")
        while running.service.slots.open:
            running.get("/health")
    assert not caplog.records


@pytest.mark.parametrize("sent", [b"GET /health HTTP/1.1\r\nX: " + b"x" * 70_000, b"no request\r\n\r\n"])
def test_nothing_is_written_into_an_answer(impatient: Running, sent: bytes) -> None:
    tape = impatient.get("/api/v1/tapes")[0]["id"]
    with raw_connection(impatient, f"/api/v1/tapes/{tape}/depth?instrument=ESH6&from=50000&speed=0.01") as connected:
        read_until(connected, b"data: ")
        connected.sendall(sent)
        assert b"HTTP/1.1" not in read_to_end(connected)


def test_many_requests_at_once_are_all_answered(impatient: Running) -> None:
    many, request = 5_000, b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
    with open_socket(impatient) as connected:
        connected.sendall((request + b"\r\n") * many + request + b"Connection: close\r\n\r\n")
        assert read_to_end(connected).count(b"HTTP/1.1 200 OK") == many + 1
