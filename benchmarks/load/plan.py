"""What is measured under load: rows, what counts in each, and the targets."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.flows import Flow, Flows
from benchmarks.plan import Figures, Row, Run, Subject, Target

#: Waking a reader that sleeps on the same machine is work of the sender that clients elsewhere would not cause.
SPIN = (os.cpu_count() or 1) > 2
MEASURE = (sys.executable, "-m", "benchmarks.load.measure")


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    streamed: int
    played: int
    clients: int
    crowd: int
    screens: int
    seconds: float
    long_seconds: float
    cycles: int


# The replay of 500,000 records a second needs as many as it plays; below 256 MiB they stay in memory.
FULL = Sizes(500_000, 4_000_000, 130, 500, 1_000, 5, 60, 10_000)
QUICK = Sizes(50_000, 2_000_000, 20, 50, 50, 1, 4, 500)


def command(task: str, flow: Flow, options: dict[str, Any]) -> list[str]:
    """The program of one measurement; an option that is true is a flag."""
    flags = [
        f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items() if value is not False
    ]
    return [*MEASURE, task, str(flow.path), *flags]


def complete(report: Run) -> float:
    """Connections that were refused, dropped, or sent something broken."""
    connections = report["connections"]
    failed = sum(connections[how] for how in ("refused", "dropped", "broken")) + sum(connections["rejected"].values())
    return float(failed + report["gaps"])


def full_speed(run: Run) -> Figures:
    """Records a second over all clients; those of a second on a processor say how much other work disturbed."""
    if "warm" not in run:
        return {"M records/s": run["records_per_second"] / 1e6, "GB/s": run["bytes_per_second"] / 1e9}
    warm, cold = run["warm"], run["cold"]
    return {
        "M records/s": warm["records"] / warm["seconds"] / 1e6,
        "when cold": cold["records"] / cold["seconds"] / 1e6,
        "M records/CPU s": warm["records"] / warm["service_cpu_seconds"] / 1e6,
        "GB/s": warm["bytes"] / warm["seconds"] / 1e9,
        "% of a core, client": warm["client_cpu_seconds"] / warm["seconds"] * 100,
        "MB peak": max(warm["service_peak_bytes"], cold["service_peak_bytes"]) / 1e6,
        "slowest client / fastest": warm["per_client"]["seconds"]["max"] / warm["per_client"]["seconds"]["min"],
        "failed": complete(warm) + complete(cold),
    }


def by_the_clock(run: Run) -> Figures:
    """From when a record was due until a client has it."""
    late, peak = run["late"], run.get("service_peak_bytes")
    return {
        "ms p50": late["p50"],
        "ms p99": late["p99"],
        "ms p99.9": late["p999"],
        "ms at most": late["max"],
        "k records/s": run["records"] / run["seconds"] / 1e3,
        "% of a core": run["service_cpu_seconds"] / run["seconds"] * 100,
        "failed": complete(run),
    } | ({"MB peak": peak / 1e6} if peak else {})


def frames(run: Run) -> Figures:
    """How much later than a period after the frame before, and against a grid that begins with the first."""
    interval, grid = run["frame_intervals"], run["late_frames"]
    return {
        "ms p99 late": interval["p99"],
        "ms p50 late": interval["p50"],
        "ms p99 behind the grid": grid["p99"],
        "% missed": run["missed_frames"] / (run["missed_frames"] + run["events"]) * 100,
        "frames/s": run["events"] / run["seconds"],
        "% of a core": run["service_cpu_seconds"] / run["seconds"] * 100,
        "MB peak": run["service_peak_bytes"] / 1e6,
        "failed": complete(run),
    }


def beside(run: Run) -> Figures:
    """A small request, alone and beside many that read."""
    loaded, alone = run["loaded"], run["alone"]
    return {
        "ms p50": loaded["answer"]["p50"],
        "ms p99": loaded["answer"]["p99"],
        "ms p50 alone": alone["answer"]["p50"],
        "ms p99 alone": alone["answer"]["p99"],
        "failed": loaded["failed"] + alone["failed"],
    }


def left_behind(run: Run) -> Figures:
    """What is still there of connections that are gone."""
    before, after = run["before"], run["after"]
    return {
        "files left": after["files"] - before["files"],
        "streams left": run["streams_open"],
        "MB more": (after["resident"] - before["resident"]) / 1e6,
        "failed": run["failed"],
        "connections/s": run["cycles"] / run["seconds"],
        "ms p99 to the first byte": run["first_byte"]["p99"],
    }


def held_up(run: Run) -> Figures:
    """What others lose by those who hardly read."""
    without, beside = run["without"], run["beside"]
    return {
        "M records/s": beside["records"] / beside["per_client"]["seconds"]["max"] / 1e6,
        "without": without["records"] / without["seconds"] / 1e6,
        "MB peak": beside["service_peak_bytes"] / 1e6,
        "MB peak without": without["service_peak_bytes"] / 1e6,
    }


def footprint(run: Run) -> Figures:
    """Memory, and files."""
    return {
        "MB peak": run["peak_bytes"] / 1e6,
        "MB before": run["idle_bytes"] / 1e6,
        "files elsewhere": len(run["elsewhere"]),
        "MB in the data folder": run["data_bytes"] / 1e6,
    }


def until_ready(run: Run) -> Figures:
    """From the start of the process."""
    return {"s": run["seconds"], "s on the processor": run["cpu_seconds"]}


class Plan:
    """Makes the rows; a row's file is made when it is asked for."""

    def __init__(self, flows: Flows, sizes: Sizes) -> None:
        self.flows, self.sizes = flows, sizes

    def rows(self) -> dict[str, Callable[[], Row | None]]:
        """By key, in the order of the table."""
        return {
            "full": lambda: self.full_speed("full", 4),
            "json": lambda: self.full_speed("json", 17),
            "dbn": lambda: self.full_speed("dbn", 30),
            "paced-500k": lambda: self.paced(10, 500_000, self.sizes.seconds, p50=0.8, p99=2),
            "paced-50k": lambda: self.paced(self.sizes.clients, 50_000, self.sizes.seconds, p99=3),
            "live-500k": lambda: self.live(10, 500_000, self.sizes.seconds, p50=0.8, p99=2),
            "live-50k": lambda: self.live(self.sizes.clients, 50_000, self.sizes.seconds, p99=3),
            "crowd": self.crowd,
            "screens": self.screens,
            "small": self.small,
            "slow": self.slow,
            "churn": self.churn,
            "memory": self.memory,
            "start": self.start,
        }

    def _streamed(self) -> Flow:
        return self.flows.synthetic(self.sizes.streamed, 4)

    def _played(self) -> Flow:
        return self.flows.synthetic(self.sizes.played, 4)

    def _row(
        self,
        key: str,
        title: str,
        figures: Callable[[Run], Figures],
        flow: Flow,
        task: str,
        targets: Sequence[Target],
        **options: Any,
    ) -> Row:
        subjects = [Subject("booktape", command(task, flow, options), builds=False)]
        return Row(f"load-{key}", f"{title}; {flow.path.name}", figures, subjects, targets)

    def full_speed(self, form: str, bound: float) -> Row:
        """As fast as they read."""
        clients = self.sizes.clients
        targets = (Target("M records/s", bound, at_least=True), Target("failed", 0))
        title = f"{form} stream to {clients} clients at once, records in total"
        flow, options = self._streamed(), {"format": form, "clients": clients}
        row = self._row(form, title, full_speed, flow, "streams", targets, **options)
        if shutil.which("wrk") is None:
            return row
        wrk = command("outside", flow, options | {"seconds": self.sizes.seconds})
        return replace(row, subjects=[*row.subjects, Subject("read by wrk", wrk, builds=False)])

    def paced(self, clients: int, rate: int, seconds: float, *, p99: float, p50: float | None = None) -> Row:
        """By the clock of a replay."""
        title = f"{rate:,} records/s to each of {clients} json clients of one replay, from due to client"
        return self._followed("paced", title, clients, rate, seconds, p99, p50)

    def live(self, clients: int, rate: int, seconds: float, *, p99: float, p50: float | None = None) -> Row:
        """As a tape grows."""
        title = f"{rate:,} records/s onto a live tape, to each of {clients} json clients, from the tape to the client"
        return self._followed("live", title, clients, rate, seconds, p99, p50)

    def _followed(
        self, task: str, title: str, clients: int, rate: int, seconds: float, p99: float, p50: float | None
    ) -> Row:
        targets = [Target("ms p99", p99), Target("failed", 0)]
        if p50 is not None:
            targets.insert(0, Target("ms p50", p50))
        flow, options = self._played(), {"clients": clients, "rate": rate, "seconds": seconds, "spin": SPIN}
        row = self._row(f"{task}-{rate // 1_000}k", title, by_the_clock, flow, task, targets, **options)
        bare = Subject("a bare server", command("bare", flow, options), builds=False)
        return replace(row, subjects=[*row.subjects, bare])

    def crowd(self) -> Row:
        """Many, each a little."""
        clients, seconds = self.sizes.crowd, self.sizes.long_seconds
        title = f"{clients} json connections, 1 M records/s in total, {seconds:.0f} s"
        # The flow is slower in this minute than on average, at which it is asked for.
        options = {"clients": clients, "rate": 1_200_000 / clients, "seconds": seconds, "spin": SPIN}
        targets = (Target("ms p99", 50), Target("failed", 0), Target("k records/s", 1_000, at_least=True))
        return self._row("crowd", title, by_the_clock, self._played(), "paced", targets, **options)

    def screens(self) -> Row:
        """Books as they move."""
        clients = self.sizes.screens
        title = f"{clients:,} depth clients of one replay, 10 frames/s, at 5,000 records/s"
        options = {"clients": clients, "rate": 5_000, "seconds": self.sizes.seconds * 2}
        targets = (Target("ms p99 late", 50), Target("failed", 0))
        return self._row("screens", title, frames, self._played(), "screens", targets, **options)

    def small(self) -> Row:
        """Fairness to others."""
        clients = self.sizes.clients
        title = f"/health beside {clients} json clients that read as fast as they can"
        options = {"clients": clients, "seconds": self.sizes.seconds}
        return self._row("small", title, beside, self._played(), "small", (Target("failed", 0),), **options)

    def slow(self) -> Row:
        """Fairness among streams."""
        clients, few = self.sizes.clients, max(1, self.sizes.clients // 13)
        title = f"json stream to {clients} clients of which {few} read 10,000 bytes/s"
        options = {"clients": clients, "slow": few, "seconds": self.sizes.seconds * 3}
        return self._row("slow", title, held_up, self._streamed(), "slow", (), **options)

    def churn(self) -> Row:
        """Connections that come and go."""
        cycles = self.sizes.cycles
        title = f"{cycles:,} connections that drop: at once, after asking, after the first bytes"
        targets = (Target("files left", 0), Target("streams left", 0), Target("failed", 0))
        return self._row("churn", title, left_behind, self._streamed(), "churn", targets, cycles=cycles)

    def memory(self) -> Row:
        """A small file."""
        targets = (Target("MB peak", 150), Target("files elsewhere", 0))
        title = "memory serving one small file: every format to 10 clients, books, audit"
        return self._row("memory", title, footprint, self._small_file(), "memory", targets, clients=10)

    def start(self) -> Row:
        """The same file."""
        title = "from the start of `booktape serve` to ready, one small file"
        return self._row("start", title, until_ready, self._small_file(), "start", (Target("s", 1.5),))

    def _small_file(self) -> Flow:
        return self.flows.session() or self.flows.synthetic(38_212)
