"""A real server on a free port, in a thread of this process, and clients for it."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

import booktape as bt
from booktape.service.app import Companion, Service
from booktape.service.server import Server, listen, url_of
from booktape.service.streams.clock import Clock, WallClock
from booktape.settings import Settings

PATIENCE = 60
"""Seconds after which a test that waits for an event gives up."""


class VirtualClock:
    """A clock on which waiting takes no time: a sleeper finds that its time has come."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:  # noqa: ARG002
        self.seconds += max(0.0, seconds)
        await asyncio.sleep(0)

    def close(self) -> None:
        pass


@dataclass
class Running:
    """A server that answers."""

    url: str
    service: Service
    server: Server
    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    ready: threading.Event

    def wait(self) -> None:
        """Waits until everything is loaded."""
        assert self.ready.wait(PATIENCE)

    def client(self) -> httpx.Client:
        # Certificates are of no use here, and reading them costs more than most tests.
        return httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON of a 200."""
        return self._answer(path, parameters).json()

    def stream(self, path: str, *, last_event_id: int | None = None, **parameters: Any) -> bytes:
        """A stream to its end."""
        headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
        return self._answer(path, parameters, headers).content

    def _answer(self, path: str, parameters: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        """A 200; the parameter `from` is called `start` here, since Python keeps its name for itself."""
        query = {"from" if name == "start" else name: value for name, value in parameters.items()}
        with self.client() as client:
            answer = client.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer

    def metric(self, name: str, **labels: str) -> float:
        """A sample of `/metrics`; 0 where there is none yet."""
        with self.client() as client:
            text = client.get("/metrics").text
        samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
        return next((sample.value for sample in samples if sample.name == name and sample.labels == labels), 0.0)

    def grows_to(self, records: int) -> None:
        """Waits for so many records on the first tape."""
        reached = threading.Event()

        def look() -> None:
            tape = next(iter(self.service.deck), None)
            if tape is not None and len(tape) >= records:
                reached.set()
            else:
                self.loop.call_later(0.02, look)

        self.loop.call_soon_threadsafe(look)
        assert reached.wait(PATIENCE)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def serving(
    *tapes: bt.Tape | Iterator[bt.Tape],
    settings: Settings | None = None,
    clock: Clock | None = None,
    wait: bool = True,
    store: bt.Store | None = None,
    beside: Sequence[Companion] = (),
) -> Iterator[Running]:
    """Serves tapes, or one iterator of them, until the block ends; `wait` until they are loaded."""
    settings = settings or Settings(heartbeat_seconds=15)
    listener = listen("127.0.0.1", 0, slow_client_seconds=settings.slow_client_seconds)
    source = tapes[0] if tapes and not isinstance(tapes[0], bt.Tape) else tapes
    service = Service(source, settings, clock or WallClock(), store=store, beside=beside)  # type: ignore[arg-type]
    ready = threading.Event()
    server = Server(service, ready.set)
    loop = (server.config.get_loop_factory() or asyncio.new_event_loop)()
    thread = threading.Thread(target=_run, args=(loop, server, listener))
    running = Running(url_of(listener), service, server, thread, loop, ready)
    thread.start()
    try:
        if wait:
            running.wait()
        yield running
    finally:
        running.stop()


def _run(loop: asyncio.AbstractEventLoop, server: Server, listener: socket.socket) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listener]))


@dataclass(frozen=True)
class Event:
    """A server-sent event."""

    id: int | None
    name: str
    data: Any


def events(body: bytes) -> list[Event]:
    """The events of a whole stream; comments are left out."""
    found = []
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append(Event(number, fields.get("event", "message"), json.loads(fields["data"])))
    return found


def ends_well(body: bytes) -> bool:
    return body.endswith(b": stream_end\n\n")


@contextmanager
def raw_connection(running: Running, path: str, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection that has asked for a path and has read nothing yet."""
    host, port = running.url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((host, int(port)))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        yield connection


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    """What a connection sends, up to something wanted."""
    seen = b""
    while wanted not in seen:
        chunk = connection.recv(65_536)
        assert chunk, seen[-500:]
        seen += chunk
    return seen


def read_to_end(connection: socket.socket) -> bytes:
    """What a connection sends until the server closes it, in good order or not."""
    seen = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65_536):
            seen += chunk
    return seen


def cuts(total: int, among: Sequence[int]) -> list[int]:
    """Positions to resume at: the ends, round ones, and some that no frame begins at."""
    return sorted({position for position in (0, *among, total - 1, total) if 0 <= position <= total})
