"""A real gateway on a free port, in a thread of this process, and Databento's own client for it."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import databento
import uvicorn
from databento_dbn import Compression, DBNDecoder, ErrorMsg, Metadata, SymbolMappingMsg, SystemMsg

import booktape as bt
from booktape.gateway import GatewayOptions
from booktape.gateway.run import gateway_on
from booktape.service.app import Service
from booktape.service.server import listen
from booktape.service.streams.clock import Clock, WallClock
from booktape.settings import Settings

PATIENCE = 60
"""Seconds after which a test that waits for an event gives up."""
KEY = "db-0123456789abcdefghijklmnopqrs"
"""Made up."""
AT_MAX = GatewayOptions(speed=None)
OWN_RECORDS = (SystemMsg, ErrorMsg, SymbolMappingMsg)


@dataclass
class Running:
    """A gateway that answers."""

    port: int
    service: Service
    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Event
    thread: threading.Thread

    def live(self, **options: Any) -> databento.Live:
        """The official client."""
        return databento.Live(key=options.pop("key", KEY), gateway="127.0.0.1", port=self.port, **options)

    def stop(self) -> None:
        """Stops as a signal would."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def call(self, work: Callable[[], Any]) -> Any:
        """Does something on the gateway's loop."""

        async def done() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(PATIENCE)

    def figure(self, name: str) -> float:
        """A figure of the metrics."""
        value = self.service.registry.get_sample_value(name)
        assert value is not None, name
        return value


@contextmanager
def gateway(
    *tapes: bt.Tape | bt.LiveTape,
    options: GatewayOptions = AT_MAX,
    settings: Settings | None = None,
    clock: Clock | None = None,
) -> Iterator[Running]:
    """Serves tapes to clients of the live protocol until the block ends."""
    settings = settings or Settings()
    listener = listen("127.0.0.1", 0, slow_client_seconds=settings.slow_client_seconds)
    beside = [gateway_on(listener, settings, options)]
    service = Service(tapes, settings, clock or WallClock(), loops=False, beside=beside)
    made: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def serve() -> None:
        stopped = asyncio.Event()
        async with service.running():
            await service.lifecycle.loaded.wait()
            made.append((asyncio.get_running_loop(), stopped))
            ready.set()
            await stopped.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=uvicorn.Config(lambda: None, log_config=None).get_loop_factory()) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(PATIENCE)
    running = Running(listener.getsockname()[1], service, *made[0], thread)
    try:
        yield running
    finally:
        running.stop()
        listener.close()


@dataclass
class Received:
    """What a session brought."""

    records: list[Any] = field(default_factory=list)

    @property
    def data(self) -> list[Any]:
        """Market data."""
        return [record for record in self.records if not isinstance(record, (*OWN_RECORDS, Metadata))]

    @property
    def bytes(self) -> bytes:
        """Market data as bytes."""
        return b"".join(map(bytes, self.data))

    def of(self, *kinds: type) -> list[Any]:
        """Records of some types."""
        return [record for record in self.records if isinstance(record, kinds)]

    @property
    def said(self) -> list[str]:
        """What the gateway said."""
        return [record.msg if isinstance(record, SystemMsg) else record.err for record in self.of(SystemMsg, ErrorMsg)]


def received(client: databento.Live, *subscriptions: dict[str, Any]) -> Received:
    """All that a session brings with callbacks, until the gateway closes it; errors it told are not raised here."""
    got = Received()
    client.add_callback(got.records.append)
    for subscription in subscriptions:
        client.subscribe(**subscription)
    client.start()
    try:
        client.block_for_close(PATIENCE)
    except databento.BentoError:
        assert got.of(ErrorMsg), "closed with an error that the gateway has not told"
    return got


def mbo(tape: bt.Tape, symbols: Any = "ALL_SYMBOLS", **more: Any) -> dict[str, Any]:
    """A subscription."""
    return {"dataset": tape.dataset, "schema": "mbo", "symbols": symbols} | more


class Raw:
    """A client of our own, for what the official one would never say."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self._seen = b""
        self._decoder: DBNDecoder | None = None
        self._received = Received()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def line(self) -> str:
        """The next line of text."""
        while b"\n" not in self._seen:
            chunk = self.socket.recv(4_096)
            assert chunk, f"closed after {self._seen!r}"
            self._seen += chunk
        line, _, self._seen = self._seen.partition(b"\n")
        return line.decode()

    def send(self, text: str | bytes) -> None:
        """Says something."""
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def authenticate(self, dataset: str, key: str = KEY, more: str = "") -> str:
        """Answers the challenge; what the gateway says to that."""
        assert self.line().startswith("lsg_version=")
        challenge = self.line().removeprefix("cram=")
        digest = hashlib.sha256(f"{challenge}|{key}".encode()).hexdigest()
        self.send(f"auth={digest}-{key[-5:]}|dataset={dataset}|encoding=dbn{more}\n")
        return self.line()

    def rest(self) -> bytes:
        """Everything until the gateway closes."""
        while chunk := self.socket.recv(2**20):
            self._seen += chunk
        return self._seen

    def until(self, wanted: Callable[[Received], object]) -> Received:
        """Reads records until it has something."""
        if self._decoder is None:
            self._decoder = DBNDecoder()
            self._decoder.write(self._seen)
        while not wanted(self._received):
            chunk = self.socket.recv(2**16)
            assert chunk, f"closed after {self._received.said}"
            self._decoder.write(chunk)
            self._received.records += self._decoder.decode()
        return self._received

    def records(self) -> Received:
        """The same, decoded."""
        decoder = DBNDecoder()
        decoder.write(self.rest())
        return Received(decoder.decode())


def strip_ts_out(data: Sequence[bytes]) -> bytes:
    """Records as they were before ts_out was appended."""
    return b"".join(bytes([record[0] - 2]) + record[1:-8] for record in data)


ZSTD = Compression.ZSTD
