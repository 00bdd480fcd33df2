"""A session: what one client is sent, from its first subscription to its end."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from booktape.errors import BooktapeError, GoneError, ParameterError
from booktape.gateway.choice import SCHEMAS, find
from booktape.gateway.lines import LineError, SessionStart, Subscription, is_start, parse_request
from booktape.gateway.messages import Failure, Messages, Notice
from booktape.gateway.playback import Following
from booktape.gateway.sending import Sending
from booktape.gateway.subscriptions import Subscribed, Subscriptions
from booktape.gateway.verbatim import EVERY_SCHEMA, Verbatim
from booktape.moment import iso

if TYPE_CHECKING:
    from booktape.gateway.common import Common
    from booktape.gateway.connection import Connection
    from booktape.gateway.lines import Authentication
    from booktape.gateway.outlet import Outlet
    from booktape.service.deck import LoadedTape

START_SECONDS = 600.0
"""Time for a client that was let in to say what it wants."""
SKEW_NS = 1_000_000_000
"""By how much a record's ts_event may be later than its ts_recv, since their clocks differ."""

log = structlog.get_logger(__name__)


class EndError(Exception):
    """The session ends with an error that the client is told."""

    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__(why)
        self.failure = failure


class Session:
    """One client that was let in.

    Everything happens in one task: a line that the client sends later is looked at between two pieces.
    """

    def __init__(self, common: Common, connection: Connection, outlet: Outlet, who: Authentication) -> None:
        self._common = common
        self._connection = connection
        self._outlet = outlet
        self._who = who
        self._messages = Messages(who.dataset, ts_out=who.ts_out)
        schemas = EVERY_SCHEMA if common.options.verbatim else SCHEMAS
        self._subscriptions = Subscriptions(self._messages, schemas)
        self._tape: LoadedTape | None = None
        self._sending: Sending | None = None

    async def run(self) -> None:
        """Serves the client until one of both ends it.

        Raises:
            LeftError: the client went.
            SlowError: it takes too little.
        """
        try:
            await self._play(await self._until_started())
        except LineError as why:
            await self._fail(Failure.INVALID_SUBSCRIPTION, str(why))
        except EndError as why:
            await self._fail(why.failure, str(why))
        except ParameterError as why:
            await self._fail(Failure.INVALID_SUBSCRIPTION, str(why))
        except GoneError as why:
            await self._fail(Failure.AGED_OUT, str(why))
        except BooktapeError as why:
            log.warning("gateway_session_failed", why=str(why))
            await self._fail(Failure.INTERNAL, "the tape cannot be read; the gateway's log says why")
        await self._outlet.end()

    # Before the start.

    async def _until_started(self) -> list[Subscribed]:
        """Takes subscriptions until the client says that it is ready.

        Errors wait for that, too: they are records, which a client understands in the session it has started.
        """
        asked: list[Subscribed] = []
        try:
            async with asyncio.timeout(START_SECONDS):
                try:
                    while not isinstance(request := parse_request(await self._next_line()), SessionStart):
                        if (subscribed := await self._understood(request)) is not None:
                            asked.append(subscribed)
                except (LineError, ParameterError):
                    await self._start_said()
                    raise
        except TimeoutError:
            raise LineError(f"the session was not started within {START_SECONDS:.0f} seconds") from None
        return asked

    async def _start_said(self) -> None:
        with suppress(LineError):  # a line that is too long, behind which nothing is read
            while not is_start(await self._next_line()):
                pass

    async def _next_line(self) -> bytes:
        while (line := self._connection.line()) is None:
            self._require_running()
            self._connection.wake.clear()
            await self._connection.wake.wait()
        return line

    async def _understood(self, line: Subscription) -> Subscribed | None:
        """The request that a line completes, with its symbols looked up."""
        wanted = self._subscriptions.wanted(line)
        if wanted is None:
            return None
        if self._tape is None:
            self._tape = await self._common.choice.tape(self._who.dataset, line.stype_in, wanted.symbols)
        return Subscribed(wanted, await find(self._the_tape, line.stype_in, wanted.symbols))

    @property
    def _the_tape(self) -> LoadedTape:
        """The tape that it follows: the first, where nothing that was asked for says which."""
        if self._tape is None:
            self._tape = next(iter(self._common.choice.tapes(self._who.dataset)), None)
        if self._tape is None:
            raise EndError(Failure.INTERNAL, f"no tape of {self._who.dataset} is here any longer")
        return self._tape

    # From the start on.

    async def _play(self, asked: list[Subscribed]) -> None:
        tape, playback, wake = self._the_tape, self._common.playback, self._connection.wake
        _require_kept(tape, asked)
        now = playback.now(tape)
        if playback.is_own(tape):
            now = max(now, _earliest(tape, asked))
        kind = Verbatim if self._common.options.verbatim else Sending
        sending = kind(self._common, self._outlet, self._messages, self._who, tape, now)
        lead = playback.lead(tape, now, wake, sending.heartbeat_seconds)
        with Following(lead, wake) as place:
            await sending.begin()
            self._sending = sending
            for subscribed in asked:
                await sending.answer(await asyncio.to_thread(self._subscriptions.answer, subscribed, sending.ts))
            await self._catch_up(sending, asked, now)
            await self._follow(sending, place)

    async def _catch_up(self, sending: Sending, asked: list[Subscribed], now: int) -> None:
        """Subscribes; what lies between a start and now is sent as fast as the client takes it."""
        origins = [_origin(sending.tape, subscribed.start, now) for subscribed in asked]
        sending.position = min([now, *origins])
        for subscribed, origin in zip(asked, origins, strict=True):
            await self._take(sending, subscribed, origin)
        await self._go(sending, now)
        for schema in dict.fromkeys(subscribed.schema for subscribed in asked if subscribed.start is not None):
            await sending.say(Notice.REPLAY_COMPLETED, f"Finished {schema} replay")
        for subscribed in asked:
            await self._show_books(sending, subscribed)

    async def _go(self, sending: Sending, until: int) -> None:
        while sending.position < until:
            self._require_running()
            await sending.piece(until)
            await sending.beat()

    async def _take(self, sending: Sending, subscribed: Subscribed, position: int) -> None:
        """Begins with a subscription at a position, or ends what it ends."""
        if subscribed.is_empty:
            return
        instruments = subscribed.found.instruments
        if subscribed.ends:
            await sending.unsubscribe(subscribed.schema, instruments)
        else:
            since = subscribed.start or 0
            await sending.subscribe(subscribed.schema, instruments, since=since, position=position)
        self._subscriptions.take(subscribed, (known.instrument_id for known in sending.tape.tape.instruments))

    async def _show_books(self, sending: Sending, subscribed: Subscribed) -> None:
        if subscribed.snapshot and not subscribed.is_empty:
            await sending.snapshot(subscribed.found.instruments)

    async def _follow(self, sending: Sending, place: Following) -> None:
        """Sends what the lead allows, until the end."""
        while True:
            self._connection.wake.clear()
            await self._later_lines(sending)
            self._require_running()
            if place.jump(sending.position):
                await self._jump(sending, place.entry)
            elif sending.position < place.limit:
                await self._keep_up(sending, place)
                await sending.piece(place.limit)
                await sending.beat()
            elif place.lead.ended and not self._common.options.stay:
                await sending.finish()
                return
            else:
                await sending.rest()
                sending.caught_up()
                await sending.beat()
                await place.more(sending.position)

    async def _later_lines(self, sending: Sending) -> None:
        """Subscriptions that come while it runs: from now on, since a replay belongs to a session's start."""
        while (line := self._connection.line()) is not None:
            request = parse_request(line)
            if isinstance(request, SessionStart):
                raise LineError("the session has started already")
            if request.start is not None:
                raise LineError("a subscription can have a start only before the session has started")
            if (subscribed := await self._understood(request)) is not None:
                await sending.answer(await asyncio.to_thread(self._subscriptions.answer, subscribed, sending.ts))
                await self._take(sending, subscribed, sending.position)
                await self._show_books(sending, subscribed)

    async def _jump(self, sending: Sending, position: int) -> None:
        """Goes on elsewhere: books are shown as they are there, since nothing says how they came to be so."""
        await sending.jump(position)
        if self._subscriptions.books != ():
            await sending.snapshot(self._subscriptions.books)

    async def _keep_up(self, sending: Sending, place: Following) -> None:
        """Warns a client that is far behind, or leaves out what it would rather miss."""
        if not sending.is_late():
            return
        if self._who.skips and self._subscriptions.books == ():
            await sending.skip(place.limit)
        else:
            await sending.warn()

    def _require_running(self) -> None:
        if self._common.lifecycle.ending:
            raise EndError(Failure.INTERNAL, "the gateway is stopping")
        if self._tape is not None and self._tape.removed:
            raise EndError(Failure.INTERNAL, "the tape is served no longer")

    async def _fail(self, failure: Failure, why: str) -> None:
        """Tells an error; a client that has not started hears it as the first thing of its session."""
        log.info("gateway_session_error", failure=failure.name, why=why)
        if self._sending is not None:
            await self._sending.fail(failure, why)
            return
        now = time.time_ns()
        await self._outlet.send(self._messages.metadata(now) + self._messages.error(failure, why, now))


def _require_kept(tape: LoadedTape, asked: list[Subscribed]) -> None:
    """Refuses a start among records that were dropped; 0 is the first that there is."""
    first = tape.ts_at(tape.first)
    if tape.first and first is not None and any(0 < (subscribed.start or 0) < first for subscribed in asked):
        raise EndError(Failure.AGED_OUT, f"the tape has dropped its records before {iso(first)}")


def _earliest(tape: LoadedTape, asked: list[Subscribed]) -> int:
    """Where a playback begins of which every subscription asks for a start: at the earliest of them."""
    asked = [subscribed for subscribed in asked if not subscribed.ends]
    starts = [subscribed.start for subscribed in asked if subscribed.start is not None]
    if not starts or len(starts) < len(asked):
        return tape.first
    return min(tape.due(tape.first, start - 1) if start else tape.first for start in starts)


def _origin(tape: LoadedTape, start: int | None, now: int) -> int:
    """The position of the first record that a subscription may want, up to now."""
    if start is None:
        return now
    return min(now, tape.due(tape.first, start - SKEW_NS - 1)) if start > SKEW_NS else min(now, tape.first)
