"""How fast a record stream reaches its clients: `python benchmarks/stream.py [FILE] [--clients 1 10]`.

The service runs in a process of its own, as `booktape serve` does. Each client is a process that reads its socket into
one buffer and counts with `bytes.count`, which costs it little: full events by their `data: ` lines, compact records by
their brackets, DBN records by their bytes. Every client checks that it was sent every record; a rate is the records of
all clients divided by the time from the first request to the last byte. "cold" is the first round, in which frames are
built; "warm" is the median of the rounds after it, in which clients share the frames that still are at hand.
"""

import argparse
import json
import multiprocessing
import os
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import booktape as bt

BUFFER_BYTES = 1 << 20
RECORD_BYTES = 56


class Received(NamedTuple):
    """What one client was sent."""

    records: int
    size: int
    start: float
    end: float


def receive(address: tuple[str, int], path: str, form: str, barrier: "multiprocessing.synchronize.Barrier") -> Received:
    """Reads one stream to its end."""
    with socket.create_connection(address) as connection:
        barrier.wait()
        start = time.monotonic()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        buffer = bytearray(BUFFER_BYTES)
        view = memoryview(buffer)
        tail = b""
        size = events = brackets = 0
        while count := connection.recv_into(buffer):
            size += count
            if form == "dbn":
                continue
            # A line may lie across two reads: what could be its beginning is looked at again.
            seen = tail + view[:count]
            events += seen.count(b"\ndata: ") - tail.count(b"\ndata: ")
            brackets += view[:count].tobytes().count(b"[") if form == "json" else 0
            tail = seen[-6:]
        end = time.monotonic()
    return Received({"full": events, "json": brackets - events, "dbn": size // RECORD_BYTES}[form], size, start, end)


def client(queue: "multiprocessing.Queue[Received]", *arguments: object) -> None:
    """A client's process."""
    queue.put(receive(*arguments))  # type: ignore[arg-type]


def measure(url: str, path: str, form: str, clients: int, records: int) -> tuple[float, float]:
    """Records and bytes a second over all clients."""
    host, port = url.removeprefix("http://").split(":")
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Received] = context.Queue()
    barrier = context.Barrier(clients)
    arguments = (queue, (host, int(port)), path, form, barrier)
    processes = [context.Process(target=client, args=arguments) for _ in range(clients)]
    for process in processes:
        process.start()
    received = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    for one in received:
        # Raw records come with metadata and chunk lengths around them, less than a percent on a tape of this size.
        missing = one.records < records if form == "dbn" else one.records != records
        if missing:
            raise SystemExit(f"a client was sent {one.records:,} of {records:,} records")
    seconds = max(one.end for one in received) - min(one.start for one in received)
    return records * clients / seconds, sum(one.size for one in received) / seconds


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """The address of a service that serves a file, in a process of its own."""
    command = [sys.executable, "-m", "booktape", "serve", str(path), "--port", "0"]
    environment = os.environ | {"BOOKTAPE_LOG_LEVEL": "warning"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://[\w.:]+", process.stdout.readline())
            if address is None:
                raise SystemExit("the service did not start")
            yield address[0]
        finally:
            process.terminate()


def main() -> None:
    """Measures every format with every number of clients, and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a DBN file; without one, a synthetic tape")
    parser.add_argument("--messages", type=int, default=500_000, help="records of the synthetic tape")
    parser.add_argument("--clients", type=int, nargs="+", default=[1])
    parser.add_argument("--formats", nargs="+", default=["full", "json", "dbn"], choices=["full", "json", "dbn"])
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each kind, the first of them cold")
    parser.add_argument("--json", action="store_true", help="print one line of JSON a measurement, and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file
        if path is None:
            path = Path(folder) / "synthetic.mbo.dbn"
            bt.synthesize(messages=options.messages, instruments=4, seed=7).to_dbn(path)
        for form in options.formats:
            for clients in options.clients:
                with serving(path) as url:
                    with urllib.request.urlopen(f"{url}/api/v1/tapes") as answer:
                        (tape,) = json.load(answer)
                    route = f"/api/v1/tapes/{tape['id']}/stream?format={form}"
                    rounds = [measure(url, route, form, clients, tape["records"]) for _ in range(options.rounds)]
                cold, *warm = rounds
                rate = statistics.median(records for records, _ in warm)
                speed = statistics.median(size for _, size in warm)
                if options.json:
                    line = {
                        "format": form,
                        "clients": clients,
                        "records": tape["records"],
                        "cold": cold[0],
                        "warm": rate,
                    }
                    print(json.dumps(line), flush=True)
                    continue
                print(
                    f"{form:5} {clients:4} clients  {tape['records']:>10,} records  "
                    f"cold {cold[0]:>12,.0f} records/s  warm {rate:>12,.0f} records/s  {speed / 1e6:8,.0f} MB/s",
                    flush=True,
                )
    if options.json:
        return
    print(
        f"booktape {bt.__version__}, Python {platform.python_version()}, {os.cpu_count()} cores, {platform.platform()}"
    )


if __name__ == "__main__":
    main()
