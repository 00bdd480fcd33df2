"""What is recorded from booktape's own gateway is what it serves, however often the way there breaks off."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import booktape as bt
from booktape.ingest import Recorder, Subscription, Upstream, open_or_create
from tests.gateway.running import gateway
from tests.ingest.upstream import KEY, records_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[bt.Store]:
    with bt.Store(tmp_path / "data") as store:
        yield store


def _record(store: bt.Store, name: str, port: int, symbols: tuple[str, ...] = ("ALL_SYMBOLS",)) -> bt.Tape:
    tape = open_or_create(store, name, "GLBX.MDP3")
    asks = Subscription("GLBX.MDP3", symbols, start=0)
    recorder = Recorder(tape, asks, Upstream(KEY, "127.0.0.1", port), once=True, patient=True, pause=lambda _: None)
    recorder.run()
    return tape.tape()


@contextmanager
def _breaking(port: int, after: deque[int]) -> Iterator[int]:
    """A way to a port that is reset after so many bytes, once for each number, and gives the port to go there."""
    listener = socket.create_server(("127.0.0.1", 0))

    def carry() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            with near, socket.create_connection(("127.0.0.1", port)) as far:
                back = threading.Thread(target=_copy, args=(near, far), daemon=True)
                back.start()
                if _copy(far, near, after.popleft() if after else None):
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    near.shutdown(socket.SHUT_WR)
                    back.join(10)
                    continue
            back.join(10)

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _copy(source: socket.socket, target: socket.socket, until: int | None = None) -> bool:
    """Copies bytes to the end, or so many; whether it was cut off there."""
    copied = 0
    try:
        while piece := source.recv(16_384):
            copied += len(piece)
            if until is not None and copied > until:
                target.sendall(piece[: len(piece) - (copied - until)])
                return True
            target.sendall(piece)
    except OSError:
        return False
    return False


def test_recorded_served_and_recorded_again_is_the_same(store: bt.Store, clx5: Path) -> None:
    source = bt.open(clx5)
    with gateway(source) as running:
        first = _record(store, "first", running.port)
    with gateway(first) as running:
        second = _record(store, "second", running.port)
    assert records_of(first) == records_of(source)
    assert records_of(second) == records_of(source)
    assert first.symbols == second.symbols == source.symbols
    assert (first.gaps, second.gaps) == ([], [])


def test_a_way_that_breaks_off_leaves_what_is_served(store: bt.Store, clx5: Path) -> None:
    source = bt.open(clx5)
    dice = random.Random(11)
    after = deque(dice.randrange(1_000, 200_000) for _ in range(25))
    with gateway(source) as running, _breaking(running.port, after) as port:
        tape = _record(store, "broken", port)
    assert not after
    assert records_of(tape) == records_of(source)
    assert tape.gaps == []
    assert tape.symbols == source.symbols
