"""The records that are measured: a real session where there is one, synthetic flow, both as plain files and as zstd."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import booktape as bt

SEED = 7
GIB = 1 << 30
SESSION = "clx5-glbx-20250924.mbo.dbn"
REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class Flow:
    """One file of records."""

    path: Path
    records: int
    tick: float


@cache
def generator() -> str:
    """Changes when the same options make other records: a file of an older generator is not taken for a new one."""
    return bt.synthesize(messages=10_000, instruments=2, seed=SEED).id.rpartition("-")[2]


class Flows:
    """Files in a folder outside the checkout, made once and kept."""

    def __init__(self, folder: Path | None = None) -> None:
        chosen = folder or os.environ.get("BOOKTAPE_BENCH_CACHE")
        self.folder = Path(chosen) if chosen else Path(tempfile.gettempdir()) / "booktape-bench"
        self.folder.mkdir(parents=True, exist_ok=True)

    def session(self) -> Flow | None:
        """The real CL session, where `BOOKTAPE_TEST_DATA` or the folder beside the checkout has it."""
        beside = REPOSITORY.parent / "shared" / "data"
        path = Path(os.environ.get("BOOKTAPE_TEST_DATA") or beside) / SESSION
        return Flow(path, len(bt.open(path)), 0.01) if path.is_file() else None

    def synthetic(self, records: int, instruments: int = 1, suffix: str = ".dbn") -> Flow:
        """Synthetic flow, some 4,000 live orders an instrument."""
        path = self.folder / f"synthetic-{instruments}x{records}-{generator()}{suffix}"
        if not path.is_file():
            print(f"making {path}", flush=True)
            bt.synthesize(messages=records, instruments=instruments, seed=SEED).to_dbn(path)
        return Flow(path, records, 0.25)

    def joined(self, piece: int, pieces: int, instruments: int = 4) -> Flow:
        """A tape of many days: the same flow again and again, each a little later than the one before."""
        records = piece * pieces
        path = self.folder / f"joined-{instruments}x{piece}x{pieces}-{generator()}.dbn"
        if not path.is_file():
            self._join(self.synthetic(piece, instruments), pieces, path)
        return Flow(path, records, 0.25)

    def _join(self, flow: Flow, pieces: int, path: Path) -> None:
        size = flow.path.stat().st_size
        free = shutil.disk_usage(self.folder).free
        if free < pieces * size + GIB:
            raise SystemExit(
                f"{path} needs {pieces * size / GIB:.1f} GiB and {self.folder} has {free / GIB:.1f} GiB free: "
                "name another folder with --cache"
            )
        print(f"making {path}, {pieces * size / GIB:.1f} GiB", flush=True)
        tape = bt.open(flow.path)
        table = tape.to_numpy().copy()
        with flow.path.open("rb") as file:
            head = file.read(size - table.nbytes)
        later = np.uint64(int(table["ts_recv"][-1] - table["ts_recv"][0]) + 1_000_000_000)
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(head)
            for _ in range(pieces):
                file.write(table.data)
                for field in ("ts_recv", "ts_event"):
                    table[field] += later
        unfinished.rename(path)
