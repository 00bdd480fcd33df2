"""The clock that paced streams run on; injected, so that an hour of tape is tested in a moment."""

import asyncio
import contextlib
import time
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from booktape._native import Alarm

EXACT_SECONDS = 0.02
"""Shorter waits are exact to tenths of a millisecond, and not cut short: event loops round theirs to milliseconds."""


class Clock(Protocol):
    """Seconds that pass, and waiting for them."""

    def now(self) -> float:
        """Seconds since any fixed moment; never goes back."""

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        """Waits so long, or until `wake` is set. Gives other tasks a turn even for no time."""

    def close(self) -> None:
        """Is used no longer."""


class WallClock:
    """The machine's monotonic clock, for one event loop."""

    def __init__(self) -> None:
        self._alarm = Alarm()  # now: later all files may be taken by connections
        self._exact: _Exact | None = None

    def now(self) -> float:
        """Seconds, monotonic."""
        return time.monotonic()

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        """Waits on the event loop."""
        if seconds <= 0:
            await asyncio.sleep(0)
        elif seconds < EXACT_SECONDS:
            if self._exact is None:
                self._exact = _Exact(self._alarm)
            await self._exact.sleep(seconds)
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()

    def close(self) -> None:
        """Lets go of the event loop."""
        if self._exact is not None:
            self._exact.close()
            self._exact = None


class _Exact:
    """Short waits, ended by an alarm."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._alarm.fileno(), self._rung)

    async def sleep(self, seconds: float) -> None:
        waiter = self._loop.create_future()
        due = time.monotonic() + seconds
        is_next = not self._waiting or due < self._waiting[0][0]
        heappush(self._waiting, (due, next(self._numbers), waiter))
        if is_next:
            self._alarm.set(seconds)
        await waiter

    def close(self) -> None:
        self._loop.remove_reader(self._alarm.fileno())
        for _, _, waiter in self._waiting:
            waiter.cancel()

    def _rung(self) -> None:
        self._alarm.heard()
        now = time.monotonic()
        while self._waiting and self._waiting[0][0] <= now:
            waiter = heappop(self._waiting)[2]
            if not waiter.done():
                waiter.set_result(None)
        if self._waiting:
            self._alarm.set(self._waiting[0][0] - now)
