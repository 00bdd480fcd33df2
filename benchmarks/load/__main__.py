"""Measures the service under load, prints one table, and writes it as data: `python -m benchmarks.load`."""

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.flows import Flows
from benchmarks.load.client import PROGRAM, run
from benchmarks.load.plan import FULL, QUICK, Plan
from benchmarks.machine import machine, said, slug
from benchmarks.run import run_row
from benchmarks.table import row_lines

RESULTS = Path(__file__).parent.parent / "results"
PARTS = ("booktape", "litestar", "uvicorn", "uvloop", "httptools")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few clients: whether everything works, not how fast")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows alone")
    parser.add_argument("--runs", type=int, default=1, help="of every row; the figures are medians")
    parser.add_argument("--cache", type=Path, help="where the served files are kept, outside the checkout")
    parser.add_argument("--results", type=Path, help="where to write; a quick run writes beside the served files")
    return parser.parse_args()


def main() -> int:
    """Measures; 1 if anything could not be measured."""
    asked = options()
    before = machine() | {"stalls": run("stalls")}
    flows = Flows(asked.cache)
    rows = Plan(flows, QUICK if asked.quick else FULL).rows()
    if unknown := set(asked.only or ()) - set(rows):
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    results = {
        "machine": before,
        "versions": {
            "commit": said("git", "describe", "--always", "--dirty", "--abbrev=10"),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": sys.version.split()[0],
            "own": {part: version(part) for part in PARTS},
            "client": subprocess.run([PROGRAM, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout,
        },
        "runs": asked.runs,
        "quick": asked.quick,
        "rows": [],
    }
    folder = asked.results or (flows.folder if asked.quick else RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    part = "".join(f"-{key}" for key in asked.only or ())
    path = folder / f"{datetime.now(UTC):%Y-%m-%d}-{slug()}-load{part}.json"
    print(f"{before['processor']}, {before['cores']} cores, {before['memory_gib']} GiB; load {before['load_before']}")
    stalls = before["stalls"]
    print(
        f"threads that only look at the clock, one a core, were not run {stalls['percent']:.1f} % of the time: "
        f"a wait of {stalls['p999']:.1f} ms at p99.9, and {stalls['max']:.1f} at most"
    )
    for key in asked.only or rows:
        row = rows[key]()
        if row is None:
            continue
        result = run_row(row, asked.runs) | {"load_after": [round(load, 2) for load in os.getloadavg()]}
        results["rows"].append(result)
        print("\n".join(row_lines(result)), flush=True)
        # After every row: what took minutes to measure is not lost with what comes after it.
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(f"\nwritten: {path}")
    return int(any("error" in line for row in results["rows"] for line in row["subjects"]))


if __name__ == "__main__":
    sys.exit(main())
