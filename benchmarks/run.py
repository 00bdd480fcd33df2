"""Runs subjects, each in a process of its own, and makes figures of what they print."""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plan import Row, Run, Subject, Target

SAMPLE_SECONDS = 0.02


def private_bytes(pid: int) -> int:
    """Private memory of a process: anonymous pages, the page cache not counted. 0 where the system does not say."""
    try:
        found = re.search(r"RssAnon:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def measure(command: Sequence[str]) -> Run:
    """One run: what the process printed, and the most private memory it was seen to have. An `error` if it failed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak = 0
        output: tuple[str, str] | None = None
        while output is None:
            try:
                output = process.communicate(timeout=SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                peak = max(peak, private_bytes(process.pid))
        printed, complaint = output
    if process.returncode:
        said = complaint.strip().splitlines() or [f"exit code {process.returncode}"]
        return {"error": said[-1]}
    run: Run = json.loads(printed.splitlines()[-1])
    return run | {"peak_anon_bytes": peak}


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median, and the lowest and highest beside it."""
    return {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}


Levels = dict[tuple[int, str, int], list[Any]]


def levels(books: list[dict[str, Any]]) -> Levels:
    """Size and orders of every level, by instrument, side and price."""
    return {
        (book["instrument"], side, price): [size, orders]
        for book in books
        for side in ("bids", "asks")
        for price, size, orders in book[side]
    }


def difference(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """How many levels of the final books differ, of how many, and the first one. Orders count where they are known."""
    here, there = levels(ours), levels(theirs)
    places = sorted(here.keys() | there.keys())
    differing = [place for place in places if not same(here.get(place), there.get(place))]
    example = [differing[0], here.get(differing[0]), there.get(differing[0])] if differing else None
    return {"levels": len(places), "differing": len(differing), "example": example}


def same(one: list[Any] | None, two: list[Any] | None) -> bool:
    """Whether two levels are there, and alike."""
    if one is None or two is None:
        return False
    return one[0] == two[0] and (None in (one[1], two[1]) or one[1] == two[1])


def run_row(row: Row, runs: int) -> dict[str, Any]:
    """All runs of a row. The order of the subjects turns from run to run, so that none always follows the same one."""
    subjects = list(row.subjects)
    taken: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
    states: dict[str, Any] = {}
    for number in range(min(runs, row.most_runs)):
        turn = number % len(subjects)
        for subject in subjects[turn:] + subjects[:turn]:
            print(f"  {row.key}: {subject.name}, run {number + 1}", file=sys.stderr, flush=True)
            run = measure(subject.command)
            states[subject.name] = run.pop("state", None)
            taken[subject.name].append(run)
    results = [result(row, subject, taken[subject.name]) for subject in subjects]
    compare(row, results, states)
    first = results[0]
    return {
        "key": row.key,
        "title": row.title,
        "subjects": results,
        "targets": [held(target, first, results) for target in row.targets] if "error" not in first else [],
    }


def result(row: Row, subject: Subject, runs: list[Run]) -> dict[str, Any]:
    """A subject's line of the table."""
    failed = [run["error"] for run in runs if "error" in run]
    if failed:
        return {"name": subject.name, "error": failed[0]}
    figures = [row.figures(run) for run in runs]
    kept = [{key: value for key, value in run.items() if not key.startswith("moments_")} for run in runs]
    return {
        "name": subject.name,
        "figures": {name: spread([one[name] for one in figures]) for name in figures[0]},
        "cpu_share": statistics.median(run["cpu_s"] / run["wall_s"] for run in runs) if "cpu_s" in runs[0] else None,
        "runs": kept,
    }


def compare(row: Row, results: list[dict[str, Any]], states: dict[str, Any]) -> None:
    """Sets each subject's ratio to the first one's figure, and how its final books differ from that one's."""
    first = results[0]
    for subject, line in zip(row.subjects, results, strict=True):
        if line is first or "error" in line or "error" in first:
            continue
        if row.comparable:
            line["ratio"] = ratio(first, line, next(iter(first["figures"])))
        if subject.builds:
            line["difference"] = difference(states[first["name"]], states[subject.name])


def ratio(first: dict[str, Any], other: dict[str, Any], figure: str) -> float:
    """How many times as fast the first one is."""
    one, two = (line["figures"][figure]["median"] for line in (first, other))
    return float(one / two if figure.endswith("/s") else two / one)


def held(target: Target, first: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """A figure held against its target."""
    reached: float | None = None
    if target.peer is None:
        reached = first["figures"][target.figure]["median"]
    else:
        peer = next(line for line in results if line["name"] == target.peer)
        reached = ratio(first, peer, target.figure) if "error" not in peer else None
    met = None if reached is None else reached >= target.bound if target.at_least else reached <= target.bound
    return {
        "figure": target.figure if target.peer is None else f"times as fast as {target.peer}",
        "bound": target.bound,
        "at_least": target.at_least,
        "reached": reached,
        "met": met,
    }
