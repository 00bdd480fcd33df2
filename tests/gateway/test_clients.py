"""Databento's own client, unmodified, in each of its four ways: every record is what the file has, byte for byte."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import databento
import pytest
from databento_dbn import Compression, DBNDecoder

import booktape as bt
from tests.gateway.running import PATIENCE, Received, Running, gateway, mbo, received, strip_ts_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module", params=["synthetic", "clx5", "esm4"])
def source(request: pytest.FixtureRequest) -> bt.Tape:
    if request.param == "synthetic":
        return bt.synthesize(messages=20_000, instruments=4, seed=3)
    path: Path = request.getfixturevalue(request.param)
    return bt.open(path)


@pytest.fixture(scope="module")
def running(source: bt.Tape) -> Iterator[Running]:
    with gateway(source) as running:
        yield running


def _iterated(client: databento.Live, subscription: dict[str, Any]) -> Received:
    client.subscribe(**subscription)
    return Received(list(client))


def _iterated_async(client: databento.Live, subscription: dict[str, Any]) -> Received:
    async def all_of() -> list[Any]:
        client.subscribe(**subscription)
        return [record async for record in client]

    return Received(asyncio.run(all_of()))


class _Stream:
    """A stream of a user's own, as the client documents it."""

    closed = False

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        pass


def _streamed(client: databento.Live, subscription: dict[str, Any]) -> Received:
    stream = _Stream()
    client.add_stream(stream)  # type: ignore[arg-type]
    client.subscribe(**subscription)
    client.start()
    client.block_for_close(PATIENCE)
    decoder = DBNDecoder()
    decoder.write(stream.data)
    return Received(decoder.decode())


WAYS = {"callback": received, "iterator": _iterated, "async iterator": _iterated_async, "stream": _streamed}


@pytest.mark.parametrize("ts_out", [False, True], ids=["plain", "ts_out"])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.ZSTD], ids=str)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_all_records_arrive_as_the_file_has_them(
    running: Running,
    source: bt.Tape,
    way: Callable[[databento.Live, dict[str, Any]], Received],
    compression: Compression,
    ts_out: bool,
) -> None:
    got = way(running.live(compression=compression, ts_out=ts_out), mbo(source))
    records = [bytes(record) for record in got.data]
    data = strip_ts_out(records) if ts_out else b"".join(records)
    assert data == source.to_numpy().tobytes()
    if ts_out:
        assert all(record.ts_out > 1_700_000_000_000_000_000 for record in got.data[:: len(got.data) // 10])
