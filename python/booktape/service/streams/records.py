"""Lossless streams of records: shared frames at full speed, or paced for one client."""

import asyncio
from collections.abc import AsyncIterator

from anyio import to_thread

from booktape._native import SharedFrames
from booktape.service.deck import Format, LoadedTape
from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.clock import Clock
from booktape.service.streams.events import HEARTBEAT, STREAM_END, bye
from booktape.service.streams.pace import Pace


class RecordStreams:
    """Makes the bodies of record streams."""

    def __init__(self, lifecycle: Lifecycle, clock: Clock, heartbeat: float) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat

    async def full_speed(
        self, tape: LoadedTape, form: Format, position: int, instrument_id: int | None = None
    ) -> AsyncIterator[bytes]:
        """Events as fast as the client reads, in frames that are built once for all clients."""
        frames = tape.frames(form, instrument_id)
        sent_at = self._clock.now()
        while position < len(tape):
            if self._lifecycle.closing.is_set():
                yield bye(position)
                return
            frame, position = await _next(frames, position)
            if frame:
                yield frame
                sent_at = self._clock.now()
            elif self._clock.now() - sent_at >= self._heartbeat:
                yield HEARTBEAT
                sent_at = self._clock.now()
        yield STREAM_END

    async def full_speed_dbn(
        self, tape: LoadedTape, position: int, instrument_id: int | None, skip: int
    ) -> AsyncIterator[bytes]:
        """Metadata, then raw records without the first `skip`, as fast as the client reads."""
        frames = tape.frames("dbn", instrument_id)
        rest = _Skip(skip)
        yield tape.dbn_prelude()
        while position < len(tape):
            await self._unless_closing()
            frame, position = await _next(frames, position)
            if frame := rest.of(frame):
                yield frame

    async def paced(
        self, tape: LoadedTape, form: Format, position: int, instrument_id: int | None, speed: float
    ) -> AsyncIterator[bytes]:
        """Events when their records are due by `speed` times real time."""
        stream = await tape.record_stream(form, position, instrument_id)
        pace = Pace(tape, position, speed, self._clock)
        sent_at = self._clock.now()
        while stream.position < len(tape):
            if self._lifecycle.closing.is_set():
                yield bye(stream.position)
                return
            due = pace.due(stream.position)
            if due > stream.position:
                frame, wait = stream.next(due), 0.0
            else:
                frame, wait = b"", min(pace.wait(stream.position), sent_at + self._heartbeat - self._clock.now())
            if not frame and self._clock.now() - sent_at >= self._heartbeat:
                frame = HEARTBEAT
            if frame:
                yield frame
                sent_at = self._clock.now()
            await self._clock.sleep(wait, self._lifecycle.closing)
        yield STREAM_END

    async def paced_dbn(
        self, tape: LoadedTape, position: int, instrument_id: int | None, speed: float, skip: int
    ) -> AsyncIterator[bytes]:
        """Metadata, then raw records without the first `skip`, when they are due by `speed` times real time."""
        stream = await tape.record_stream("dbn", position, instrument_id)
        pace = Pace(tape, position, speed, self._clock)
        rest = _Skip(skip)
        yield stream.prelude()
        while stream.position < len(tape):
            await self._unless_closing()
            due = pace.due(stream.position)
            if due > stream.position and (frame := rest.of(stream.next(due))):
                yield frame
            await self._clock.sleep(pace.wait(stream.position), self._lifecycle.closing)

    async def delayed(self, tape: LoadedTape, position: int, delay: float) -> AsyncIterator[bytes]:
        """Full events one by one, `delay` seconds between them."""
        stream = await tape.record_stream("full", position, None)
        due = self._clock.now()
        while stream.position < len(tape):
            if self._lifecycle.closing.is_set():
                yield bye(stream.position)
                return
            if (left := due - self._clock.now()) <= 0:
                yield stream.next(stream.position + 1)
                due = self._clock.now() + delay
                continue
            await self._clock.sleep(min(left, self._heartbeat), self._lifecycle.closing)
            if left > self._heartbeat:
                yield HEARTBEAT
        yield STREAM_END

    async def _unless_closing(self) -> None:
        """Holds a stream of raw records until the server cuts its connection.

        Such a stream has no way to say goodbye, and ending in good order would tell the client that it has everything.
        """
        if self._lifecycle.closing.is_set():
            await asyncio.Event().wait()


async def _next(frames: SharedFrames, position: int) -> tuple[bytes, int]:
    """The frame at a position and the position after it."""
    # uvicorn's `send` gives other tasks a turn only when its buffer is full; a fast client would never let them.
    await asyncio.sleep(0)
    at_hand = frames.cached(position)
    return at_hand if at_hand is not None else await to_thread.run_sync(frames.frame, position)


class _Skip:
    """Leaves out the first records of a stream of raw records."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._unwanted: int | None = None

    def of(self, frame: bytes) -> bytes:
        """What is wanted of the next frame."""
        if frame and self._unwanted is None:
            # The first byte is a record's length in 4-byte words: 56 bytes, 64 where the tape keeps ts_out.
            self._unwanted = self._records * frame[0] * 4
        unwanted = self._unwanted or 0
        self._unwanted = max(0, unwanted - len(frame)) if frame else self._unwanted
        return frame[unwanted:]
