"""The clock that paced streams run on; injected, so that an hour of tape is tested in a moment."""

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that pass, and waiting for them."""

    def now(self) -> float:
        """Seconds since any fixed moment; never goes back."""

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        """Waits so long, or until `wake` is set. Gives other tasks a turn even for no time."""


class WallClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds, monotonic."""
        return time.monotonic()

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        """Waits on the event loop."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()
