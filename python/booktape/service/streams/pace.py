"""How tape time follows a clock: which records are due now, and how long until the next."""

import math
from typing import Protocol

from booktape.service.streams.clock import Clock

NS = 1_000_000_000
"""Nanoseconds in a second."""


class Timeline(Protocol):
    """What pacing needs of a tape."""

    def due(self, position: int, ts: int) -> int:
        """The first position from `position` on whose record is later than `ts`."""

    def ts_at(self, position: int) -> int | None:
        """ts_recv of the record at a position; None at the end."""


class Pace:
    """Replays records by ts_recv: tape time is that of the first record plus elapsed time times speed.

    A wait longer than `longest_wait` seconds is left out: time jumps to the next record, so that a daily halt is not an
    hour of silence.
    """

    def __init__(
        self, tape: Timeline, position: int, speed: float, clock: Clock, *, longest_wait: float = math.inf
    ) -> None:
        self._tape = tape
        self._speed = speed
        self._clock = clock
        self._longest_wait = longest_wait
        self._since = clock.now()
        self._origin = tape.ts_at(position) or 0

    def due(self, position: int) -> int:
        """How far a replay that stands at `position` gets now."""
        return self._tape.due(position, self._tape_time())

    def wait(self, position: int) -> float:
        """Seconds until the record at `position` is due; 0 at the end."""
        ts = self._tape.ts_at(position)
        if ts is None:
            return 0.0
        seconds = (ts - self._tape_time()) / NS / self._speed
        if seconds > self._longest_wait:
            self._since = self._clock.now()
            self._origin = ts
            return 0.0
        return max(seconds, 0.0)

    def _tape_time(self) -> int:
        return self._origin + int((self._clock.now() - self._since) * self._speed * NS)
