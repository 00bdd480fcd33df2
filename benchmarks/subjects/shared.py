"""What the measured programs share: records from a file, clocks, the line that each one prints.

Imports nothing but the standard library and numpy, which both environments have.
"""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

#: The 56 bytes of an MBO record, as in DBN versions 1 to 3.
MBO = np.dtype(
    [
        ("length", "u1"),
        ("rtype", "u1"),
        ("publisher_id", "<u2"),
        ("instrument_id", "<u4"),
        ("ts_event", "<u8"),
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("size", "<u4"),
        ("flags", "u1"),
        ("channel_id", "u1"),
        ("action", "S1"),
        ("side", "S1"),
        ("ts_recv", "<u8"),
        ("ts_in_delta", "<i4"),
        ("sequence", "<u4"),
    ]
)


def records(path: Path) -> np.ndarray:
    """The records of a plain DBN file that holds nothing else."""
    with path.open("rb") as file:
        head = file.read(8)
        if head[:3] != b"DBN":
            raise SystemExit(f"{path} is not plain DBN")
        file.seek(int.from_bytes(head[4:], "little"), 1)
        return np.fromfile(file, MBO)


class Spent:
    """Seconds by the wall and on the processor, over all measured stretches."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measures what is done within, without the garbage collector."""
        gc.disable()
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.cpu += time.process_time() - cpu
            self.wall += time.perf_counter() - wall
            gc.enable()


def report(records: int, spent: Spent, *, state: list[dict[str, Any]] | None = None, **more: Any) -> None:
    """Prints what was measured as one line of JSON.

    `state` are the final books, each with its instrument and its levels, best first, as `[price, size, orders]`; orders
    are None where the subject does not count them.
    """
    print(json.dumps({"records": records, "wall_s": spent.wall, "cpu_s": spent.cpu, "state": state, **more}))
