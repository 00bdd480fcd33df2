"""Records to one client, and the messages that tell how it goes."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from booktape._native import SessionFrames
from booktape.gateway.messages import Failure, Notice
from booktape.moment import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booktape.gateway.common import Common
    from booktape.gateway.lines import Authentication
    from booktape.gateway.messages import Messages
    from booktape.gateway.outlet import Outlet
    from booktape.service.deck import LoadedTape

HEARTBEAT_SECONDS = 30
"""Silence after which a heartbeat is sent, unless a client asks for another interval."""
SLOW_SECONDS = 5.0
"""How long a client may be behind its playback before it is warned, or skips."""
HEAD_START_SECONDS = 0.1
"""Between the metadata and the first record. Databento's Python client keeps records for its iterators only from a
moment after it has asked for them: over the internet they never come before, on one machine they do."""
AT_ONCE = 2_048
"""Records up to which a piece is made on the loop: a thread's turn would take longer."""


class Sending:
    """What one session is sent, along its tape."""

    def __init__(
        self,
        common: Common,
        outlet: Outlet,
        messages: Messages,
        who: Authentication,
        tape: LoadedTape,
        position: int,
    ) -> None:
        self.tape = tape
        self.position = position
        """Where its next record is."""
        self.heartbeat_seconds = who.heartbeat_seconds or HEARTBEAT_SECONDS
        self._clock = common.clock
        self._figures = common.figures
        self._outlet = outlet
        self._messages = messages
        self._ts_out = who.ts_out
        self._frames = SessionFrames(ts_out=who.ts_out)
        self._looked_at: object = tape.head
        self._heard = self._clock.now()
        self._was_there = False
        self._late_since: float | None = None
        outlet.warning = self._warning

    @property
    def ts(self) -> int:
        """The time of the tape that it has come to."""
        ts = self.tape.ts_at(max(self.position - 1, self.tape.first))
        return 0 if ts is None else ts

    async def begin(self) -> None:
        """Sends what a session begins with, and gives the client a moment to be ready for more."""
        await self.send(self._head())
        await self._clock.sleep(HEAD_START_SECONDS, asyncio.Event())

    async def send(self, data: bytes) -> None:
        """Sends bytes."""
        if data:
            await self._outlet.send(data)
            self._heard = self._clock.now()

    async def answer(self, data: bytes) -> None:
        """Sends what the gateway answers to a subscription."""
        await self.send(data)

    async def fail(self, failure: Failure, text: str) -> None:
        """Tells an error."""
        await self.send(self._messages.error(failure, text, self.ts))

    async def say(self, notice: Notice, text: str) -> None:
        """Sends a message."""
        await self.send(self._messages.system(notice, text, self.ts))

    async def beat(self) -> None:
        """Sends a heartbeat where nothing was sent for long."""
        if self._clock.now() - self._heard >= self.heartbeat_seconds:
            await self.send(self._messages.heartbeat(self.ts))

    # Records.

    async def subscribe(
        self, schema: str, instruments: Sequence[int] | None, *, since: int = 0, position: int | None = None
    ) -> None:
        """Has records of a schema sent, from here on or from another position that it will go past."""
        begin = partial(
            self._frames.subscribe,
            self.tape.head,
            schema,
            instruments,
            position=self.position if position is None else position,
            since=since,
        )
        await self.tape.aside(begin)

    async def unsubscribe(self, schema: str, instruments: Sequence[int] | None) -> None:
        """Has them sent no longer."""
        self._frames.unsubscribe(schema, instruments)

    async def piece(self, until: int) -> None:
        """Sends the next records, as many as one piece holds."""
        head, position = self.tape.head, self.position
        self._looked_at = head
        make = partial(self._records, position, until)
        at_once = until - position <= AT_ONCE and head.in_memory(position)
        data, self.position = make() if at_once else await self.tape.aside(make)
        self._figures.records += self.position - position
        await self.send(data)

    async def rest(self) -> None:
        """Sends what has come since behind the last record of a tape that grows, and is no MBO record."""
        if self.tape.head is not self._looked_at and self.position == len(self.tape):
            await self.piece(self.position)

    async def snapshot(self, instruments: Sequence[int] | None) -> None:
        """Sends the books as they are here."""
        make = partial(self._frames.snapshot, self.tape.head, self.position, instruments, ts_out=self._stamp())
        pieces = await self.tape.aside(make)
        while (piece := await self.tape.aside(partial(next, pieces, None))) is not None:
            await self.send(piece)

    async def finish(self) -> None:
        """Sends what is complete only since the tape is: the bars that were open."""
        await self.send(await self.tape.aside(partial(self._frames.finish, ts_out=self._stamp())))

    async def jump(self, position: int) -> None:
        """Goes on from another place."""
        await self._go_on_from(position)
        await self.say(Notice.OTHER, f"The playback goes on from {iso(self.ts)}")

    # Readers that are slow.

    def caught_up(self) -> None:
        """It has everything that there is for it."""
        self._was_there = True
        self._late_since = None

    def is_late(self) -> bool:
        """Whether it has been behind for too long: what is sent at full speed before the first time does not count."""
        now = self._clock.now()
        if self._late_since is None:
            self._late_since = now
        return self._was_there and now - self._late_since > SLOW_SECONDS

    async def warn(self) -> None:
        """Tells that it is late, once each time."""
        self._was_there = False
        await self.send(self._warning())

    async def skip(self, position: int) -> None:
        """Leaves out what it has missed, and tells."""
        text = f"Skipped {position - self.position:,} records of the tape after slow reading"
        await self._go_on_from(position)
        self.caught_up()
        await self.fail(Failure.SKIPPED_RECORDS, text)

    async def _go_on_from(self, position: int) -> None:
        self.position = position
        self._late_since = None
        await self._restart(position)

    async def _restart(self, position: int) -> None:
        await self.tape.aside(partial(self._frames.restart, self.tape.head, position))

    def _records(self, position: int, until: int) -> tuple[bytes, int]:
        return self._frames.next(self.tape.head, position, until, ts_out=self._stamp())

    def _head(self) -> bytes:
        return self._messages.metadata(self.ts)

    def _warning(self) -> bytes:
        return self._messages.system(Notice.SLOW_READER, "The client reads more slowly than records come", self.ts)

    def _stamp(self) -> int:
        return time.time_ns() if self._ts_out else 0
