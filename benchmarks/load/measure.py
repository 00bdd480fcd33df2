"""One measurement of the service: `python -m benchmarks.load.measure TASK FILE […]`; the last line printed is its JSON.

- `streams`: many clients read a whole tape as fast as they can, twice.
- `outside`: the same once, read by `wrk`, an HTTP load client of others.
- `paced`: many clients follow one replay at so many records a second.
- `live`: many clients follow a tape that grows by so many records a second.
- `bare`: the same sent by a compiled program that does nothing else; FILE is not read.
- `screens`: many clients watch a book of one replay.
- `small`: how long a small request takes, alone and while many clients read as fast as they can.
- `churn`: connections that come and go; what is left of them.
- `slow`: many clients of which some hardly read.
- `memory`: every format to many clients, and books; what it took.
- `start`: until the service is ready.
"""

import argparse
import json
import re
import subprocess
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.load.client import Beside, run
from benchmarks.load.service import PATIENCE, Service, feeding, serving

Run = dict[str, Any]

WARM_UP_SECONDS = 2.0
#: Connections that come and go before what is open is counted: caches and the allocator have what they keep.
WARM_UP_CYCLES = 1_000
NS = 1_000_000_000


def stream_of(service: Service, form: str) -> str:
    """The URL of the tape's records, as fast as a client reads."""
    return f"{service.url}/api/v1/tapes/{service.tape()['id']}/stream?format={form}"


def first_instrument(service: Service) -> int:
    """The id of one of the tape's instruments."""
    return int(service.get(f"/api/v1/tapes/{service.tape()['id']}/instruments")[0]["instrument_id"])


def timed(service: Service, work: Callable[[], Run]) -> Run:
    """What clients reported, with what it took the service."""
    before = service.cpu_seconds()
    report = work()
    return report | {"service_cpu_seconds": service.cpu_seconds() - before, "service_peak_bytes": service.peak_bytes()}


def streams(asked: Namespace) -> Run:
    """As fast as clients read."""
    with serving(asked.file) as service:
        url = stream_of(service, asked.format)
        rounds = [
            timed(service, lambda: run("streams", url, format=asked.format, connections=asked.clients))
            for _ in range(2)
        ]
        wanted = service.tape()["records"] * asked.clients
    for one in rounds:
        if one["records"] != wanted or one["gaps"]:
            raise SystemExit(f"{one['records']:,} of {wanted:,} records arrived, with {one['gaps']} gaps")
    return {"cold": rounds[0], "warm": rounds[1]}


def outside(asked: Namespace) -> Run:
    """The same, by a client of others. It counts bytes; how many a record has is seen from ours, which reads first."""
    with serving(asked.file) as service:
        url = stream_of(service, asked.format)
        ours = run("streams", url, format=asked.format, connections=asked.clients)
        # It stops after so many seconds, in the middle of streams; what it has read until then counts.
        wrk = ["wrk", "--threads=1", f"--connections={asked.clients}", f"--duration={asked.seconds:.0f}s", url]
        printed = subprocess.run(wrk, stdout=subprocess.PIPE, text=True, check=True).stdout
    read = re.search(r"([\d.]+)([kmu]?s), ([\d.]+)([KMGT]?B) read", printed)
    if read is None:
        raise SystemExit(f"wrk printed {printed!r}")
    seconds = float(read[1]) * {"s": 1, "ms": 1e-3, "us": 1e-6}.get(read[2], 60)
    size = float(read[3]) * 1024 ** "BKMGT".index(read[4][0])
    return {"bytes_per_second": size / seconds, "records_per_second": size / seconds * ours["records"] / ours["bytes"]}


def playback(service: Service, rate: float) -> tuple[str, float]:
    """The URL of a replay that plays so many records a second on average, and its speed."""
    tape = service.tape()
    natural = tape["records"] * NS / (int(tape["end"]) - int(tape["start"]))
    speed = round(rate / natural, 6)
    replay = service.post("/api/v1/replays", {"tape": tape["id"], "speed": speed, "longest_wait": 86_400})
    return f"{service.url}/api/v1/replays/{replay['id']}", speed


def paced(asked: Namespace) -> Run:
    """By the clock."""
    with serving(asked.file) as service:
        url, speed = playback(service, asked.rate)
        return timed(
            service,
            lambda: run(
                "streams",
                f"{url}/stream?format={asked.format}",
                format=asked.format,
                connections=asked.clients,
                due="quickest",
                speed=speed,
                warmup=WARM_UP_SECONDS,
                seconds=asked.seconds + WARM_UP_SECONDS,
                spin=asked.spin,
            ),
        )


def live(asked: Namespace) -> Run:
    """By the records' own time."""
    with feeding(asked.file, asked.rate, asked.clients) as service:
        return timed(
            service,
            lambda: run(
                "streams",
                stream_of(service, asked.format),
                format=asked.format,
                connections=asked.clients,
                due="tape",
                warmup=WARM_UP_SECONDS,
                seconds=asked.seconds + WARM_UP_SECONDS,
                spin=asked.spin,
            ),
        )


def bare(asked: Namespace) -> Run:
    """By a server that only writes to sockets: as punctual as this machine lets any be that is read on it."""
    server = Beside("bare", connections=asked.clients, rate=asked.rate)
    report = run(
        "streams",
        server.line(),
        connections=asked.clients,
        due="tape",
        warmup=WARM_UP_SECONDS,
        seconds=asked.seconds + WARM_UP_SECONDS,
        spin=asked.spin,
    )
    return report | {"service_cpu_seconds": server.report()["cpu_seconds"]}


def screens(asked: Namespace) -> Run:
    """Books in frames."""
    with serving(asked.file) as service:
        url, _ = playback(service, asked.rate)
        instrument = first_instrument(service)
        opening = asked.clients / asked.ramp
        return timed(
            service,
            lambda: run(
                "streams",
                f"{url}/depth?instrument={instrument}&hz={asked.hertz}",
                format="depth",
                connections=asked.clients,
                ramp=asked.ramp,
                hertz=asked.hertz,
                warmup=WARM_UP_SECONDS + opening,
                seconds=asked.seconds + WARM_UP_SECONDS + opening,
            ),
        )


def small(asked: Namespace) -> Run:
    """A request beside the streams."""
    with serving(asked.file) as service:
        health = f"{service.url}/health"
        alone = run("probe", health, seconds=asked.seconds)
        url = stream_of(service, asked.format)
        readers = Beside("streams", url, format=asked.format, connections=asked.clients, seconds=asked.seconds + 3)
        time.sleep(1)
        loaded = run("probe", health, seconds=asked.seconds)
        return {"alone": alone, "loaded": loaded, "readers": readers.report()}


def settled(service: Service, files: int) -> None:
    """Waits until the service has closed what its clients left, as far as it does."""
    until = time.monotonic() + PATIENCE
    while service.open_files() > files and time.monotonic() < until:
        time.sleep(0.1)


def churn(asked: Namespace) -> Run:
    """Connections that come and go."""
    with serving(asked.file) as service:
        tape = service.tape()["id"]
        paths = ("stream?format=full", "stream?format=json&speed=1", "depth", "stream?format=dbn", "records")
        urls = tuple(f"{service.url}/api/v1/tapes/{tape}/{path}" for path in paths)
        idle = service.open_files()
        run("churn", *urls, cycles=WARM_UP_CYCLES)
        settled(service, idle)
        before = {"files": service.open_files(), "resident": service.resident_bytes()}
        report = timed(service, lambda: run("churn", *urls, cycles=asked.cycles))
        settled(service, before["files"])
        after = {"files": service.open_files(), "resident": service.resident_bytes()}
        streams_open = service.sample("mbo_active_connections")
        return report | {"before": before, "after": after, "streams_open": streams_open}


def slow(asked: Namespace) -> Run:
    """Some that hardly read."""
    with serving(asked.file) as service:
        url = stream_of(service, asked.format)
        options = {"format": asked.format, "connections": asked.clients, "seconds": asked.seconds}
        without = timed(service, lambda: run("streams", url, **options))
        beside = timed(service, lambda: run("streams", url, slow=asked.slow, **options))
        return {"without": without, "beside": beside}


def memory(asked: Namespace) -> Run:
    """Everything a little."""
    before = set(asked.file.parent.iterdir())
    with serving(asked.file) as service:
        idle = service.peak_bytes()
        for form in ("full", "json", "dbn"):
            run("streams", stream_of(service, form), format=form, connections=asked.clients)
        tape = service.tape()
        instrument = first_instrument(service)
        for quarter in range(5):
            at = (tape["records"] - 1) * quarter // 4
            service.get(f"/api/v1/tapes/{tape['id']}/book?instrument={instrument}&at={at}")
        service.get(f"/api/v1/tapes/{tape['id']}/audit")
        beside = [str(path) for path in set(asked.file.parent.iterdir()) - before]
        return {
            "idle_bytes": idle,
            "peak_bytes": service.peak_bytes(),
            "data_bytes": service.data_bytes(),
            "elsewhere": service.written_elsewhere() + beside,
        }


def start(asked: Namespace) -> Run:
    """Until it is ready."""
    with serving(asked.file) as service:
        return {"seconds": service.seconds_to_ready, "cpu_seconds": service.cpu_seconds()}


TASKS: dict[str, Callable[[Namespace], Run]] = {
    task.__name__: task for task in (streams, outside, paced, live, bare, screens, small, churn, slow, memory, start)
}


def main() -> None:
    """Measures one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--format", choices=("full", "json", "dbn"), default="json")
    parser.add_argument("--clients", type=int, default=130)
    parser.add_argument("--rate", type=float, default=50_000, help="records a second, on average")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--hertz", type=float, default=10)
    parser.add_argument("--ramp", type=float, default=500, help="connections opened a second")
    parser.add_argument("--slow", type=int, default=10, help="clients that read 10,000 bytes a second")
    parser.add_argument("--spin", action="store_true", help="the client never sleeps: where a core is to spare")
    parser.add_argument("--cycles", type=int, default=10_000)
    asked = parser.parse_args()
    print(json.dumps(TASKS[asked.task](asked)))


if __name__ == "__main__":
    main()
