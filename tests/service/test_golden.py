"""The figures of real files, over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import booktape as bt
from tests.golden import check_clx5, check_esm4
from tests.service.running import Running, ends_well, events, serving


def served(path: Path, check: Callable[[Any], None]) -> None:
    tape = bt.open(path)
    with serving(tape) as running:
        audit = running.get(f"/api/v1/tapes/{tape.id}/audit")
        check(audit)
        _book_agrees(running, tape, audit)
        _streams_agree(running, tape, audit)


def _book_agrees(running: Running, tape: bt.Tape, audit: dict[str, Any]) -> None:
    (book,) = audit["books"]
    path = f"/api/v1/tapes/{tape.id}/book"
    for view, prefix in (("published", ""), ("matched", "matched_")):
        state = running.get(path, view=view)
        assert state["index"] == len(tape)
        assert (state["order_count"], state["bid_levels"], state["ask_levels"]) == (
            book["orders"],
            book["bid_levels"],
            book["ask_levels"],
        )
        assert {key: state["bids"][0][key] for key in book[f"{prefix}bid"]} == book[f"{prefix}bid"]
        assert {key: state["asks"][0][key] for key in book[f"{prefix}ask"]} == book[f"{prefix}ask"]
        assert (state["executions"], state["uncross"]) == (book["executions"], book["uncross"])


def _streams_agree(running: Running, tape: bt.Tape, audit: dict[str, Any]) -> None:
    path = f"/api/v1/tapes/{tape.id}"
    full = running.stream("/api/mbo/stream/json/0")
    assert ends_well(full)
    skipped = [event for event in events(full) if "Err" in event.data["market_effect"]["book_effect"]]
    assert len(skipped) == audit["anomalies"]["unknown_cancel"]
    last = [event for event in events(running.stream(f"{path}/depth", speed="max")) if event.name == "message"][-1]
    state = running.get(f"{path}/book")
    assert last.data["bids"] == [[level["price"], level["size"], level["count"]] for level in state["bids"]]
    assert last.data["asks"] == [[level["price"], level["size"], level["count"]] for level in state["asks"]]
    assert (last.data["crossed"], last.data["locked"]) == (state["crossed"], state["locked"])


def test_cl_futures_that_end_in_a_crossed_auction(clx5: Path) -> None:
    served(clx5, check_clx5)


def test_es_futures_from_a_snapshot(esm4: Path) -> None:
    served(esm4, check_esm4)


@pytest.mark.parametrize("at", ["2025-09-24T21:47:19Z", "2025-09-24T21:59:59.5Z"])
def test_a_moment_of_the_auction(clx5: Path, at: str) -> None:
    tape = bt.open(clx5)
    with serving(tape) as running:
        published = running.get(f"/api/v1/tapes/{tape.id}/book", at=at, view="published")
        matched = running.get(f"/api/v1/tapes/{tape.id}/book", at=at)
    book = tape.book_at(at.removesuffix("Z"))
    bid, ask = book.bbo(view="published")
    assert bid is not None
    assert ask is not None
    assert (published["bids"][0]["price"], published["asks"][0]["price"]) == (str(bid.price), str(ask.price))
    assert int(matched["bids"][0]["price"]) < int(matched["asks"][0]["price"])
