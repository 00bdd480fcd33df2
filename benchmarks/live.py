"""How fast the live gateway is: `python -m benchmarks.live [FILE] [--clients 1 8 50]`.

One official client with `add_stream` takes a session of the gateway and the same bytes from a bare socket server that
has them in memory, in turns: the rest of the time is the client's own. Then raw readers, all in one thread, take what
they can from the gateway together, their handshakes included. Everything is on one machine, so all of them share its
cores; seconds are to the last byte, with the official client from the first record on.
"""

import argparse
import hashlib
import json
import multiprocessing
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import databento

import booktape as bt

KEY = "k" * 32
PIECE = 256 * 1024
RECORD_BYTES = 56
WANTED = b"schema=mbo|stype_in=raw_symbol|symbols=ALL_SYMBOLS\nstart_session\n"


class Taken(NamedTuple):
    """What one client was sent."""

    size: int
    start: float
    end: float


class Counting:
    """A stream that counts what is written to it, from the first record on."""

    closed = False

    def __init__(self) -> None:
        self.size = 0
        self.start = 0.0
        self._has_metadata = False

    def write(self, data: bytes) -> int:
        """Takes some bytes."""
        if not self._has_metadata:
            self._has_metadata = True
            return len(data)
        if not self.size:
            self.start = time.monotonic()
        self.size += len(data)
        return len(data)

    def writable(self) -> bool:
        """As files have it."""
        return True

    def flush(self) -> None:
        """As files have it."""


def official(port: int, dataset: str) -> Taken:
    """A session of Databento's own client, with `add_stream`."""
    stream = Counting()
    client = databento.Live(key=KEY, gateway="127.0.0.1", port=port)
    client.add_stream(stream)  # type: ignore[arg-type]
    client.subscribe(dataset=dataset, schema="mbo", symbols="ALL_SYMBOLS")
    client.start()
    client.block_for_close()
    return Taken(stream.size, stream.start, time.monotonic())


def opened(port: int, dataset: str) -> socket.socket:
    """A connection that was let in and has said what it wants."""
    connection = socket.create_connection(("127.0.0.1", port))
    lines = connection.makefile("rb")
    lines.readline()
    challenge = lines.readline().decode().strip().removeprefix("cram=")
    digest = hashlib.sha256(f"{challenge}|{KEY}".encode()).hexdigest()
    connection.sendall(f"auth={digest}-{KEY[-5:]}|dataset={dataset}|encoding=dbn\n".encode())
    if not (said := lines.readline()).startswith(b"success=1"):
        raise SystemExit(f"not let in: {said.decode()}")
    connection.sendall(WANTED)
    return connection


def readers(port: int, dataset: str, clients: int) -> float:
    """Bytes a second that many raw readers take together: one thread takes whatever is there for any of them."""
    buffer = bytearray(1 << 20)
    start = time.monotonic()
    sizes = dict.fromkeys((opened(port, dataset) for _ in range(clients)), 0)
    with selectors.DefaultSelector() as waiting:
        for connection in sizes:
            waiting.register(connection, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select():
                connection = cast("socket.socket", key.fileobj)
                count = connection.recv_into(buffer)
                sizes[connection] += count
                if not count:
                    waiting.unregister(connection)
                    connection.close()
    seconds = time.monotonic() - start
    if len(set(sizes.values())) > 1:
        raise SystemExit("not all readers were sent the same")
    return sum(sizes.values()) / seconds


def bare(ready: "multiprocessing.Queue[int]", data: bytes) -> None:
    """A server that says yes to everything and then sends the same bytes to everyone."""

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"lsg_version=bare\ncram=none\n")
            lines.readline()
            connection.sendall(b"success=1|session_id=1\n")
            while not lines.readline().startswith(b"start_session"):
                pass
            for place in range(0, len(data), PIECE):
                connection.sendall(view[place : place + PIECE])

    view = memoryview(data)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ready.put(listener.getsockname()[1])
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


@contextmanager
def gateway(path: Path) -> Iterator[int]:
    """The port of a gateway for a file, in a process of its own."""
    command = [sys.executable, "-m", "booktape", "gateway", str(path), "--port", "0", "--speed", "max"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r":(\d+) ", process.stdout.readline())
            if address is None:
                raise SystemExit("the gateway did not start")
            yield int(address[1])
        finally:
            process.terminate()


@contextmanager
def bare_server(data: bytes) -> Iterator[int]:
    """The port of a bare server, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ready: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=bare, args=(ready, data), daemon=True)
    process.start()
    try:
        yield ready.get()
    finally:
        process.terminate()
        process.join()


def everything(port: int, dataset: str) -> bytes:
    """All that a session sends from its metadata on."""
    pieces = []
    with opened(port, dataset) as connection:
        while piece := connection.recv(1 << 20):
            pieces.append(piece)
    return b"".join(pieces)


def main() -> None:
    """Measures, and prints a line for each way and number of clients."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a DBN file; without one, a synthetic tape")
    parser.add_argument("--messages", type=int, default=2_000_000, help="records of the synthetic tape")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 8, 50], help="numbers of raw readers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one line of JSON, and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file
        if path is None:
            path = Path(folder) / "synthetic.mbo.dbn"
            bt.synthesize(messages=options.messages, instruments=4, seed=7).to_dbn(path)
        dataset = bt.open(path).dataset
        with gateway(path) as port, bare_server(everything(port, dataset)) as bare_port:
            rates: dict[int, list[float]] = {port: [], bare_port: []}
            for _ in range(options.rounds):
                for each, reached in rates.items():
                    taken = official(each, dataset)
                    reached.append(taken.size / RECORD_BYTES / (taken.end - taken.start))
            ours, theirs = (statistics.median(rate) for rate in rates.values())
            share = statistics.median(a / b for a, b in zip(*rates.values(), strict=True))
            raw = {clients: readers(port, dataset, clients) / RECORD_BYTES for clients in options.clients}
    if options.json:
        print(json.dumps({"official": ours, "bare": theirs, "share": share, "raw": raw}))
        return
    print(f"one official client    {ours:>12,.0f} records/s, {share:.1%} of the {theirs:,.0f} from a bare server")
    for clients, rate in raw.items():
        print(f"{clients:3} raw readers        {rate:>12,.0f} records/s in total")


if __name__ == "__main__":
    main()
