"""The parts of the benchmarks that decide what a table says."""

import runpy
from pathlib import Path
from typing import Any

import pytest

import booktape as bt
from benchmarks.plan import Row, Subject, Target, latencies, nanoseconds
from benchmarks.run import difference, held, measure, run_row
from benchmarks.table import row_lines

FOLDER = Path(__file__).parents[1] / "benchmarks"
PREPARED = runpy.run_path(str(FOLDER / "subjects" / "prepared.py"))


def said(line: str) -> list[str]:
    return ["/bin/echo", line]


def state(*, bids: list[Any], asks: list[Any] | None = None) -> list[dict[str, Any]]:
    return [{"instrument": 1, "bids": bids, "asks": asks or []}]


@pytest.mark.parametrize(
    ("theirs", "differing"),
    [
        ([[100, 5, 2], [99, 1, 1]], 0),
        ([[100, 5, None], [99, 1, None]], 0),
        ([[100, 6, 2], [99, 1, 1]], 1),
        ([[100, 5, 1], [99, 1, 1]], 1),
        ([[100, 5, 2]], 1),
        ([[100, 5, 2], [99, 1, 1], [98, 1, 1]], 1),
        ([], 2),
    ],
)
def test_a_difference_is_a_level_that_is_not_the_same(theirs: list[Any], differing: int) -> None:
    found = difference(state(bids=[[100, 5, 2], [99, 1, 1]]), state(bids=theirs))
    assert found["differing"] == differing
    assert (found["example"] is None) == (differing == 0)


def test_a_book_that_only_a_peer_has_differs() -> None:
    ours = state(bids=[[100, 5, 2]])
    assert difference(ours, [*ours, {"instrument": 2, "bids": [[7, 1, 1]], "asks": []}])["differing"] == 1


def test_a_row_holds_figures_against_peers_and_targets_and_says_what_failed() -> None:
    row = Row(
        "row",
        "the work",
        nanoseconds,
        [
            Subject("ours", said('{"records": 1000, "wall_s": 1e-6, "cpu_s": 1e-6, "state": []}')),
            Subject("slow", said('{"records": 1000, "wall_s": 9e-6, "cpu_s": 9e-6, "state": []}')),
            Subject("broken", ["/bin/sh", "-c", "echo what went wrong >&2; exit 3"]),
        ],
        [Target("ns", 2), Target("ns", 10, at_least=True, peer="slow"), Target("ns", 2, peer="broken")],
    )
    result = run_row(row, runs=2)
    assert [target["met"] for target in result["targets"]] == [True, False, None]
    text = "\n".join(row_lines(result))
    assert "9x  same levels" in text
    assert "failed: what went wrong" in text
    assert "target met: at most 2 ns, reached 1" in text
    assert "target missed: at least 10 times as fast as slow, reached 9" in text


def test_more_records_a_second_are_faster() -> None:
    lines = [
        {"name": name, "figures": {"M records/s": {"median": median}}}
        for name, median in (("ours", 8.0), ("theirs", 2.0))
    ]
    reached = held(Target("M records/s", 4, at_least=True, peer="theirs"), lines[0], lines)
    assert (reached["reached"], reached["met"]) == (4.0, True)


def test_percentiles_are_of_single_answers() -> None:
    times = [number / 1000 for number in range(1000, 0, -1)]
    busy = [time / 2 for time in times]
    run = {"moments_s": times, "moments_cpu_s": busy, "build_wall_s": 2.0, "index_bytes": 50, "tape_bytes": 1000}
    wanted = {"ms p50": 501.0, "ms p99": 991.0, "ms at most": 1000.0, "ms p99 on the processor": 495.5}
    assert latencies(run) == pytest.approx(wanted | {"% index": 5.0, "s to build": 2.0})


def test_a_process_that_says_nothing_is_an_error() -> None:
    assert measure(["/bin/sh", "-c", "exit 3"]) == {"error": "exit code 3"}


def levels(changes: list[Any]) -> dict[tuple[bool, int], tuple[int, int]]:
    """Size and orders by side and price of a book that knows only add, update, delete and clear."""
    orders: dict[int, tuple[bool, int, int]] = {}
    for change in changes:
        if change.kind == PREPARED["CLEAR"]:
            orders.clear()
        elif change.kind == PREPARED["DELETE"]:
            del orders[change.order_id]
        else:
            assert (change.order_id in orders) == (change.kind == PREPARED["UPDATE"])
            orders[change.order_id] = (change.is_bid, change.price, change.size)
    out: dict[tuple[bool, int], tuple[int, int]] = {}
    for is_bid, price, size in orders.values():
        total, count = out.get((is_bid, price), (0, 0))
        out[is_bid, price] = (total + size, count + 1)
    return out


def test_what_peers_are_given_leads_to_the_same_book() -> None:
    tape = bt.synthesize(
        messages=20_000, seed=3, anomalies={"unknown_cancel": 5, "unknown_modify": 5, "over_cancel": 5}
    )
    changes = [change for chunk in PREPARED["changes"](tape.to_numpy()) for change in chunk]
    market = bt.Market()
    market.apply(tape)
    (book,) = market.books()
    sides = ((True, book.bids(view="published")), (False, book.asks(view="published")))
    assert levels(changes) == {
        (is_bid, level.price): (level.size, level.count) for is_bid, side in sides for level in side
    }


def test_every_peer_is_locked_with_hashes() -> None:
    locked = (FOLDER / "requirements.txt").read_text()
    for peer in (FOLDER / "requirements.in").read_text().split():
        assert f"\n{peer.replace('_', '-')}==" in locked
    pinned = [block for block in locked.split("\n") if "==" in block]
    assert pinned
    assert all(line.endswith("\\") for line in pinned)
