"""Measures everything, prints one table, and writes it as data with a plot: `python -m benchmarks`."""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.flows import Flows
from benchmarks.growth import grow
from benchmarks.machine import machine, slug, versions
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.run import run_row
from benchmarks.table import table

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench" / "bin" / "python"
#: Asked for by name or with --large: they need minutes, and gigabytes of disk.
LARGE = ("large",)
GROWTH = "growth"


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: whether everything works, not how fast it is"
    )
    parser.add_argument("--large", action="store_true", help="also the 170 million records, 9.5 GB on disk")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="these rows alone")
    parser.add_argument("--runs", type=int, default=3, help="of every subject; the figures are medians")
    parser.add_argument("--cache", type=Path, help="where the measured files are kept, outside the checkout")
    parser.add_argument("--results", type=Path, help="where to write; a quick run writes beside the measured files")
    return parser.parse_args()


def main() -> int:
    """Measures; 1 if anything could not be measured."""
    asked = options()
    before = machine()
    flows, sizes = Flows(asked.cache), QUICK if asked.quick else FULL
    plan = Plan(flows, sizes, Path(sys.executable), PEERS)
    rows = plan.rows()
    wanted = asked.only or [key for key in [*rows, GROWTH] if asked.large or key not in LARGE]
    unknown = set(wanted) - {*rows, GROWTH}
    if unknown:
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join([*rows, GROWTH])}")
    results = {
        "machine": before,
        "versions": versions(PEERS),
        "runs": asked.runs,
        "quick": asked.quick,
        "rows": [],
        "growth": [],
    }
    folder = asked.results or (flows.folder if asked.quick else HERE / "results")
    folder.mkdir(parents=True, exist_ok=True)
    # Some rows alone do not take the place of the whole table.
    part = "".join(f"-{key}" for key in asked.only or ())
    path = folder / f"{datetime.now(UTC):%Y-%m-%d}-{slug()}{part}.json"
    for key in wanted:
        if key == GROWTH:
            flow = flows.synthetic(sizes.synthetic)
            results["growth"] = grow(plan.replay, sizes.growth, flow.path, flow.records, asked.runs)
        elif (row := rows[key]()) is not None:
            results["rows"].append(run_row(row, asked.runs))
        else:
            print(f"{key}: not measured, BOOKTAPE_TEST_DATA does not have its file", file=sys.stderr)
        # After every row: what took minutes to measure is not lost with what comes after it.
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(table(results))
    print(f"\nwritten: {path}")
    subprocess.run([str(PEERS), str(HERE / "plot.py"), str(path)], check=True)
    return int(any("error" in line for row in results["rows"] for line in row["subjects"]))


if __name__ == "__main__":
    sys.exit(main())
