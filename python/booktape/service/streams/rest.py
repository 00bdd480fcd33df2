"""Rests between two batches of what many follow: they cost less, and come sooner, where each is not sent alone."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from booktape.service.streams.clock import Clock

SHORTEST_SECONDS = 0.000_3
"""Who was done sooner goes on at once."""
LONGEST_SECONDS = 0.001
"""Long batches are made of many records, not sent alone to many: a long rest would only hold them up."""


def rest(worked: float) -> float:
    """Seconds to rest after a batch that took so many: half as many. What came meanwhile leaves as one batch.

    So a service with many readers leaves a third of its core, and who waits for that core waits for less: without a
    rest, records come twice as late on a machine that others keep busy; with a longer one, later on an idle machine.
    """
    return 0.0 if worked < SHORTEST_SECONDS else min(worked / 2, LONGEST_SECONDS)


class Rung(Protocol):
    """A bell, as far as one who hears it knows it."""

    def fileno(self) -> int:
        """What is readable once it has been rung."""

    def heard(self) -> None:
        """What comes later rings it again."""


class Watch:
    """Looks each time a bell has rung, and rests after each look. For one event loop."""

    def __init__(self, bell: Rung, look: Callable[[], object], clock: Clock) -> None:
        self._bell = bell
        self._look = look
        self._clock = clock
        self._resting: asyncio.Task[None] | None = None
        self._missed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bell.fileno(), self._rung)

    def close(self) -> None:
        """Watches no longer."""
        self._loop.remove_reader(self._bell.fileno())
        if self._resting is not None:
            self._resting.cancel()

    def _rung(self) -> None:
        self._bell.heard()
        if self._resting is None:
            self._go()
        else:
            self._missed = True

    def _go(self) -> None:
        self._resting = self._loop.create_task(self._rest(self._clock.now()))
        self._look()

    async def _rest(self, began: float) -> None:
        # A task's first step is in the loop's next round: what the look had written was sent by then.
        if seconds := rest(self._clock.now() - began):
            await self._clock.sleep(seconds, asyncio.Event())
        self._resting = None
        if self._missed:
            self._missed = False
            self._go()
