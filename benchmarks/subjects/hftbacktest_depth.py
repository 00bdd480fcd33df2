"""hftbacktest's level 3 market depth: `hftbacktest_depth.py FILE PASSES TICK`.

The depth is reached through a backtest without a strategy: a compiled loop over `wait_next_feed` that reads both best
prices after every event. Events are marked for the local side alone, so that one depth is kept and not the exchange's
beside it. Of the depths that the package offers this is the fastest, a vector over the prices that occur. It holds
sizes by level and orders by id, but no queues.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from hftbacktest import (
    ADD_ORDER_EVENT,
    BUY_EVENT,
    CANCEL_ORDER_EVENT,
    DEPTH_CLEAR_EVENT,
    LOCAL_EVENT,
    MODIFY_ORDER_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit
from prepared import ADD, CLEAR, DELETE, UPDATE, Change, changes
from shared import Spent, records, report

EVENTS = {ADD: ADD_ORDER_EVENT, UPDATE: MODIFY_ORDER_EVENT, DELETE: CANCEL_ORDER_EVENT, CLEAR: DEPTH_CLEAR_EVENT}
UNITS = 10**9
FEED, END = 2, 1


@njit
def play(backtest: Any) -> tuple[int, int, int]:
    """Reads the best prices after every event; how many there were, why it ended, and a digest of what was read."""
    count = 0
    digest = 0
    depth = backtest.depth(0)
    answer = FEED
    while answer == FEED:
        answer = backtest.wait_next_feed(False, 10**18)
        digest ^= depth.best_bid_tick ^ depth.best_ask_tick
        count += 1
    return count, answer, digest


def event(change: Change) -> tuple[Any, ...]:
    """A change as a row of the package's event array; time is the record's number, so that events keep their order."""
    side = 0 if change.kind == CLEAR else BUY_EVENT if change.is_bid else SELL_EVENT
    time = change.index + 1
    price = change.price / UNITS
    return (EVENTS[change.kind] | side | LOCAL_EVENT, time, time, price, change.size, change.order_id, 0, 0.0)


def started(events: np.ndarray, tick: float) -> Any:
    """A backtest of the events, at its beginning."""
    prices = events["px"][events["px"] > 0]
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .l3_fifo_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0, 0)
        .tick_size(tick)
        .lot_size(1.0)
        .roi_lb(float(prices.min()) - tick)
        .roi_ub(float(prices.max()) + tick)
    )
    return ROIVectorMarketDepthBacktest([asset])


def levels(sizes: np.ndarray, lowest: int, unit: int) -> list[list[int | None]]:
    """Levels of a side in rising order: the package does not count their orders."""
    return [[(lowest + int(at)) * unit, round(sizes[at]), None] for at in np.flatnonzero(sizes > 0)]


def main() -> None:
    """Plays the file so many times, each time on a new backtest."""
    path, passes, tick = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    table = records(path)
    events = np.concatenate([np.array([event(one) for one in chunk], event_dtype) for chunk in changes(table)])
    # Compiled before, on a few events.
    play(started(events[:1000], tick))
    spent = Spent()
    backtest = started(events, tick)
    for again in range(passes):
        if again:
            backtest = started(events, tick)
        with spent.measured():
            count, answer, _ = play(backtest)
        if answer != END or count != len(events):
            raise SystemExit(f"hftbacktest stopped with {answer} after {count:,} of {len(events):,} events")
    depth = backtest.depth(0)
    unit, lowest = round(tick * UNITS), depth.roi_lb_tick
    bids, asks = levels(depth.bid_depth, lowest, unit), levels(depth.ask_depth, lowest, unit)
    state = {"instrument": int(table["instrument_id"][0]), "bids": bids[::-1], "asks": asks}
    report(len(table) * passes, spent, state=[state])


if __name__ == "__main__":
    main()
