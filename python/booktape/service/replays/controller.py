"""Routes of shared playback."""

from http import HTTPStatus
from typing import Any

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import UNSET

from booktape.parameters import bad_parameter
from booktape.service.deck import Deck, LoadedTape
from booktape.service.parameters.kinds import InstrumentRef, When
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import Instrument, OnlyInstrument, Publisher, View
from booktape.service.problems import responses
from booktape.service.replays.parameters import LastReplayEventId, ReplayId
from booktape.service.replays.schemas import NewReplay, ReplayChange, ReplayState
from booktape.service.replays.stage import Stage
from booktape.service.streams import response
from booktape.service.streams.client import Client
from booktape.service.streams.controller import documented
from booktape.service.streams.depth import DepthStreams, Screen
from booktape.service.streams.events import MEDIA_TYPE
from booktape.service.streams.lead import Place
from booktape.service.streams.parameters import Hertz, Levels, StreamFormat, Trades
from booktape.service.streams.records import RecordStreams
from booktape.service.streams.schemas import Bye, CompactRecord, DepthFrame, FullEvent, Jump
from booktape.service.streams.slots import STREAMS

_STREAM_EVENTS = (
    "`event: state` tells what the playback does, first and whenever that changes; `event: jump` comes where it goes "
    "anywhere but forward; `event: bye` comes last. Ids are `epoch:index`, index being that of the next record."
)


class ReplaysController(Controller):
    """Playback that many share: everybody sees the same moment, and whoever may control it does so for all."""

    path = "/api/v1/replays"
    tags = ("replays",)
    guards = (only_known_parameters,)

    @get("/", summary="The replays", operation_id="listReplays", responses=responses(HTTPStatus.BAD_REQUEST))
    async def replays(self, stage: NamedDependency[Stage]) -> list[ReplayState]:
        """Every replay; each tape has one of its own, the `default`, which stays with it."""
        return [replay.describe() for replay in stage]

    @post(
        "/",
        summary="Make a replay",
        operation_id="createReplay",
        responses=responses(
            HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.SERVICE_UNAVAILABLE
        ),
    )
    async def create(
        self, deck: NamedDependency[Deck], stage: NamedDependency[Stage], data: JSONBody[NewReplay]
    ) -> ReplayState:
        """A playback of a tape, which begins to play when somebody watches."""
        tape = deck.first() if data.tape is UNSET else deck.tape(data.tape)
        options: dict[str, Any] = {} if data.when_unwatched is UNSET else {"when_unwatched": data.when_unwatched}
        replay = stage.make(
            tape,
            position=tape.first if data.start is UNSET else _position(tape, "start", data.start),
            playing=data.playing,
            speed=_factor(data.speed),
            loop=data.loop,
            longest_wait=data.longest_wait,
            **options,
        )
        return replay.describe()

    @get(
        "/{replay:str}",
        summary="One replay",
        operation_id="getReplay",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def replay(self, stage: NamedDependency[Stage], replay: ReplayId) -> ReplayState:
        """Where it is and what it does."""
        return stage.replay(replay).describe()

    @patch(
        "/{replay:str}",
        summary="Control a replay",
        operation_id="controlReplay",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
    )
    async def control(
        self, stage: NamedDependency[Stage], replay: ReplayId, data: JSONBody[ReplayChange]
    ) -> ReplayState:
        """Play, pause, set the speed, seek, step: for all who watch. Settings first, then `seek`, `step`, `playing`."""
        found = stage.replay(replay)
        target = None if data.seek is UNSET else _position(found.tape, "seek", data.seek)
        only = None
        if data.step is not UNSET and data.step.instrument is not UNSET:
            only = found.tape.tree.instrument(InstrumentRef.parse(data.step.instrument)).instrument_id
        if data.step is not UNSET and data.playing is True:
            raise bad_parameter("playing", "true", "a step pauses: leave one of them out")
        settings: dict[str, Any] = {
            name: value
            for name in ("loop", "longest_wait", "when_unwatched")
            if (value := getattr(data, name)) is not UNSET
        }
        if data.speed is not UNSET:
            settings["speed"] = _factor(data.speed)
        if settings:
            found.set(**settings)
        if target is not None:
            found.seek(target)
        if data.step is not UNSET:
            found.step(data.step.by, data.step.count, only)
        if data.playing is not UNSET:
            found.play() if data.playing else found.pause()
        return found.describe()

    @delete(
        "/{replay:str}",
        summary="End a replay",
        operation_id="deleteReplay",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def end(self, stage: NamedDependency[Stage], replay: ReplayId) -> None:
        """Ends it: who watches is told goodbye. A tape's own stays with the tape."""
        found = stage.replay(replay)
        if found.default:
            raise bad_parameter("replay", replay, "one that was made: a tape's own stays with it")
        stage.end(found)

    @get(
        "/{replay:str}/stream",
        summary="Records of a replay, lossless",
        operation_id="streamReplay",
        media_type=MEDIA_TYPE,
        opt={STREAMS: True},
        responses=documented(
            FullEvent | list[CompactRecord] | ReplayState | Jump | Bye, f"As the stream of a tape. {_STREAM_EVENTS}"
        ),
    )
    async def records(
        self,
        stage: NamedDependency[Stage],
        record_streams: NamedDependency[RecordStreams],
        client: NamedDependency[Client],
        replay: ReplayId,
        instrument: OnlyInstrument = None,
        form: StreamFormat = "json",
        last_event_id: LastReplayEventId = None,
    ) -> Stream:
        """Every record as it is played, from now on or from `Last-Event-ID`; nothing is left out between two jumps.

        A client that cannot follow goes on from where it is, as long as it takes something. A `dbn` stream has no way
        to tell of a jump: it is cut off there.
        """
        found = stage.replay(replay)
        here = place = Place(found.limit, found.epoch)
        if last_event_id is not None:
            known = last_event_id.epoch == found.epoch
            if known and last_event_id.index > found.limit:
                expected = f"an index up to {found.limit:,}, where the replay is"
                raise bad_parameter("Last-Event-ID", f"{last_event_id.epoch}:{last_event_id.index}", expected)
            place = Place(last_event_id.index, last_event_id.epoch)
        only = None if instrument is None else found.tape.tree.instrument(instrument).instrument_id
        if form == "dbn":
            return response.raw(record_streams.raw(found, client, here, only), found.watched(reads=True))
        return response.events(record_streams.events(found, client, form, place, only), found.watched(reads=True))

    @get(
        "/{replay:str}/depth",
        summary="A book as it is played, for screens",
        operation_id="watchReplay",
        media_type=MEDIA_TYPE,
        opt={STREAMS: True},
        responses=documented(
            DepthFrame | ReplayState | Jump | Bye, f"Events without a name are frames. {_STREAM_EVENTS}"
        ),
    )
    async def depth(
        self,
        stage: NamedDependency[Stage],
        depth_streams: NamedDependency[DepthStreams],
        client: NamedDependency[Client],
        replay: ReplayId,
        instrument: Instrument = None,
        publisher: Publisher = None,
        levels: Levels = 10,
        hz: Hertz = 10.0,
        view: View = "matched",
        trades: Trades = False,
        last_event_id: LastReplayEventId = None,
    ) -> Stream:
        """The top of a book as state, in at most `hz` frames a second, and only when it has changed.

        The first frame shows the book as it is now. With `trades`, each frame has every trade since the client's last.
        """
        found = stage.replay(replay)
        screen = Screen(*found.tape.tree.book(instrument, publisher).ids, levels, view, trades, hz)
        place = None
        if last_event_id is not None:
            found.tape.require_kept(last_event_id.index)
            place = Place(min(last_event_id.index, found.limit), last_event_id.epoch)
        return response.events(depth_streams.watch(found, client, screen, place), found.watched(reads=False))


def _factor(speed: Any) -> float | None:
    return None if speed == "max" else float(speed)


def _position(tape: LoadedTape, name: str, text: str) -> int:
    return len(tape) if text == "end" else tape.position_from(When.parse(text), name)
