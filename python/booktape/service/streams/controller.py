"""Routes that stream a tape."""

from http import HTTPStatus
from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.response import Stream

from booktape.parameters import bad_parameter
from booktape.service.deck import Deck, LoadedTape
from booktape.service.parameters.kinds import Speed, When
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import From, Instrument, OnlyInstrument, Publisher, TapeId, View
from booktape.service.problems import responses
from booktape.service.streams import response
from booktape.service.streams.client import Client
from booktape.service.streams.depth import DepthStreams, Screen
from booktape.service.streams.events import MEDIA_TYPE
from booktape.service.streams.lead import Leads, Place
from booktape.service.streams.parameters import (
    DelayMs,
    Hertz,
    LastEventId,
    Levels,
    PlaySpeed,
    Skip,
    StreamFormat,
    StreamSpeed,
    Trades,
)
from booktape.service.streams.records import RecordStreams
from booktape.service.streams.schemas import COMPACT_FIELDS, Bye, CompactRecord, DepthFrame, FullEvent
from booktape.service.streams.slots import STREAMS

REAL_TIME = Speed(1.0)
NO_CLOCK = Speed(None)


def documented(payload: Any, description: str) -> dict[int, ResponseSpec]:
    """What a route's documentation says of a stream."""
    events = ResponseSpec(payload, description=description, media_type=MEDIA_TYPE, generate_examples=False)
    errors = responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.SERVICE_UNAVAILABLE)
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
        responses=documented(
            FullEvent | Bye,
            "Events: a record with its effect. The `id` is the index of the next record. `stream_end` comes last.",
        ),
    )
    async def mbo(
        self,
        deck: NamedDependency[Deck],
        record_streams: NamedDependency[RecordStreams],
        leads: NamedDependency[Leads],
        client: NamedDependency[Client],
        delay_ms: DelayMs,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The records of the first tape from the beginning, or from `Last-Event-ID`."""
        tape = deck.first()
        position = _resume(tape, None, last_event_id)
        lead = leads.delayed(tape, position, delay_ms / 1_000) if delay_ms else leads.head(tape)
        return response.events(record_streams.events(lead, client, "full", Place(position)))

    @get(
        "/api/v1/tapes/{tape:str}/stream",
        summary="Records, lossless, from any point",
        operation_id="streamRecords",
        media_type=MEDIA_TYPE,
        responses=documented(
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
        leads: NamedDependency[Leads],
        client: NamedDependency[Client],
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
        lead = leads.head(loaded) if speed.factor is None else leads.paced(loaded, position, speed.factor)
        if form == "dbn":
            return response.raw(record_streams.raw(lead, client, Place(position), only, skip))
        return response.events(record_streams.events(lead, client, form, Place(position), only))

    @get(
        "/api/v1/tapes/{tape:str}/depth",
        summary="A book as it moves, for screens",
        operation_id="streamDepth",
        media_type=MEDIA_TYPE,
        responses=documented(
            DepthFrame | Bye,
            "Events without a name are frames; `event: bye` is the last where the stream ends before the tape does, "
            "the comment `stream_end` where the tape does.",
        ),
    )
    async def depth(
        self,
        deck: NamedDependency[Deck],
        depth_streams: NamedDependency[DepthStreams],
        leads: NamedDependency[Leads],
        client: NamedDependency[Client],
        tape: TapeId,
        instrument: Instrument = None,
        publisher: Publisher = None,
        levels: Levels = 10,
        hz: Hertz = 10.0,
        start: From = None,
        speed: PlaySpeed = REAL_TIME,
        view: View = "matched",
        trades: Trades = False,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The top of a book as state, in at most `hz` frames a second, and only when it has changed.

        Tape time is the ts_recv of the first record plus elapsed time times `speed`. Where the next record is more than
        2 seconds of waiting away, time jumps to it. With `speed=max` there is no clock: a frame every 1,000 records, as
        fast as the client reads, whatever `hz` says.
        """
        loaded = deck.tape(tape)
        position = _resume(loaded, start, last_event_id)
        key = loaded.tree.book(instrument, publisher)
        if speed.factor is None:
            lead, hertz = leads.unpaced(loaded, position), None
        else:
            lead, hertz = leads.screen(loaded, position, speed.factor), hz
        return response.events(depth_streams.watch(lead, client, Screen(*key.ids, levels, view, trades, hertz)))


def _resume(tape: LoadedTape, start: When | None, last_event_id: int | None) -> int:
    if last_event_id is None:
        return tape.position_from(start)
    if last_event_id > len(tape):
        raise bad_parameter("Last-Event-ID", last_event_id, f"an index from 0 to {len(tape):,}, the end of the tape")
    tape.require_kept(last_event_id)
    return last_event_id
