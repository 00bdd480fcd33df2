"""What is measured: rows, the subjects beside each other in a row, the targets that figures are held against."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.flows import Flow, Flows

REPOSITORY = Path(__file__).parent.parent
PROGRAMS = Path(__file__).parent / "subjects"

Run = dict[str, Any]
Figures = dict[str, float]


@dataclass(frozen=True)
class Subject:
    """One thing that is measured, by a process that prints a line of JSON."""

    name: str
    command: Sequence[str]
    #: Whether it builds books: then its final levels are compared with those of the row's first subject.
    builds: bool = True


@dataclass(frozen=True)
class Target:
    """What a figure of the row's first subject should be: as such, or divided by or into the same figure of a peer."""

    figure: str
    bound: float
    at_least: bool = False
    peer: str | None = None


@dataclass(frozen=True)
class Row:
    """Subjects that did the same work."""

    key: str
    title: str
    figures: Callable[[Run], Figures]
    subjects: Sequence[Subject]
    targets: Sequence[Target] = field(default=())
    #: Fewer runs where one takes minutes.
    most_runs: int = 100
    #: Whether the subjects do the same work, so that their figures can be divided by each other.
    comparable: bool = True


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    passed: int
    synthetic: int
    moments: int
    large: int
    streamed: int
    stored: int
    growth: Sequence[int]


FULL = Sizes(10_000_000, 10_000_000, 1_000, 170_000_000, 500_000, 2_000_000, (1, 10, 100, 1_000, 10_000, 100_000))
QUICK = Sizes(200_000, 200_000, 50, 400_000, 50_000, 100_000, (1, 10, 100, 1_000))


def nanoseconds(run: Run) -> Figures:
    """Of one record, on the processor: one thread that waits for nothing, so that others on the machine count least."""
    return {"ns": run["cpu_s"] / run["records"] * 1e9}


def both_clocks(run: Run) -> Figures:
    """The same, and by the wall: several threads use several processors at once."""
    return nanoseconds(run) | {"ns by the wall": run["wall_s"] / run["records"] * 1e9}


def millions(run: Run) -> Figures:
    """Of records a second."""
    return {"M records/s": run["records"] / run["wall_s"] / 1e6}


def latencies(run: Run) -> Figures:
    """Of single answers, and what the index behind them costs."""
    times, busy = sorted(run["moments_s"]), sorted(run["moments_cpu_s"])
    middle, late = len(times) // 2, len(times) * 99 // 100
    return {
        "ms p50": times[middle] * 1e3,
        "ms p99": times[late] * 1e3,
        "ms at most": times[-1] * 1e3,
        "ms p99 on the processor": busy[late] * 1e3,
        "% index": run["index_bytes"] / run["tape_bytes"] * 100,
        "s to build": run["build_wall_s"],
    }


def bounded(run: Run) -> Figures:
    """Records a second, and the most private memory at any time."""
    return millions(run) | {"MB peak": run["peak_anon_bytes"] / 1e6}


def stored(run: Run) -> Figures:
    """Rows a second, by the wall and for each second on the processor: others on the machine count least in that."""
    return millions(run) | {"a processor second": run["records"] / run["cpu_s"] / 1e6}


def streamed(run: Run) -> Figures:
    """Records a second that a client was sent."""
    return {"M records/s": run["warm"] / 1e6, "when cold": run["cold"] / 1e6}


def gated(run: Run) -> Figures:
    """Records a second to one official client, what share of a bare server's that is, and to raw readers."""
    raw = {f"M to {clients} readers": rate / 1e6 for clients, rate in run["raw"].items()}
    return {"M records/s": run["official"] / 1e6, "% of a bare server": 100 * run["share"]} | raw


def program(package: str, bench: str) -> str:
    """A Rust bench, built if need be."""
    command = ["cargo", "bench", "--locked", "--package", package, "--bench", bench, "--no-run"]
    built = subprocess.run(
        [*command, "--message-format", "json"], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True
    )
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    (program,) = {message["executable"] for message in messages if message.get("executable")}
    return str(program)


class Plan:
    """Makes the rows; a row's files are made when it is asked for."""

    def __init__(self, flows: Flows, sizes: Sizes, own: Path, peers: Path) -> None:
        self.flows, self.sizes = flows, sizes
        self.own, self.peers = str(own), str(peers)
        self.replay = program("booktape-core", "replay")
        self.store_rows = program("booktape-store", "rows")

    def rows(self) -> dict[str, Callable[[], Row | None]]:
        """By key, in the order of the table."""
        return {
            "memory-clx5": self.memory_session,
            "memory-synthetic": self.memory_synthetic,
            "memory-16": self.memory_many,
            "file-plain": lambda: self.file("plain", ".dbn", 20),
            "file-zst": lambda: self.file("zst", ".dbn.zst", 8),
            "mbp10": self.mbp10,
            "moments": self.moments,
            "streams": self.streams,
            "gateway": self.gateway,
            "store": self.store,
            "store-live": self.store_live,
            "large": self.large,
        }

    def memory_session(self) -> Row | None:
        """The real session, again and again."""
        flow = self.flows.session()
        if flow is None:
            return None
        passes = max(1, self.sizes.passed // flow.records)
        title = (
            f"records in memory → book, best prices after every record: CLX5, {passes} times {flow.records:,} records"
        )
        targets = (Target("ns", 25), Target("ns", 8, at_least=True, peer="textbook"))
        return Row("memory-clx5", title, nanoseconds, self._in_memory(flow, passes), targets)

    def memory_synthetic(self) -> Row:
        """One synthetic instrument, once."""
        flow = self.flows.synthetic(self.sizes.synthetic)
        title = f"the same: synthetic, 1 instrument, {flow.records:,} records"
        targets = (Target("ns", 30), Target("ns", 6.5, at_least=True, peer="textbook"))
        return Row("memory-synthetic", title, nanoseconds, self._in_memory(flow, 1), targets)

    def _in_memory(self, flow: Flow, passes: int) -> list[Subject]:
        path, times = str(flow.path), str(passes)
        rust = (
            ("booktape book", "book"),
            ("booktape book, best levels", "book-levels"),
            ("booktape market", "market"),
            ("textbook", "textbook"),
            ("textbook, best levels", "textbook-levels"),
        )
        depth = [self.peers, str(PROGRAMS / "hftbacktest_depth.py"), path, times, str(flow.tick)]
        return [
            *(Subject(name, [self.replay, word, path, times]) for name, word in rust),
            Subject("nautilus_trader", [self.peers, str(PROGRAMS / "nautilus.py"), path, times]),
            Subject("hftbacktest depth", depth),
            Subject("limit: reading the bytes", [self.replay, "limit", path, times], builds=False),
        ]

    def memory_many(self) -> Row:
        """Sixteen synthetic instruments, 64,000 live orders."""
        flow = self.flows.synthetic(self.sizes.synthetic, 16)
        title = f"the same: synthetic, 16 instruments, 64,000 live orders, {flow.records:,} records"
        names = (
            ("booktape market", "market"),
            ("booktape market, in batches", "market-batches"),
            ("booktape tape, all cores", "tape"),
            ("textbook, one an instrument", "textbooks"),
        )
        subjects = [Subject(name, [self.replay, word, str(flow.path), "1"]) for name, word in names]
        subjects.append(Subject("limit: reading the bytes", [self.replay, "limit", str(flow.path), "1"], builds=False))
        return Row("memory-16", title, both_clocks, subjects, (Target("ns", 40),))

    def file(self, kind: str, suffix: str, bound: float) -> Row:
        """From a file to its final book."""
        path = str(self.flows.synthetic(self.sizes.synthetic, 1, suffix).path)
        databento = [self.peers, str(PROGRAMS / "databento_file.py")]
        iterate = "databento iterate + SortedDict"
        subjects = [
            Subject("booktape, one call", [self.own, str(PROGRAMS / "own.py"), "book", path]),
            Subject(iterate, [*databento, "iterate", path]),
            Subject("databento columns + SortedDict", [*databento, "columns", path]),
            Subject("limit: databento to_ndarray", [*databento, "to_ndarray", path], builds=False),
        ]
        targets = (Target("M records/s", bound, at_least=True), Target("M records/s", 8, at_least=True, peer=iterate))
        title = f"DBN file ({kind}) → final book from Python: synthetic, 1 instrument, {self.sizes.synthetic:,} records"
        return Row(f"file-{kind}", title, millions, subjects, targets)

    def mbp10(self) -> Row:
        """From a file to ten levels as another file."""
        flow = self.flows.synthetic(self.sizes.synthetic)
        title = f"DBN file → MBP-10 in a DBN file, input records: synthetic, 1 instrument, {flow.records:,} records"
        subjects = [Subject("booktape", [self.own, str(PROGRAMS / "own.py"), "mbp10", str(flow.path)], builds=False)]
        return Row("mbp10", title, millions, subjects, (Target("M records/s", 5, at_least=True),))

    def moments(self) -> Row:
        """The book at random moments."""
        flow, count = self.flows.synthetic(self.sizes.synthetic, 4), self.sizes.moments
        title = f"the book at {count:,} random moments: synthetic, 4 instruments, {flow.records:,} records, plain file"
        command = [self.own, str(PROGRAMS / "own.py"), "moments", str(flow.path), str(count)]
        targets = (Target("ms p99", 5), Target("% index", 20))
        return Row("moments", title, latencies, [Subject("booktape", command, builds=False)], targets)

    def streams(self) -> Row:
        """From the service to one client."""
        count = self.sizes.streamed
        program = [self.own, str(REPOSITORY / "benchmarks" / "stream.py"), "--json", "--messages", str(count)]
        subjects = [
            Subject(f"booktape, format={form}", [*program, "--formats", form], builds=False)
            for form in ("full", "json", "dbn")
        ]
        title = f"the service's record streams to one client on the same machine: synthetic, {count:,} records"
        return Row("streams", title, streamed, subjects, comparable=False)

    def gateway(self) -> Row:
        """From the live gateway to official and to raw clients."""
        count = self.sizes.streamed
        command = [self.own, str(REPOSITORY / "benchmarks" / "live.py"), "--json", "--messages", str(count)]
        title = f"the live gateway to clients on the same machine: synthetic, {count:,} records"
        targets = (
            Target("% of a bare server", 90, at_least=True),
            *(Target(f"M to {clients} readers", 3, at_least=True) for clients in (8, 50)),
        )
        return Row("gateway", title, gated, [Subject("booktape", command, builds=False)], targets)

    def store(self) -> Row:
        """From a tape to tables, all at once."""
        flow = self.flows.synthetic(self.sizes.stored, 4)
        title = (
            f"a tape into the store, its indices built at the end: synthetic, 4 instruments, {flow.records:,} records"
        )
        subjects = [
            Subject("booktape, one call", [self.own, str(PROGRAMS / "own.py"), "store", str(flow.path)], builds=False)
        ]
        return Row("store", title, stored, subjects, (Target("M records/s", 0.6, at_least=True),))

    def store_live(self) -> Row:
        """From a tape that grows to tables."""
        count = self.sizes.stored
        title = f"a growing tape that the store follows, its indices in place: {count:,} records"
        subjects = [Subject("booktape", [self.store_rows, "live", str(count), str(self.flows.folder)], builds=False)]
        return Row("store-live", title, stored, subjects, (Target("M records/s", 0.25, at_least=True),))

    def large(self) -> Row:
        """More than fits."""
        piece = min(10_000_000, self.sizes.large // 4)
        flow = self.flows.joined(piece, self.sizes.large // piece)
        title = f"a tape of {flow.records:,} records, replayed and audited"
        command = [self.own, str(PROGRAMS / "own.py"), "audit", str(flow.path)]
        targets = (Target("M records/s", 10, at_least=True), Target("MB peak", 1_500))
        return Row("large", title, bounded, [Subject("booktape", command, builds=False)], targets, most_runs=1)
