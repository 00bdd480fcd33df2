"""How cost grows: with the number of price levels, with the length of a queue, with the number of records."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plan import nanoseconds
from benchmarks.run import measure, spread

BOOKS = ("book", "textbook")


def grow(replay: str, sizes: Sequence[int], file: Path, records: int, runs: int) -> list[dict[str, Any]]:
    """One entry for each dimension, book and size: nanoseconds a record."""
    shapes = {
        "levels": [(size, ["levels", "{book}", str(size)]) for size in sizes if size >= 10],
        "queue": [(size, ["queue", "{book}", str(size)]) for size in sizes],
        "records": [(records // part, ["{book}", str(file), "1", str(records // part)]) for part in (100, 10, 1)],
    }
    out = []
    for shape, cases in shapes.items():
        for size, words in cases:
            for book in BOOKS:
                print(f"  growth: {shape} {size:,}, {book}", file=sys.stderr, flush=True)
                command = [replay, *(word.format(book=book) for word in words)]
                figures = [nanoseconds(measure(command))["ns"] for _ in range(runs)]
                out.append({"shape": shape, "size": size, "book": book, "ns": spread(figures)})
    return out
