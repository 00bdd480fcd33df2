"""Screens: the top of a book as it moves along a tape, conflated to so many frames a second."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from anyio import to_thread

from booktape._native import DepthStream
from booktape.service.deck import LoadedTape
from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.clock import Clock
from booktape.service.streams.events import HEARTBEAT, STREAM_END, bye, jump
from booktape.service.streams.pace import Pace
from booktape.service.tapes.tree import BookKey
from booktape.values import View

LONGEST_WAIT_SECONDS = 2.0
"""Longer waits between records are left out of a screen's time."""
UNPACED_STEP = 1_000
"""Records a frame where there is no clock."""
INLINE_RECORDS = 5_000
"""Fewer records than this are applied on the event loop: a thread's turn costs more than they do."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a client wants to see."""

    tape: LoadedTape
    key: BookKey
    levels: int
    view: View
    trades: bool
    hertz: float
    speed: float | None
    """A factor of real time; None without a clock: a frame every 1,000 records, as fast as the client reads."""
    loop: bool

    async def at(self, position: int) -> DepthStream:
        """The screen's book at a position."""
        return await self.tape.depth_stream(position, self.key, levels=self.levels, view=self.view, trades=self.trades)


class DepthStreams:
    """Makes the bodies of depth streams."""

    def __init__(self, lifecycle: Lifecycle, clock: Clock, heartbeat: float) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat

    async def follow(self, screen: Screen, position: int) -> AsyncIterator[bytes]:
        """SSE frames of a book from a position to the end of the tape, over and over where it loops."""
        while True:
            depth = await screen.at(position)
            yield depth.frame()
            async for event in self._play(screen, depth, position):
                yield event
            if self._lifecycle.closing.is_set():
                yield bye(depth.position)
                return
            if not screen.loop or not len(screen.tape):
                yield STREAM_END
                return
            position = 0
            yield jump(position)

    async def _play(self, screen: Screen, depth: DepthStream, position: int) -> AsyncIterator[bytes]:
        end = len(screen.tape)
        pace = None
        if screen.speed is not None:
            pace = Pace(screen.tape, position, screen.speed, self._clock, longest_wait=LONGEST_WAIT_SECONDS)
        sent_at = self._clock.now()
        while position < end and not self._lifecycle.closing.is_set():
            # At least one turn of the event loop a frame, also where nothing is waited for.
            await self._clock.sleep(self._until_next(screen, pace, position), self._lifecycle.closing)
            position = min(end, position + UNPACED_STEP) if pace is None else pace.due(position)
            event = await _advance(depth, position)
            if event is None and self._clock.now() - sent_at >= self._heartbeat:
                event = HEARTBEAT
            if event is not None:
                yield event
                sent_at = self._clock.now()

    def _until_next(self, screen: Screen, pace: Pace | None, position: int) -> float:
        if pace is None:
            return 0.0
        return max(1 / screen.hertz, min(pace.wait(position), self._heartbeat))


async def _advance(depth: DepthStream, position: int) -> bytes | None:
    if position - depth.position > INLINE_RECORDS:
        return await to_thread.run_sync(depth.advance, position)
    return depth.advance(position)
