"""`booktape record`: a live feed onto a tape of the data folder."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, warn, write_json
from booktape.cli.upstream import asks_upstream, symbols_of, upstream_of
from booktape.symbology import ALL_SYMBOLS

if TYPE_CHECKING:
    from booktape.ingest import Event, Recorder

_BETWEEN_LINES = 0.25
_LAST_WORDS = 10.0
"""Seconds for a connection that is being made to be given up."""


@click.command(short_help="Record a live feed from Databento.")
@click.option("--dataset", required=True, metavar="CODE", help="Databento's code, such as GLBX.MDP3.")
@click.option("--symbols", default=ALL_SYMBOLS, show_default=True, metavar="SYMBOL,…", help="Symbols, commas between.")
@asks_upstream
@click.option(
    "--schema",
    "beside",
    multiple=True,
    metavar="NAME",
    help="Record this beside mbo: definition, status, …; repeat it.",
)
@click.option("--start", metavar="TIME", help="Begin here: an ISO time, ns:<nanoseconds>, or 0 for all there is.")
@click.option(
    "--name", metavar="NAME", help="The tape's name; one that is there goes on. Dataset and symbols if left out."
)
@click.option(
    "--for", "seconds", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Stop after so long."
)
@click.option("--once", is_flag=True, help="Stop when the upstream closes the connection in good order.")
@options.as_json
def record(
    *,
    dataset: str,
    symbols: str,
    stype_in: str,
    snapshot: bool,
    upstream: tuple[str, int] | None,
    beside: tuple[str, ...],
    start: str | None,
    name: str | None,
    seconds: float | None,
    once: bool,
    as_json: bool,
) -> None:
    """Record a live feed onto a tape of the data folder (BOOKTAPE_DATA_DIR), until Ctrl-C.

    The key comes from DATABENTO_API_KEY or DBN_KEY. A connection that breaks off is taken up where the tape ends,
    without loss or repetition; what the upstream cannot give any more is a gap, which the tape tells. The same command
    goes on with the same tape. What is promised is in docs/live.md.
    """
    from booktape import Store
    from booktape.ingest import Recorder, Subscription, open_or_create

    subscription = Subscription(
        dataset,
        symbols_of(symbols),
        stype_in,
        tuple(schema for schema in beside if schema != "mbo"),
        snapshot,
        None if start is None else _start_of(start),
    )
    asked = upstream_of(upstream)
    with Store(options.store_folder()) as store:
        tape = open_or_create(store, name or subscription.name, dataset)
        recorder = Recorder(tape, subscription, asked, once=once, tell=_tell)
        began = len(tape)
        _run(recorder, seconds)
        tape.flush()
        _sum_up(recorder, began, as_json=as_json)


def _start_of(text: str) -> int:
    from booktape.moment import Moment
    from booktape.parameters import bad_parameter

    moment = Moment.parse(text, "start")
    if moment.ts is None and moment.index != 0:
        raise bad_parameter("start", text, "an ISO time, ns:<nanoseconds>, or 0 for all there is")
    return moment.ts or 0


def _tell(event: Event) -> None:
    if event.kind != "closed":
        warn(event.text)


def _run(recorder: Recorder, seconds: float | None) -> None:
    """Runs it in a thread, so that this one hears Ctrl-C, which ends it in good order."""
    failures: list[BaseException] = []
    # Not the thread's own: where Ctrl-C interrupts a `join`, Python 3.11 takes the thread for ended.
    ended = threading.Event()

    def run() -> None:
        try:
            recorder.run()
        except BaseException as failure:  # noqa: BLE001 - raised again by whoever waits
            failures.append(failure)
        finally:
            ended.set()

    threading.Thread(target=run, name="booktape-record", daemon=True).start()
    try:
        _wait(ended, recorder, seconds)
    except KeyboardInterrupt:
        pass
    finally:
        recorder.stop()
        ended.wait(_LAST_WORDS)
        recorder.settle()
    if failures:
        raise failures[0]


def _wait(ended: threading.Event, recorder: Recorder, seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    shows = sys.stderr.isatty()
    before, at = 0, time.monotonic()
    while not ended.is_set():
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            break
        ended.wait(_BETWEEN_LINES if left is None else min(left, _BETWEEN_LINES))
        if shows:
            now, records = time.monotonic(), recorder.progress.records
            sys.stderr.write(f"\r\x1b[K{_line(recorder, (records - before) / (now - at))}")
            sys.stderr.flush()
            before, at = records, now
    if shows:
        sys.stderr.write("\r\x1b[K")


def _line(recorder: Recorder, rate: float) -> str:
    progress = recorder.progress
    silence = "" if progress.silence is None else f", {progress.silence:.0f} s since the last"
    gaps = f", {progress.gaps} gaps" if progress.gaps else ""
    return f"{progress.records:,} records, {rate:,.0f}/s, lag {progress.lag:.3f} s{silence}{gaps}"


def _sum_up(recorder: Recorder, began: int, *, as_json: bool) -> None:
    tape, progress = recorder.tape, recorder.progress
    if as_json:
        told = {
            "tape": tape.id,
            "name": tape.name,
            "records": progress.records,
            "others": progress.others,
            "repeated": progress.repeated,
            "gaps": progress.gaps,
            "sessions": progress.sessions,
            "first": began,
            "next": len(tape),
        }
        write_json(json.dumps(told).encode())
        return
    gaps = f", {progress.gaps} gaps" if progress.gaps else ""
    answers().print(f"{tape.id}: {progress.records:,} records{gaps}, {len(tape):,} in all", soft_wrap=True)
