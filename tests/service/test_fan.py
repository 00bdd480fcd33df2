"""Who has everything is sent what comes with others; who cannot be is looked after alone, and misses nothing."""

import re
import socket
from collections.abc import Iterator

import pytest

import booktape as bt
from booktape.service.streams.clock import WallClock
from booktape.settings import Settings
from tests.service.running import Running, raw_connection, read_until, serving
from tests.service.test_replay_streams import Following, change, following, made, rows

LENGTH = 100_000
"""Records: as full events, more bytes than sockets hold."""
START = 10_000
"""Behind the snapshot with which the tape begins: thousands of records that are due at once, not a few at a time."""


@pytest.fixture(scope="module")
def deck() -> Iterator[Running]:
    """A service that waits long for slow clients."""
    with serving(bt.synthesize(messages=LENGTH, seed=3), settings=Settings(slow_client_seconds=60)) as running:
        yield running


def read_on(connection: socket.socket, seen: bytes, end: bytes) -> bytes:
    """The body that a connection has sent by the event that begins with something; `seen` is what was read of it."""
    answer = bytearray(seen)
    while end not in answer[-10_000:] or not answer.endswith(b"\n\n\r\n"):
        answer += connection.recv(1 << 20)
    head, _, rest = bytes(answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    parts, at = [], 0
    while at < len(rest):
        line = rest.index(b"\r\n", at)
        parts.append(rest[line + 2 : (at := line + 2 + int(rest[at:line], 16))])
        at += 2
    return b"".join(parts)


def positions(body: bytes, epoch: int) -> list[int]:
    """The positions that a stream of full events names, in order; without that of the state at its beginning."""
    found = re.findall(rb"^id: %d:(\d+)\ndata: " % epoch, body, re.MULTILINE)
    return [int(position) for position in found]


def test_who_stops_reading_gets_the_rest_later_and_holds_up_nobody(deck: Running) -> None:
    path = made(deck, speed=20)
    change(deck, path, seek=str(START))
    epoch = deck.get(path)["epoch"]
    end = f"id: {epoch}:{LENGTH}\n".encode()
    query = f"{path}/stream?format=full"
    before = deck.metric("mbo_stream_sent_bytes_total")
    with raw_connection(deck, query) as quick, raw_connection(deck, query) as idle:
        seen = [read_until(connection, b"event: state") for connection in (quick, idle)]
        change(deck, path, playing=True)
        whole = read_on(quick, seen[0], end)
        assert deck.metric("mbo_stream_lag_records", format="full") > LENGTH / 4, "what it was sent is on its way"
        late = read_on(idle, seen[1], end)
        assert positions(whole, epoch) == positions(late, epoch) == list(range(START + 1, LENGTH + 1))
        assert deck.metric("mbo_stream_lag_records", format="full") == 0
        assert deck.metric("mbo_stream_sent_bytes_total") - before == pytest.approx(len(whole) + len(late), abs=1_000)


def test_those_who_go_are_sent_nothing_more_and_the_others_everything(deck: Running) -> None:
    path = made(deck, speed=20)
    end = f"id: {deck.get(path)['epoch']}:{LENGTH}\n".encode()
    with following(deck, f"{path}/stream") as reader:
        leaving = [Following(deck, f"{path}/stream") for _ in range(8)]
        for stream in [reader, *leaving]:
            stream.until(b"event: state")
        change(deck, path, playing=True)
        for events, stream in enumerate(leaving, start=3):
            stream.until(b"\n\n", times=events)
            stream.close()
        assert [row[0] for row in rows(reader.through(end))] == list(range(LENGTH))
        assert deck.metric("mbo_active_connections") == 1


class LeapingClock(WallClock):
    """A clock that can be set forward, as if the process had been stopped for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.leapt = 0.0

    def now(self) -> float:
        return super().now() + self.leapt


def test_what_became_due_in_a_long_while_is_not_sent_in_one_go() -> None:
    clock = LeapingClock()
    with serving(bt.synthesize(messages=LENGTH, seed=3), clock=clock) as running:
        path = made(running)
        change(running, path, seek=str(START))
        with following(running, f"{path}/stream") as stream:
            change(running, path, playing=True)
            stream.until(b"\ndata: [[", times=3)
            before, most = 0, 0

            def look() -> None:
                nonlocal before, most
                made = running.service.frames.bytes
                before, most = made, max(most, made - before)
                running.loop.call_soon(look)

            running.loop.call_soon_threadsafe(look)
            clock.leapt = 3_600.0
            body = stream.through(f":{LENGTH}\n".encode())
        assert [row[0] for row in rows(body)] == list(range(START, LENGTH))
        assert 0 < most < len(body) / 4
