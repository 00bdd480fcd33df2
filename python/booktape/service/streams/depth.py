"""Screens: the top of a book as it moves along a tape, conflated to so many frames a second."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.client import Client
from booktape.service.streams.clock import Clock
from booktape.service.streams.events import HEARTBEAT, STREAM_END, bye, jump
from booktape.service.streams.lead import Lead, Place
from booktape.values import View

if TYPE_CHECKING:
    from booktape._native import DepthStream
    from booktape.service.streams.schemas import JumpReason

INLINE_RECORDS = 5_000
"""Fewer records than this are applied on the event loop: a thread's turn costs more than they do."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a client wants to see; screens that are equal are shown once for all."""

    instrument_id: int
    publisher_id: int
    levels: int
    view: View
    trades: bool
    hertz: float | None
    """Frames a second at most; None for as many as the lead allows."""


class Channel:
    """A screen's frames, made once for all who watch it."""

    def __init__(self, lead: Lead, screen: Screen, clock: Clock, lifecycle: Lifecycle) -> None:
        self.lead = lead
        self.screen = screen
        self.epoch = -1
        """Of the lead, when the frame was made; -1 before there is one."""
        self.number = 0
        """Counts frames."""
        self.frame = b""
        """The latest, with the trades since the one before."""
        self.position = 0
        """Its position."""
        self.shown = lifecycle.pulse.signal()
        """Fired for every frame."""
        self.failure: Exception | None = None
        """Why there will be no more."""
        self.watchers = 0
        self._clock = clock
        self._closing = lifecycle.closing
        self._reached = 0
        self._free_at = 0.0
        self._depth: DepthStream

    async def step(self) -> None:
        """Waits until there is something to show, and shows it; may return without."""
        if self.lead.epoch != self.epoch:
            await self._open()
            return
        if self.lead.limit <= self._reached:
            await self.lead.more(self._reached)
            if self.lead.limit <= self._reached:
                return
        if (wait := self._free_at - self._clock.now()) > 0:
            await self._clock.sleep(wait, self._closing)
            if self.lead.epoch != self.epoch:
                return
        limit = self.lead.limit
        is_long = limit - self._reached > INLINE_RECORDS
        self._reached = limit
        if is_long:
            changed = await self.lead.tape.aside(lambda: self._depth.advance(self.lead.tape.head, limit))
        else:
            changed = self._depth.advance(self.lead.tape.head, limit)
        if changed:
            self._show(self.since(self.position))

    async def run(self) -> None:
        """Shows frames until nobody watches."""
        try:
            while self.watchers:
                await self.step()
        except Exception as failure:  # noqa: BLE001 - whatever it is, all who watch must be told
            self.failure = failure
            self.shown.fire()

    @property
    def is_at_end(self) -> bool:
        """Whether all was shown that there will ever be."""
        return self.lead.ended and self.epoch == self.lead.epoch and self._reached >= self.lead.limit

    def since(self, position: int) -> bytes:
        """The state as it is, with every trade from a position on; in several events, where there are very many."""
        parts = []
        while True:
            part, position = self._depth.frame(self.lead.tape.head, position)
            parts.append(part)
            if position >= self._depth.position:
                return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _open(self) -> None:
        epoch, limit = self.lead.epoch, self.lead.limit
        self._depth = await self.lead.tape.depth_stream(
            limit,
            self.screen.instrument_id,
            self.screen.publisher_id,
            levels=self.screen.levels,
            view=self.screen.view,
            trades=self.screen.trades,
            ids=self.lead.ids,
        )
        self._depth.advance(self.lead.tape.head, limit)
        self.epoch, self._reached = epoch, limit
        self._show(self.since(self._depth.position))

    def _show(self, frame: bytes) -> None:
        self.frame, self.position = frame, self._depth.position
        self.number += 1
        if self.screen.hertz is not None:
            # A grid where frames follow each other, so that the work between them adds nothing.
            self._free_at = max(self._free_at, self._clock.now() - 1 / self.screen.hertz) + 1 / self.screen.hertz
        self.shown.fire()


class DepthStreams:
    """Makes the bodies of depth streams."""

    def __init__(self, lifecycle: Lifecycle, clock: Clock, heartbeat: float) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat
        self._channels: dict[tuple[int, Screen], Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(
        self, lead: Lead, client: Client, screen: Screen, place: Place | None = None
    ) -> AsyncIterator[bytes]:
        """SSE frames of a book along a lead; `place` is where a client was who comes again."""
        channel = self._join(lead, screen)
        try:
            async for event in self._frames(channel, client, place):
                yield event
        finally:
            channel.watchers -= 1
            if lead.shared and not channel.watchers:
                self._channels.pop((id(lead), screen), None)
                channel.shown.fire()

    def _join(self, lead: Lead, screen: Screen) -> Channel:
        key = (id(lead), screen)
        channel = self._channels.get(key)
        if channel is None or channel.failure is not None:
            channel = Channel(lead, screen, self._clock, self._lifecycle)
            if lead.shared:
                self._channels[key] = channel
        channel.watchers += 1
        if lead.shared and channel.watchers == 1:
            task = asyncio.create_task(channel.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return channel

    async def _frames(self, channel: Channel, client: Client, place: Place | None) -> AsyncIterator[bytes]:
        lead = channel.lead
        watcher = _Watcher(channel, place)
        version, heard = 0, self._clock.now()
        while True:
            if why := self._lifecycle.ending or lead.over or client.ending:
                yield bye(lead.ids, channel.position, why)
                return
            if lead.version != version:
                version = lead.version
                yield lead.state()
            if event := watcher.news():
                yield event
                heard = self._clock.now()
            elif channel.is_at_end:
                yield STREAM_END
                return
            elif lead.shared:
                await channel.shown.wait()
            else:
                # At least one turn of the event loop a frame, also where nothing is waited for.
                await asyncio.sleep(0)
                await channel.step()
            if self._clock.now() - heard >= self._heartbeat:
                yield HEARTBEAT
                heard = self._clock.now()


class _Watcher:
    """What one client of a channel has seen."""

    def __init__(self, channel: Channel, place: Place | None) -> None:
        self._channel = channel
        self._epoch = None if place is None else place.epoch
        self._number = -1
        self._position = None if place is None else place.position
        """The client has the trades before it, if it has any."""

    def news(self) -> bytes:
        """What the client has not seen, if anything: the latest frame, with all trades since its last."""
        channel = self._channel
        if channel.failure is not None:
            raise channel.failure
        if channel.epoch < 0 or channel.number == self._number:
            return b""
        head = b""
        if self._epoch is not None and channel.epoch != self._epoch:
            place: tuple[int, JumpReason] = (channel.position, "late") if self._number < 0 else channel.lead.entry
            head = jump(channel.lead.ids, *place)
            self._number, self._position = -1, None
        if not channel.screen.trades or self._number == channel.number - 1:
            event = channel.frame
        else:
            event = channel.since(channel.position if self._position is None else self._position)
        self._epoch, self._number, self._position = channel.epoch, channel.number, channel.position
        return head + event
