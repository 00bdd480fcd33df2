"""What streams follow: how far along a tape they may go, and waiting until it is further."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from booktape.service.streams.pace import Pace
from booktape.service.streams.schemas import ByeReason, JumpReason
from booktape.service.streams.signal import Signal

if TYPE_CHECKING:
    import asyncio

    from booktape.service.deck import LoadedTape
    from booktape.service.streams.clock import Clock


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands: a position, and in which epoch of its lead."""

    position: int
    epoch: int = 0


class Lead(Protocol):
    """A place on a tape that moves forward; where it goes anywhere else, an epoch begins."""

    @property
    def tape(self) -> "LoadedTape":
        """The tape it moves along."""

    @property
    def epoch(self) -> int:
        """Which time it goes along the tape: 0 where there is only one."""

    @property
    def ids(self) -> str:
        """What stands before a position in an event's id."""

    @property
    def version(self) -> int:
        """Changes with whatever `state` tells; 0 where there is nothing to tell."""

    @property
    def shared(self) -> bool:
        """Whether several clients follow it, and so get the same frames."""

    @property
    def limit(self) -> int:
        """Records before this position may be sent."""

    @property
    def ended(self) -> bool:
        """Whether it stays where it is for ever."""

    @property
    def over(self) -> ByeReason | None:
        """Why its followers should say goodbye, though it has not ended."""

    @property
    def moved(self) -> Signal:
        """Fired when it is further, and when there is anything else to see."""

    def state(self) -> bytes:
        """An event that tells what followers should know."""

    def taken(self, position: int) -> None:
        """Somebody has everything up to a position."""

    def finish(self, epoch: int) -> int:
        """How far a follower goes in an epoch that is over before it jumps."""

    @property
    def entry(self) -> tuple[int, JumpReason]:
        """Where the epoch began, and why."""

    async def more(self, position: int) -> None:
        """Waits for something new for a follower who has everything up to `position`; may return early."""


TICK = 0.0005
"""Seconds between two batches at least: what became due in between leaves as one."""


class _OwnLead:
    """What leads have in common that go along a tape once."""

    epoch = 0
    ids = ""
    version = 0
    shared = False

    def __init__(self, tape: "LoadedTape") -> None:
        self.tape = tape

    @property
    def over(self) -> ByeReason | None:
        """Whether the tape was removed."""
        return "removed" if self.tape.removed else None

    @property
    def entry(self) -> tuple[int, JumpReason]:
        """The beginning: it never jumps."""
        return 0, "loop"

    @property
    def moved(self) -> Signal:
        """The tape's growth."""
        return self.tape.growth

    def state(self) -> bytes:
        """Nothing to tell."""
        return b""

    def taken(self, position: int) -> None:
        """Nobody waits for that."""

    def finish(self, epoch: int) -> int:  # noqa: ARG002 - there is one epoch
        """Nowhere: there is one epoch."""
        return 0


class Head(_OwnLead):
    """The end of a tape: everything there is may be sent, and whatever is added."""

    shared = True

    @property
    def limit(self) -> int:
        """All records."""
        return len(self.tape)

    @property
    def ended(self) -> bool:
        """Whether the tape takes no more."""
        return self.tape.complete

    async def more(self, position: int) -> None:
        """Waits until the tape grows."""
        if position >= len(self.tape):
            await self.tape.growth.wait()


class _Clocked(_OwnLead):
    """What leads have in common that go along a tape by a clock of one client's own."""

    def __init__(
        self, tape: "LoadedTape", position: int, clock: "Clock", closing: "asyncio.Event", heartbeat: float
    ) -> None:
        super().__init__(tape)
        self.limit = position
        self._clock = clock
        self._closing = closing
        self._heartbeat = heartbeat

    @property
    def ended(self) -> bool:
        """Whether all records were due, and no more will come."""
        return self.tape.complete and self.limit >= len(self.tape)

    async def _sleep(self, seconds: float) -> None:
        """Waits, at most until a heartbeat is due or the service stops."""
        await self._clock.sleep(min(seconds, self._heartbeat), self._closing)


class Paced(_Clocked):
    """Records are due by `speed` times real time."""

    def __init__(
        self,
        tape: "LoadedTape",
        position: int,
        clock: "Clock",
        closing: "asyncio.Event",
        heartbeat: float,
        pace: Pace,
    ) -> None:
        super().__init__(tape, position, clock, closing, heartbeat)
        self._pace = pace

    async def more(self, position: int) -> None:  # noqa: ARG002 - its only follower has everything
        """Waits until the next record is due."""
        if self.limit >= len(self.tape):
            await self.tape.growth.wait()
        else:
            await self._sleep(max(self._pace.wait(self.limit), TICK))
        self.limit = self._pace.due(self.limit)


class Stepped(_Clocked):
    """So many records more, so many seconds after the client has taken those before."""

    def __init__(
        self,
        tape: "LoadedTape",
        position: int,
        clock: "Clock",
        closing: "asyncio.Event",
        heartbeat: float,
        *,
        records: int,
        delay: float,
    ) -> None:
        super().__init__(tape, position, clock, closing, heartbeat)
        self._records = records
        self._delay = delay
        self._due = clock.now()

    async def more(self, position: int) -> None:  # noqa: ARG002 - its only follower has everything
        """Waits for the next step."""
        if self.limit >= len(self.tape):
            await self.tape.growth.wait()
        left = self._due - self._clock.now()
        await self._sleep(max(left, 0.0))
        if left <= self._heartbeat:
            self.limit = min(self.limit + self._records, len(self.tape))
            self._due = self._clock.now() + self._delay


LONGEST_WAIT_SECONDS = 2.0
"""Longer waits between records are left out of a screen's time."""
UNPACED_STEP = 1_000
"""Records a frame of a screen without a clock."""


class Leads:
    """Makes the leads of clients that follow a tape by themselves."""

    def __init__(self, clock: "Clock", closing: "asyncio.Event", heartbeat: float) -> None:
        self._clock = clock
        self._closing = closing
        self._heartbeat = heartbeat

    def head(self, tape: "LoadedTape") -> Lead:
        """Everything there is, as fast as the client reads, and whatever is added."""
        return Head(tape)

    def paced(self, tape: "LoadedTape", position: int, speed: float, *, longest_wait: float = math.inf) -> Lead:
        """Records when they are due by `speed` times real time."""
        pace = Pace(tape, position, speed, self._clock, longest_wait=longest_wait)
        return Paced(tape, position, self._clock, self._closing, self._heartbeat, pace)

    def screen(self, tape: "LoadedTape", position: int, speed: float) -> Lead:
        """The same for a screen, on which no silence is long."""
        return self.paced(tape, position, speed, longest_wait=LONGEST_WAIT_SECONDS)

    def delayed(self, tape: "LoadedTape", position: int, seconds: float) -> Lead:
        """Records one by one, so many seconds between them."""
        return self._stepped(tape, position, records=1, delay=seconds)

    def unpaced(self, tape: "LoadedTape", position: int) -> Lead:
        """A screen's steps, as fast as the client reads."""
        return self._stepped(tape, position, records=UNPACED_STEP, delay=0.0)

    def _stepped(self, tape: "LoadedTape", position: int, *, records: int, delay: float) -> Lead:
        return Stepped(tape, position, self._clock, self._closing, self._heartbeat, records=records, delay=delay)
