"""`booktape replay`: a tape in its own time, on the screen or as lines."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import TYPE_CHECKING

import rich_click as click

import booktape
from booktape.cli import options
from booktape.cli.book import found_at
from booktape.cli.screen import answers
from booktape.lookup import find_book, present
from booktape.moment import Moment, iso
from booktape.prices import price_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from booktape import Market, Tape
    from booktape.records import Records
    from booktape.values import Instrument, Level, View

_LONGEST_WAIT = 2.0
_PAGE = 1_000


@click.command(short_help="Play a tape in its own time.")
@click.option("--speed", type=options.Speed(), default="1", show_default=True, help="Factor of real time, or max.")
@click.option("--from", "start", metavar="TIME|INDEX", help="Where to begin. From the first record if left out.")
@options.instrument
@options.publisher
@options.depth
@options.view
@click.option("--hz", type=click.FloatRange(0.1, 60), default=10, show_default=True, help="Pictures or lines a second.")
@options.as_json
@options.reads_tape
def replay(
    *,
    tape: Tape,
    speed: float,
    start: str | None,
    instrument: str | None,
    publisher: str | None,
    depth: int,
    view: View,
    hz: float,
    as_json: bool,
) -> None:
    """Play a tape: a moving ladder on a terminal, lines of best prices in a pipe, records as JSON lines with --json.

    Gaps of more than two seconds, such as a daily halt, are shortened to that. Ctrl-C stops.
    """
    first = 0 if start is None else found_at(Moment.parse(start, "from"), tape.first_at)
    batches = tape.replay(speed, start=first, longest_wait=_LONGEST_WAIT)
    if as_json:
        _records(tape, first, batches, find_book(tape, instrument, publisher) if instrument or publisher else None)
        return
    meant = find_book(tape, instrument, publisher)
    market = tape.market_at(first - 1) if first else booktape.Market()
    if sys.stdout.isatty():
        from booktape.cli.live import moving_ladder

        with moving_ladder(meant, depth, view) as show:
            _play(market, batches, show, hz)
    else:
        _play(market, batches, lambda market: _line(market, meant, view), hz)


def _play(market: Market, batches: Iterator[Records], show: Callable[[Market], None], hz: float) -> None:
    """Applies batches as they come, and shows the market `hz` times a second at most, and at the end."""
    shown = -math.inf
    for batch in batches:
        market.apply(batch)
        now = time.monotonic()
        if now - shown >= 1 / hz:
            show(market)
            shown = now
    show(market)


def _line(market: Market, meant: Instrument, view: View) -> None:
    if (book := present(market, meant)) is None:
        return
    state = book.state(0, view=view)
    bid, ask = book.bbo(view=view)
    answers().print(f"{iso(int(state['ts_recv']))}  {market.records:>12,}  {_level(bid)} / {_level(ask)}")


def _level(level: Level | None) -> str:
    return f"{price_text(level.price)} x {level.size:,} ({level.count:,})" if level else "none"


def _records(tape: Tape, position: int, batches: Iterator[Records], only: Instrument | None) -> None:
    """Records as JSON lines, each as in the service's records route."""
    key = (only.instrument_id, only.publisher_id) if only else None
    for batch in batches:
        end = position + len(batch)
        while position < end:
            page = tape.records(position, min(end - position, _PAGE))
            position += len(page)
            lines = [
                json.dumps(record, separators=(",", ":"))
                for record in page
                if key is None or key == (record["instrument_id"], record["publisher_id"])
            ]
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
