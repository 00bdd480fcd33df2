"""Databento's own client after its connection was cut, or its session ended: it comes again and misses nothing."""

import asyncio
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import databento
import pytest
from databento_dbn import Compression, ErrorMsg

import booktape as bt
from tests.gateway.running import PATIENCE, Received, Running, mbo

SOME = 100_000
"""Bytes: a part of the tape."""
RECORDS = 1_000
"""Records: a part of these bytes, however they are sent."""
_RESET = struct.pack("ii", 1, 0)


class Between:
    """Stands between clients and a gateway, on its loop, and cuts the first connection when it is told to."""

    def __init__(self, running: Running, passes: float) -> None:
        self.port = 0
        self.asked_again = threading.Event()
        """Set when a second connection has brought a subscription."""
        self._gateway = running
        self._passes = passes
        self._cut = asyncio.Event()
        self._connections = 0

    def cut(self) -> None:
        """Resets the first connection, as a network does."""
        self._gateway.loop.call_soon_threadsafe(self._cut.set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its beginning to its end."""
        self._connections += 1
        is_first = self._connections == 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._gateway.port)
        passing = [
            asyncio.create_task(_pass(reader, up_writer, seen=None if is_first else self._look)),
            asyncio.create_task(_pass(up_reader, writer, self._passes if is_first else math.inf)),
        ]
        if is_first:
            await self._cut.wait()
            for task in passing:
                task.cancel()
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        await asyncio.gather(*passing, return_exceptions=True)
        writer.close()
        up_writer.close()

    def _look(self, chunk: bytes) -> None:
        if b"schema=" in chunk:
            self.asked_again.set()


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    most: float = math.inf,
    seen: Callable[[bytes], None] | None = None,
) -> None:
    """Passes bytes on, and their end unless there would be more."""
    while chunk := await reader.read(int(min(2**16, most))):
        most -= len(chunk)
        writer.write(chunk)
        await writer.drain()
        if seen is not None:
            seen(chunk)
    if most:
        writer.write_eof()


@contextmanager
def between(running: Running, passes: float = math.inf) -> Iterator[Between]:
    """Something to connect to in the gateway's place, of whose first connection so many bytes come through."""
    made = Between(running, passes)
    starting = asyncio.start_server(made.serve, "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(starting, running.loop).result(PATIENCE)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        running.call(server.close)


def _cutting(network: Between, got: Received) -> Callable[[Any], None]:
    """A callback that keeps records, and has the connection cut behind some of them."""

    def take(record: Any) -> None:
        got.records.append(record)
        if len(got.records) == RECORDS:
            network.cut()

    return take


@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD], ids=str)
def test_a_client_that_is_cut_comes_again_by_itself(
    running: Running, four_instruments: bt.Tape, compression: Compression
) -> None:
    tape = four_instruments.to_numpy().tobytes()
    gaps: list[tuple[Any, Any]] = []
    got = Received()
    with between(running, SOME) as network:
        client = databento.Live(
            key="k" * 32, gateway="127.0.0.1", port=network.port, reconnect_policy="reconnect", compression=compression
        )
        client.add_reconnect_callback(lambda start, end: gaps.append((start, end)))
        client.add_callback(_cutting(network, got))
        client.subscribe(**mbo(four_instruments))
        client.start()
        client.block_for_close(PATIENCE)
    assert got.bytes.endswith(tape)
    before = got.bytes.removesuffix(tape)
    assert before
    assert tape.startswith(before)
    (gap,) = gaps
    assert gap[0].value == got.data[len(before) // 56 - 1].ts_event
    assert got.said.count("Subscription request 0 for mbo data succeeded") == 2


def test_one_that_does_not_come_again_can_tell_that_it_was_cut(running: Running, four_instruments: bt.Tape) -> None:
    got = Received()
    with between(running, SOME) as network:
        client = databento.Live(key="k" * 32, gateway="127.0.0.1", port=network.port)
        client.add_callback(_cutting(network, got))
        client.subscribe(**mbo(four_instruments))
        client.start()
        with pytest.raises(databento.BentoError, match="reset by peer"):
            client.block_for_close(PATIENCE)
    assert four_instruments.to_numpy().tobytes().startswith(got.bytes)


# The client's own, up to 0.87.
@pytest.mark.filterwarnings("ignore:Timestamp.utcnow is deprecated")
def test_one_that_is_cut_before_it_starts_subscribes_again(running: Running, four_instruments: bt.Tape) -> None:
    got = Received()
    with between(running) as network:
        client = databento.Live(key="k" * 32, gateway="127.0.0.1", port=network.port, reconnect_policy="reconnect")
        client.add_callback(got.records.append)
        client.subscribe(**mbo(four_instruments))
        network.cut()
        assert network.asked_again.wait(PATIENCE)
        client.start()
        client.block_for_close(PATIENCE)
    assert got.bytes == four_instruments.to_numpy().tobytes()


def test_one_client_has_several_sessions(running: Running, four_instruments: bt.Tape) -> None:
    client = running.live()
    sessions = set()
    for _ in range(3):
        client.subscribe(**mbo(four_instruments))
        sessions.add(client.session_id)
        got = Received(list(client))
        assert got.bytes == four_instruments.to_numpy().tobytes()
        assert got.of(ErrorMsg) == []
    assert len(sessions) == 3
