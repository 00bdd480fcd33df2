"""One replay: a place on a tape that moves with a clock, and that many follow."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog

from booktape import BooktapeError
from booktape.service.deck import LoadedTape
from booktape.service.replays.schemas import ReplayState, Stride, WhenUnwatched
from booktape.service.streams.clock import Clock
from booktape.service.streams.events import event
from booktape.service.streams.lead import TICK
from booktape.service.streams.pace import Pace
from booktape.service.streams.rest import rest
from booktape.service.streams.schemas import ByeReason, JumpReason
from booktape.service.streams.signal import Signal

log = structlog.get_logger(__name__)

FRAME = 1 / 60
"""Seconds between two turns without a clock where only screens watch."""
UNPACED_STEP = 4_096
"""Records a turn where there is no clock."""
LAPS = 64
"""Laps behind that a follower may be and still get the rest of its own."""
LAP_PAUSE = 1.0
"""Seconds at the end of the tape before the next lap."""


class Replay:
    """A shared playback; a lead for streams. Its methods are for the event loop alone."""

    shared = True
    ended = False

    def __init__(
        self,
        replay_id: str,
        tape: LoadedTape,
        clock: Clock,
        moved: Signal,
        *,
        position: int = 0,
        playing: bool = True,
        speed: float | None = 1.0,
        loop: bool = False,
        longest_wait: float = 2.0,
        when_unwatched: WhenUnwatched = "pause",
        default: bool = False,
    ) -> None:
        self.id = replay_id
        self.tape = tape
        self.playing = playing
        self.speed = speed
        self.loop = loop
        self.longest_wait = longest_wait
        self.when_unwatched = when_unwatched
        self.default = default
        self.at_head = False
        """Whether it follows the end of a tape that grows."""
        self.version = 1
        self.limit = position
        # Epochs of a service that was started again must not mean those of the one before.
        self.epoch = time.time_ns() // 1_000_000
        self.entry: tuple[int, JumpReason] = (position, "seek")
        self.watchers = 0
        self._readers = 0
        self._over: ByeReason | None = None
        self._clock = clock
        self.moved = moved
        self._wake = asyncio.Event()
        self._pace: Pace | None = None
        self._lap_at: float | None = None
        self._laps: OrderedDict[int, int] = OrderedDict()
        self._taken = True

    @property
    def ids(self) -> str:
        """What stands before a position in an event's id."""
        return f"{self.epoch}:"

    @property
    def over(self) -> ByeReason | None:
        """Why its followers should say goodbye."""
        return "removed" if self.tape.removed else self._over

    def finish(self, epoch: int) -> int:
        """How far a follower goes in an epoch that is over: to the end of the tape, where the next lap began."""
        return self._laps.get(epoch, 0)

    def state(self) -> bytes:
        """An `event: state`."""
        return event("state", self.describe())

    def describe(self) -> ReplayState:
        """Where it is and what it does."""
        ts = self.tape.ts_at(max(self.limit - 1, self.tape.first))
        return ReplayState(
            id=self.id,
            tape=self.tape.id,
            index=self.limit,
            total=len(self.tape),
            ts_recv=None if ts is None else str(ts),
            epoch=self.epoch,
            playing=self.playing,
            speed="max" if self.speed is None else self.speed,
            loop=self.loop,
            at_head=self.at_head,
            longest_wait=self.longest_wait,
            when_unwatched=self.when_unwatched,
            watchers=self.watchers,
            default=self.default,
        )

    # Followers.

    @contextmanager
    def watched(self, *, reads: bool) -> Iterator[None]:
        """While somebody watches; `reads` every record, or a screen."""
        self.watchers += 1
        self._readers += reads
        if self.watchers == 1:
            self._go_on()
        try:
            yield
        finally:
            self.watchers -= 1
            self._readers -= reads
            self._wake.set()

    async def more(self, position: int) -> None:
        """Waits until it has moved for a follower who has everything up to `position`."""
        if position >= self.limit:
            self.taken(position)
            await self.moved.wait()

    def taken(self, position: int) -> None:
        """Somebody who reads has everything up to a position: without a clock, that is when it goes on."""
        if not self._taken and position >= self.limit:
            self._taken = True
            if self.speed is None:
                self._wake.set()

    # Controls.

    def play(self) -> None:
        """Plays; at the end of a tape that is complete, from its beginning."""
        if not self.playing:
            self.playing = True
            if self.tape.complete and self.limit >= len(self.tape):
                self._jump(self.tape.first, "loop")
            self._changed()

    def pause(self) -> None:
        """Stays where it is."""
        if self.playing:
            self.playing = self.at_head = False
            self._changed()

    def seek(self, position: int) -> None:
        """Goes to a position, at which the next record is the one of that index."""
        self._jump(position, "seek")
        self._changed()

    def step(self, by: Stride, count: int, instrument_id: int | None = None) -> None:
        """Pauses so many strides on, or back; after a trade, at the end of its event, where screens show it.

        Steps forward are played; steps back are jumps.
        """
        self.playing = self.at_head = False
        position = self._stride(by, count, instrument_id)
        if position >= self.limit:
            self.limit = position
        else:
            self._jump(position, "seek")
        self._changed()

    def _stride(self, by: Stride, count: int, instrument_id: int | None) -> int:
        step = self.tape.head.step
        if by != "trade":
            return step(self.limit, by, count, instrument_id)
        # Going back, another trade of the same event would lead to where it is.
        start = self.limit if count > 0 else step(self.limit, "event", -1) + 1
        trade = step(min(start, self.limit), "trade", count, instrument_id)
        return step(trade - 1, "event", 1) if trade > self.tape.first else trade

    def set(
        self,
        *,
        speed: float | Literal["same"] | None = "same",
        loop: bool | None = None,
        longest_wait: float | None = None,
        when_unwatched: WhenUnwatched | None = None,
    ) -> None:
        """Changes how it plays; what is left out stays."""
        if speed != "same":
            self.speed = speed
        if loop is not None:
            self.loop = loop
        if longest_wait is not None:
            self.longest_wait = longest_wait
        if when_unwatched is not None:
            self.when_unwatched = when_unwatched
        self._changed()

    def end(self) -> None:
        """Ends it: followers are told goodbye."""
        self._over = "ended"
        self._changed()

    # Time.

    def turn(self) -> float | None:
        """Goes as far as is due now; seconds until the next turn, or None where only a change brings one."""
        if self.limit < self.tape.first:  # the record it stood at was dropped
            self._jump(self.tape.first, "seek")
            self._changed()
        if not self.playing or (self.watchers == 0 and self.when_unwatched != "run"):
            self._pace = None
            return None
        total = len(self.tape)
        if self.at_head:
            self._move(total)
        if self.limit >= total:
            return self._at_end()
        if self.speed is None:
            return self._unpaced(total)
        pace = self._pace
        if pace is None:
            pace = self._pace = Pace(self.tape, self.limit, self.speed, self._clock, longest_wait=self.longest_wait)
        self._move(pace.due(self.limit))
        if self.limit >= total:
            return 0.0
        return max(pace.wait(self.limit), TICK)

    async def run(self, on_unwatched: Callable[["Replay"], object] = lambda _: None) -> None:
        """Plays until it ends. Called with itself when nobody watches any longer."""
        watched = False
        growth = self.tape.growth
        growth.listen(self._wake.set)
        try:
            while self.over is None:
                self._wake.clear()
                if watched and not self.watchers:
                    on_unwatched(self)
                watched = self.watchers > 0
                began = self._clock.now()
                wait = self._turn()
                await asyncio.sleep(0)  # what it had written is sent by then
                least = rest(self._clock.now() - began)
                if wait is None:
                    if least:
                        await self._clock.sleep(least, self._wake)
                    await self._wake.wait()
                else:
                    await self._clock.sleep(wait and max(wait, least), self._wake)
        finally:
            growth.forget(self._wake.set)
        self.moved.fire()

    def _turn(self) -> float | None:
        try:
            return self.turn()
        except BooktapeError as why:  # its file is not what it was: whoever watches sees that it stands still
            log.warning("replay_paused", replay=self.id, tape=self.tape.id, why=str(why))
            self.pause()
            return None

    def _at_end(self) -> float | None:
        self._pace = None
        if not self.tape.complete:
            if not self.at_head:
                self.at_head = True
                self._changed()
            return None
        self.at_head = False
        if not self.loop or not len(self.tape):
            self.playing = False
            self._changed()
            return None
        now = self._clock.now()
        if self._lap_at is None:
            self._lap_at = now + LAP_PAUSE
        if now < self._lap_at:
            return self._lap_at - now
        self._jump(self.tape.first, "loop")
        self._changed()
        return 0.0

    def _unpaced(self, total: int) -> float | None:
        """As fast as the fastest reader takes it; at a steady rate where there is none."""
        if self._readers and not self._taken:
            return None
        self._move(min(self.limit + UNPACED_STEP, total))
        return 0.0 if self._readers else FRAME

    def _move(self, position: int) -> None:
        if position > self.limit:
            self.limit = position
            self._taken = False
            self.moved.fire()

    def _jump(self, position: int, reason: JumpReason) -> None:
        if reason == "loop":
            self._laps[self.epoch] = self.limit
            if len(self._laps) > LAPS:
                self._laps.popitem(last=False)
        else:
            self._laps.clear()
        self.epoch = max(self.epoch + 1, time.time_ns() // 1_000_000)
        self.entry = (position, reason)
        self.limit = position
        self._lap_at = None
        self._taken = True
        self.at_head = False

    def _go_on(self) -> None:
        self._pace = None
        self._wake.set()

    def _changed(self) -> None:
        self.version += 1
        self._go_on()
        self.moved.fire()
