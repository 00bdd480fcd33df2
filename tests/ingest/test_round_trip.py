"""What is recorded from booktape's own gateway is what it serves, however often the way there breaks off."""

from __future__ import annotations

import asyncio
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

    async def carry(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, on = await asyncio.open_connection("127.0.0.1", port)
        asking = asyncio.create_task(_copy(near, on))
        if await _copy(far, back, after.popleft() if after else None):
            linger = struct.pack("ii", 1, 0)  # closing resets
            back.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        asking.cancel()
        back.close()
        on.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(carry, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, until: int | None = None) -> bool:
    """Copies bytes to the end, or so many; whether it was cut off there."""
    copied = 0
    while piece := await source.read(16_384):
        copied += len(piece)
        is_cut = until is not None and copied > until
        target.write(piece[: len(piece) - (copied - (until or 0))] if is_cut else piece)
        await target.drain()
        if is_cut:
            return True
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
    after = deque(dice.randrange(1_000, 120_000) for _ in range(25))
    with gateway(source) as running, _breaking(running.port, after) as port:
        tape = _record(store, "broken", port)
    assert not after
    assert records_of(tape) == records_of(source)
    assert tape.gaps == []
    assert tape.symbols == source.symbols
