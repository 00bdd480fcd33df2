"""booktape itself, through its public calls: `own.py TASK FILE …`.

- `book FILE`: the file to its final books, one call.
- `mbp10 FILE`: the file to MBP-10 records in a DBN file.
- `moments FILE N`: `book_at` at N random indices, once the index is built.
- `audit FILE`: the file replayed and audited.
- `store FILE`: the file's tape into a new store, its indices built.
"""

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from shared import Spent, report

import booktape as bt

#: The same moments in every run and on every machine.
SEED = 7

SHARED_MEMORY = Path("/dev/shm")


def books(market: bt.Market) -> list[dict[str, Any]]:
    """The final books as published."""
    return [
        {
            "instrument": book.instrument_id,
            "bids": [[level.price, level.size, level.count] for level in book.bids(view="published")],
            "asks": [[level.price, level.size, level.count] for level in book.asks(view="published")],
        }
        for book in market.books()
    ]


def book(path: Path) -> None:
    """File to final books."""
    spent, market = Spent(), bt.Market()
    with spent.measured():
        market.apply(path)
    report(market.records, spent, state=books(market))


def mbp10(path: Path) -> None:
    """File to MBP-10 file."""
    spent = Spent()
    # Not on a disk where there is another place: at 250 bytes a record it would be the disk that is measured.
    place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else path.parent
    with tempfile.TemporaryDirectory(dir=place) as folder:
        out = Path(folder) / "mbp-10.dbn"
        # Once before: a virtual machine's memory is slow the first time that anybody writes to it.
        bt.open(path).derive("mbp-10").to_dbn(out)
        with spent.measured():
            tape = bt.open(path)
            tape.derive("mbp-10").to_dbn(out)
        report(len(tape), spent, bytes_written=out.stat().st_size)


def moments(path: Path, count: int) -> None:
    """The book at random moments, each of a random instrument."""
    building, reading = Spent(), Spent()
    with building.measured():
        tape = bt.open(path)
        index = tape.build_index()
    # A snapshot of every book comes first and is at most an eighth of a tape: before its end there are fewer books.
    first = len(tape) // 8
    instruments = [one.instrument_id for one in tape.instruments]
    dice = random.Random(SEED)
    times, busy = [], []
    with reading.measured():
        for _ in range(count):
            moment, instrument = dice.randrange(first, len(tape)), dice.choice(instruments)
            start, before = time.perf_counter(), time.process_time()
            tape.book_at(moment, instrument)
            times.append(time.perf_counter() - start)
            busy.append(time.process_time() - before)
    report(
        count,
        reading,
        moments_s=times,
        moments_cpu_s=busy,
        build_wall_s=building.wall,
        build_cpu_s=building.cpu,
        index_bytes=index.bytes,
        tape_bytes=path.stat().st_size,
    )


def audit(path: Path) -> None:
    """Replayed and audited."""
    spent = Spent()
    with spent.measured():
        tape = bt.open(path)
        tape.audit()
    report(len(tape), spent)


def store(path: Path) -> None:
    """Tape to tables."""
    spent, tape = Spent(), bt.open(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, bt.Store(folder) as opened:
        with spent.measured():
            opened.load(tape)
        report(len(tape), spent, bytes_written=opened.status().bytes)


def main() -> None:
    """Does the task."""
    task, path, *rest = sys.argv[1:]
    match task:
        case "book":
            book(Path(path))
        case "mbp10":
            mbp10(Path(path))
        case "moments":
            moments(Path(path), int(rest[0]))
        case "audit":
            audit(Path(path))
        case "store":
            store(Path(path))
        case _:
            raise SystemExit(f"{task} is not measured here")


if __name__ == "__main__":
    main()
