"""Lossless streams of records: one loop, whatever they follow."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Literal

from booktape.service.lifecycle import Lifecycle
from booktape.service.metrics.probes import StreamLag
from booktape.service.streams.client import Client, Traffic
from booktape.service.streams.clock import Clock
from booktape.service.streams.events import HEARTBEAT, STREAM_END, bye, jump
from booktape.service.streams.fan import Fan, Spot
from booktape.service.streams.frames import Frames, FrameStore
from booktape.service.streams.lead import Lead, Place
from booktape.values import Format

if TYPE_CHECKING:
    from booktape.service.streams.schemas import JumpReason
    from booktape.service.streams.signal import Signal


class RecordStreams:
    """Makes the bodies of record streams."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        clock: Clock,
        heartbeat: float,
        frames: FrameStore,
        lag: StreamLag,
        traffic: Traffic,
    ) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat
        self._frames = frames
        self._lag = lag
        self._traffic = traffic
        self._fans: dict[tuple[Signal, str, Format, int | None], Fan] = {}

    async def events(
        self, lead: Lead, client: Client, form: Format, place: Place, instrument_id: int | None = None
    ) -> AsyncIterator[bytes]:
        """Every record from a place on as events, as far as the lead is, for as long as it lasts.

        A client that is behind goes on from where it is. Where the lead has jumped, so does the client, and is told;
        where it began a tape again at its end, the client has the rest of the tape first. Who comes from an earlier
        epoch begins where the lead is.
        """
        follower = _Follower(self._frames, lead, form, place, instrument_id)
        follower.spot.heard = self._clock.now()
        self._lag.watch(form, follower)
        while True:
            if why := self._lifecycle.ending or lead.over or client.ending or follower.ending:
                yield bye(follower.ids, follower.position, why)
                return
            if news := follower.news():
                yield news
                continue  # it may have taken its time
            if follower.is_behind:
                if frame := await follower.next():
                    yield frame
                    follower.spot.heard = self._clock.now()
                if follower.is_behind:
                    # uvicorn's `send` gives others a turn only when its buffer is full: a fast client would keep it.
                    await asyncio.sleep(0)
            elif lead.ended:
                yield STREAM_END
                return
            elif not await self._carried(lead, client, follower, follower.version):
                await lead.more(follower.position)
            if self._clock.now() - follower.spot.heard >= self._heartbeat:
                yield HEARTBEAT
                follower.spot.heard = self._clock.now()

    async def raw(
        self, lead: Lead, client: Client, place: Place, instrument_id: int | None = None, skip: int = 0
    ) -> AsyncIterator[bytes]:
        """Metadata, then raw records without the first `skip`.

        Such a stream has no way to say anything but records: where others say goodbye or jump, it is cut off, since
        ending in good order would tell the client that it has everything.
        """
        follower = _Follower(self._frames, lead, "dbn", place, instrument_id)
        follower.spot.heard = math.inf  # there are no heartbeats among raw records
        self._lag.watch("dbn", follower)
        rest = _Skip(skip)
        yield lead.tape.head.dbn_head
        while True:
            if self._lifecycle.ending or lead.over or client.ending or follower.ending or lead.epoch != place.epoch:
                await client.cut()
            if follower.is_behind:
                if frame := rest.of(await follower.next()):
                    yield frame
                await asyncio.sleep(0)
            elif lead.ended:
                return
            elif not rest.is_over or not await self._carried(lead, client, follower, lead.version):
                await lead.more(follower.position)

    async def _carried(self, lead: Lead, client: Client, follower: "_Follower", version: int) -> bool:
        """Sends a client what comes together with all others who are where it is; False where there are none to be."""
        if not lead.shared or version != lead.version or follower.epoch != lead.epoch:
            return False
        key = (lead.moved, follower.ids, follower.form, follower.instrument_id)
        fan = self._fans.get(key)
        if fan is None or fan.is_empty:
            share = self._frames.share(lead, follower.form, follower.instrument_id)
            fan = self._fans[key] = Fan(lead, share, self._lifecycle, self._clock, self._heartbeat, self._traffic)
        try:
            return await fan.carry(follower, client)
        finally:
            if fan.is_empty and self._fans.get(key) is fan:
                del self._fans[key]


class _Follower:
    """A client's place behind its lead."""

    def __init__(self, store: FrameStore, lead: Lead, form: Format, place: Place, instrument_id: int | None) -> None:
        self.spot = Spot(place.position, heard=0.0)
        self.ids = lead.ids
        self.form = form
        self.instrument_id = instrument_id
        self.epoch = place.epoch
        self.version = 0
        self._lead = lead
        self._came_late = place.epoch != lead.epoch and lead.finish(place.epoch) <= place.position
        self._of: Callable[[int], Frames] = lambda position: store.of(lead, form, position, instrument_id)
        self._frames = self._of(self.position)

    @property
    def position(self) -> int:
        """Where its next record is."""
        return self.spot.position

    @property
    def limit(self) -> int:
        """How far it may go: of an epoch that is over, to its end."""
        lead = self._lead
        return lead.limit if lead.epoch == self.epoch else lead.finish(self.epoch)

    @property
    def behind(self) -> int:
        """How many records there are for it."""
        return max(0, self.limit - self.position)

    @property
    def ending(self) -> Literal["gone"] | None:
        """Why it cannot go on, if it cannot: the tape was shortened past its place."""
        return "gone" if self.position < self._lead.tape.first and self.is_behind else None

    @property
    def is_behind(self) -> bool:
        """Whether there is more for it."""
        return self.position < self.limit

    def news(self) -> bytes:
        """Events that tell of the lead, if there is anything to tell: its state, a jump."""
        state = b""
        if self._lead.version != self.version:
            self.version = self._lead.version
            state = self._lead.state()
        return state + self._jumped()

    def _jumped(self) -> bytes:
        """Goes on to the lead's epoch where its own is over and it has all of it: the event that tells, or nothing."""
        lead = self._lead
        if lead.epoch == self.epoch or self.is_behind:
            return b""
        late: tuple[int, JumpReason] = (lead.limit, "late")
        self.spot.position, reason = late if self._came_late else lead.entry
        self._came_late = False
        self.epoch, self.ids = lead.epoch, lead.ids
        self._frames = self._of(self.position)
        return jump(self.ids, self.position, reason)

    async def next(self) -> bytes:
        """Its next frame."""
        frame, self.spot.position = await self._frames.next(self.position, self.limit)
        return frame


class _Skip:
    """Leaves out the first records of a stream of raw records."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._unwanted: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether all of them were left out."""
        return self._records == 0 or self._unwanted == 0

    def of(self, frame: bytes) -> bytes:
        """What is wanted of the next frame."""
        if frame and self._unwanted is None:
            # The first byte is a record's length in 4-byte words: 56 bytes, 64 where the tape keeps ts_out.
            self._unwanted = self._records * frame[0] * 4
        if not self._unwanted or not frame:
            return frame
        unwanted = self._unwanted
        self._unwanted = max(0, unwanted - len(frame))
        return frame[unwanted:]
