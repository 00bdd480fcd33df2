"""Playing a tape in its own time, faster or slower; the clock is given, so pacing can be tested without waiting."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Protocol

from booktape.moment import NS
from booktape.parameters import bad_parameter
from booktape.records import from_buffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from booktape import _native
    from booktape.records import Records

MOST_AT_ONCE = 65_536
"""Records a batch holds at most."""

_SHORTEST_WAIT = 0.001


class Clock(Protocol):
    """A source of time in seconds."""

    def now(self) -> float:
        """Seconds since any fixed moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Returns when `now` has moved on by `seconds`."""


class WallClock:
    """Real time."""

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


def paced(
    tape: _native.Tape,
    *,
    speed: float,
    start: int,
    clock: Clock,
    longest_wait: float | None,
) -> Iterator[Records]:
    """Batches of the tape's records from position `start` on, each given when its last record is due by ts_recv.

    Records due within a millisecond come together. Where the next one is further off than `longest_wait` seconds of the
    clock, the rest of the wait is left out.
    """
    if not speed > 0:
        raise bad_parameter("speed", speed, "a number above 0, or math.inf for as fast as batches are taken")
    if longest_wait is not None and not longest_wait >= 0:
        raise bad_parameter("longest_wait", longest_wait, "seconds from 0, or None to wait however long it takes")
    return _batches(tape, speed, start, clock, math.inf if longest_wait is None else longest_wait)


def _batches(tape: _native.Tape, speed: float, position: int, clock: Clock, longest_wait: float) -> Iterator[Records]:
    began, origin = clock.now(), tape.ts_at(position)
    while (coming := tape.ts_at(position)) is not None and origin is not None:
        if math.isinf(speed):
            due = position + MOST_AT_ONCE
        else:
            due = tape.due(position, origin + int((clock.now() - began) * speed * NS))
        if due > position:
            due = min(due, position + MOST_AT_ONCE, len(tape))
            yield from_buffer(tape.buffer(position, due), due - position)
            position = due
            continue
        wait = (coming - origin) / NS / speed - (clock.now() - began)
        if wait > longest_wait:
            began -= wait - longest_wait  # as if the part that is left out had passed already
            wait = longest_wait
        clock.sleep(max(wait, _SHORTEST_WAIT))
