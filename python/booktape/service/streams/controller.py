"""Routes that stream."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from booktape.parameters import bad_parameter
from booktape.service.deck import Deck, LoadedTape
from booktape.service.parameters import (
    DelayMs,
    From,
    Hertz,
    Instrument,
    LastEventId,
    Levels,
    Loop,
    OnlyInstrument,
    PlaySpeed,
    Publisher,
    Skip,
    Speed,
    StreamFormat,
    StreamSpeed,
    TapeId,
    Trades,
    View,
    When,
    only_known_parameters,
)
from booktape.service.problems import responses
from booktape.service.streams.depth import DepthStreams, Screen
from booktape.service.streams.events import MEDIA_TYPE
from booktape.service.streams.records import RecordStreams
from booktape.service.streams.schemas import COMPACT_FIELDS, Bye, CompactRecord, DepthFrame, FullEvent, Jump
from booktape.service.streams.slots import STREAMS

DBN_MEDIA_TYPE = "application/octet-stream"
REAL_TIME = Speed(1.0)
NO_CLOCK = Speed(None)
_HEADERS = {
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # nginx would otherwise hold events back until its buffer is full
}


def _documented(payload: Any, description: str) -> dict[int, ResponseSpec]:
    events = ResponseSpec(payload, description=description, media_type=MEDIA_TYPE, generate_examples=False)
    errors = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE)
    return {HTTPStatus.OK: events} | errors


class StreamsController(Controller):
    """Record streams and screens, in a bounded number of slots."""

    tags = ("streams",)
    opt = {STREAMS: True}  # noqa: RUF012 - Litestar reads it from the class
    guards = (only_known_parameters,)

    @get(
        "/api/mbo/stream/json/{delay_ms:str}",
        summary="The first tape, one record an event",
        operation_id="streamMbo",
        media_type=MEDIA_TYPE,
        responses=_documented(
            FullEvent | Bye,
            "Events: a record with its effect. The `id` is the index of the next record. `stream_end` comes last.",
        ),
    )
    async def mbo(
        self,
        deck: NamedDependency[Deck],
        record_streams: NamedDependency[RecordStreams],
        delay_ms: DelayMs,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The records of the first tape from the beginning, or from `Last-Event-ID`."""
        tape = deck.first()
        position = _resume(tape, None, last_event_id)
        if delay_ms == 0:
            return _events(record_streams.full_speed(tape, "full", position))
        return _events(record_streams.delayed(tape, position, delay_ms / 1_000))

    @get(
        "/api/v1/tapes/{tape:str}/stream",
        summary="Records, lossless, from any point",
        operation_id="streamRecords",
        media_type=MEDIA_TYPE,
        responses=_documented(
            FullEvent | list[CompactRecord] | Bye,
            "`json` and `full`: events whose `id` is the index of the next record; the comment `stream_end` ends them. "
            f"A `json` event is an array of records, each an array of {', '.join(COMPACT_FIELDS)}. "
            "`dbn`: metadata, then raw records, as `application/octet-stream`.",
        ),
    )
    async def records(
        self,
        deck: NamedDependency[Deck],
        record_streams: NamedDependency[RecordStreams],
        tape: TapeId,
        start: From = None,
        skip: Skip = 0,
        instrument: OnlyInstrument = None,
        speed: StreamSpeed = NO_CLOCK,
        form: StreamFormat = "json",
        last_event_id: LastEventId = None,
    ) -> Stream:
        """Every record from a point on; nothing is ever left out.

        An event's `id` is the index of the **next** record, so `Last-Event-ID: N` and `from=N` both begin with record
        N. A `dbn` client resumes with its original `from` and `instrument`, and `skip` = the whole records it has. A
        stream that the service must end early says so with an `event: bye`; a `dbn` stream is then cut off instead.
        """
        loaded = deck.tape(tape)
        position = _resume(loaded, start, last_event_id)
        only = None if instrument is None else loaded.tree.instrument(instrument).instrument_id
        if skip and form != "dbn":
            raise bad_parameter("skip", skip, "goes with format=dbn; other streams resume by from or Last-Event-ID")
        if form == "dbn":
            if speed.factor is None:
                body = record_streams.full_speed_dbn(loaded, position, only, skip)
            else:
                body = record_streams.paced_dbn(loaded, position, only, speed.factor, skip)
            return Stream(body, media_type=DBN_MEDIA_TYPE, headers=_HEADERS)
        if speed.factor is None:
            return _events(record_streams.full_speed(loaded, form, position, only))
        return _events(record_streams.paced(loaded, form, position, only, speed.factor))

    @get(
        "/api/v1/tapes/{tape:str}/depth",
        summary="A book as it moves, for screens",
        operation_id="streamDepth",
        media_type=MEDIA_TYPE,
        responses=_documented(
            DepthFrame | Jump | Bye,
            "Events without a name are frames; `event: jump` comes before the tape begins again, `event: bye` when the "
            "service stops. A stream that does not loop ends with the comment `stream_end`.",
        ),
    )
    async def depth(
        self,
        deck: NamedDependency[Deck],
        depth_streams: NamedDependency[DepthStreams],
        tape: TapeId,
        instrument: Instrument = None,
        publisher: Publisher = None,
        levels: Levels = 10,
        hz: Hertz = 10.0,
        start: From = None,
        speed: PlaySpeed = REAL_TIME,
        view: View = "matched",
        trades: Trades = False,
        loop: Loop = False,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The top of a book as state, in at most `hz` frames a second, and only when it has changed.

        Tape time is the ts_recv of the first record plus elapsed time times `speed`. Where the next record is more than
        2 seconds of waiting away, time jumps to it. With `speed=max` there is no clock: a frame every 1,000 records, as
        fast as the client reads, whatever `hz` says.
        """
        loaded = deck.tape(tape)
        position = _resume(loaded, start, last_event_id)
        screen = Screen(
            tape=loaded,
            key=loaded.tree.book(instrument, publisher),
            levels=levels,
            view=view,
            trades=trades,
            hertz=hz,
            speed=speed.factor,
            loop=loop,
        )
        return _events(depth_streams.follow(screen, position))


def _resume(tape: LoadedTape, start: When | None, last_event_id: int | None) -> int:
    if last_event_id is None:
        return tape.position_from(start)
    if last_event_id > len(tape):
        raise bad_parameter("Last-Event-ID", last_event_id, f"an index from 0 to {len(tape):,}, the end of the tape")
    return last_event_id


def _events(body: AsyncIterator[bytes]) -> Stream:
    return Stream(body, media_type=MEDIA_TYPE, headers=_HEADERS)
