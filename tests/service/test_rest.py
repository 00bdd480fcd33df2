"""Whoever tells many of a tape's growth rests for a part of what that took, and tells what came meanwhile as one."""

import asyncio

from booktape._native import Alarm
from booktape.service.streams.rest import LONGEST_SECONDS, SHORTEST_SECONDS, Watch, rest


class HandClock:
    """A clock that goes when it is told to, and whose sleepers are woken by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asleep = asyncio.Queue[tuple[float, asyncio.Event]]()

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        self.asleep.put_nowait((seconds, wake))
        await wake.wait()

    def close(self) -> None:
        """Nothing to let go of."""


class HeardBell:
    """A bell that tells when it was heard."""

    def __init__(self) -> None:
        self.alarm = Alarm()
        self.times = asyncio.Queue[None]()

    def fileno(self) -> int:
        return self.alarm.fileno()

    async def ring(self) -> None:
        """As something else does: the loop is told by a file."""
        self.alarm.set(0)
        await self.times.get()

    def heard(self) -> None:
        self.alarm.heard()
        self.times.put_nowait(None)


def test_a_rest_is_half_as_long_as_the_work_within_bounds() -> None:
    assert rest(SHORTEST_SECONDS * 0.9) == 0
    assert rest(LONGEST_SECONDS * 1.4) == LONGEST_SECONDS * 0.7
    assert rest(1.0) == LONGEST_SECONDS


async def test_a_look_follows_each_ring_and_one_those_that_came_in_a_rest() -> None:
    clock, bell, looks = HandClock(), HeardBell(), []
    takes = 0.0

    def look() -> None:
        looks.append(clock.seconds)
        clock.seconds += takes

    watch = Watch(bell, look, clock)
    try:
        for _ in range(3):
            await bell.ring()
        assert len(looks) == 3, "who is done at once does not rest"
        takes = LONGEST_SECONDS
        await bell.ring()
        seconds, wake = await clock.asleep.get()
        assert (len(looks), seconds) == (4, takes / 2)
        for _ in range(5):
            await bell.ring()
        assert len(looks) == 4, "it rests"
        wake.set()
        seconds, wake = await clock.asleep.get()
        assert (len(looks), seconds) == (5, takes / 2), "once for all that rang, and then it rests again"
        takes = 0.0
        wake.set()
        await asyncio.sleep(0)
        await bell.ring()
        assert len(looks) == 6
    finally:
        watch.close()


async def test_who_is_closed_in_a_rest_looks_no_more() -> None:
    clock, bell, looks = HandClock(), HeardBell(), []

    def look() -> None:
        looks.append(clock.seconds)
        clock.seconds += LONGEST_SECONDS

    watch = Watch(bell, look, clock)
    await bell.ring()
    await clock.asleep.get()
    await bell.ring()
    watch.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)
    assert len(looks) == 1
