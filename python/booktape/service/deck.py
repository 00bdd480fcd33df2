"""The loaded tapes and what can be asked of them; the one place of the service that knows the core."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from os import cpu_count
from typing import Literal, TypeVar

import msgspec
import structlog
from anyio import CapacityLimiter, Lock, to_thread
from litestar.exceptions import ServiceUnavailableException

from booktape import BooktapeError, NotFoundError, Tape
from booktape._native import DepthStream, RecordStream, SharedFrames
from booktape.lookup import find_ids
from booktape.moment import iso
from booktape.parameters import bad_parameter
from booktape.service.parameters import InstrumentRef, PublisherRef, When
from booktape.service.tapes.audit import AuditReport
from booktape.service.tapes.order import OrderLives
from booktape.service.tapes.schemas import (
    EMPTY_BOOK,
    BookState,
    RecordsPage,
    TapeDetails,
)
from booktape.service.tapes.tree import BookKey, MarketTree
from booktape.values import View

Format = Literal["json", "full", "dbn"]
Progress = Callable[[int, int], object]
Result = TypeVar("Result")

_FRAME_CACHES = 8

log = structlog.get_logger(__name__)


class LoadedTape:
    """A tape with what the service keeps beside it: its audit, and frames that clients share."""

    def __init__(self, tape: Tape, cache_bytes: int, progress: Progress | None, cores: CapacityLimiter) -> None:
        self.id = tape.id
        self.tree = MarketTree(tape)
        self.tape = tape
        self._native = tape._native
        self._cache_bytes = cache_bytes
        self._progress = progress
        self._frames: dict[tuple[Format, int | None], SharedFrames] = {}
        self._audit: AuditReport | None = None
        self._audit_lock = Lock()
        self._cores = cores

    def __len__(self) -> int:
        return len(self.tape)

    def due(self, position: int, ts: int) -> int:
        """The first position from `position` on whose record is later than `ts`."""
        return self._native.due(position, ts)

    def ts_at(self, position: int) -> int | None:
        """ts_recv of the record at a position; None at the end."""
        return self._native.ts_at(position)

    def details(self) -> TapeDetails:
        """What the tape is and holds."""
        tape, start, end = self.tape, self.tape.start_ns, self.tape.end_ns
        return TapeDetails(
            id=tape.id,
            name=tape.name,
            dataset=tape.dataset,
            records=len(tape),
            start=None if start is None else str(start),
            end=None if end is None else str(end),
            start_iso=None if start is None else iso(start),
            end_iso=None if end is None else iso(end),
            dbn_version=tape.dbn_version,
            left=tape.left,
            books=len(tape.instruments),
            other_records=tape.other_records,
        )

    def position_at(self, at: When | None) -> int:
        """How many records lie before a moment: the end where there is none.

        Raises:
            ParameterError: the moment is outside the tape.
        """
        if at is None:
            return len(self)
        if at.moment.ts is not None:
            self._require_in_range("at", at.moment.ts)
        return at.moment.position(self._native)

    def position_from(self, start: When | None) -> int:
        """The position of the first record from a moment on: 0 where there is none.

        Raises:
            ParameterError: the moment is outside the tape.
        """
        if start is None:
            return 0
        index, ts = start.moment.index, start.moment.ts
        if ts is not None:
            self._require_in_range("from", ts)
            return self.due(0, ts - 1)
        if index is None or index > len(self):
            raise bad_parameter("from", index, f"an index from 0 to {len(self):,}, the end of the tape")
        return index

    async def book(self, position: int, key: BookKey, *, depth: int, view: View, orders: bool) -> BookState:
        """A book as it stood at a position; empty before its first record."""
        instrument_id, publisher_id = key.instrument.instrument_id, key.publisher.publisher_id
        ts = self.ts_at(position - 1) if position else None
        place = {
            "index": position,
            "ts_recv": None if ts is None else str(ts),
            "instrument_id": instrument_id,
            "publisher_id": publisher_id,
            "publisher": key.publisher.publisher,
            "symbol": key.instrument.symbol,
            "view": view,
        }

        def state() -> dict[str, object]:
            market = self._native.market_at(position, instrument_id, publisher_id)
            if not market.books():
                return EMPTY_BOOK
            book: dict[str, object] = msgspec.json.decode(
                market.book(instrument_id, publisher_id).state_json(depth, view, orders)
            )
            return book

        return msgspec.convert(await self._aside(state) | place, BookState)

    async def order(
        self, order_id: int, instrument: InstrumentRef | None, publisher: PublisherRef | None
    ) -> OrderLives:
        """The life of an order; the first question goes along the whole tape once.

        Raises:
            NotFoundError: no such order, or none in that book.
            ParameterError: several books have it, and none was named.
        """
        named = (None if ref is None else str(ref) for ref in (instrument, publisher))
        ids = find_ids(self.tape, *named)
        life = partial(self.tape.order, order_id, *ids, progress=self._progress)
        return msgspec.json.decode((await self._aside(life)).to_json(), type=OrderLives)

    async def records(self, position: int, limit: int) -> RecordsPage:
        """A page of records."""
        return msgspec.json.decode(self._native.records_json(position, limit), type=RecordsPage)

    async def audit(self) -> AuditReport:
        """What was wrong and where each book ended; worked out once, however many ask."""
        async with self._audit_lock:
            if self._audit is None:
                audit = partial(self._native.audit_json, progress=self._progress)
                self._audit = msgspec.json.decode(await self._aside(audit), type=AuditReport)
            return self._audit

    async def index(self) -> None:
        """Goes along the tape once, so that any moment of it takes milliseconds."""
        await self._aside(partial(self.tape.build_index, progress=self._progress))

    def frames(self, form: Format, instrument_id: int | None) -> SharedFrames:
        """The frames that all full-speed clients of one format and filter share."""
        key = (form, instrument_id)
        # Taken out and put back, so that the dict is in order of use and the least recently used goes first.
        frames = self._frames.pop(key, None) or SharedFrames(
            self._native, form, instrument_id=instrument_id, cache_bytes=self._cache_bytes
        )
        self._frames[key] = frames
        if len(self._frames) > _FRAME_CACHES:
            del self._frames[next(iter(self._frames))]
        return frames

    def dbn_prelude(self) -> bytes:
        """What a DBN stream of this tape begins with: the metadata."""
        return RecordStream(self._native, "dbn").prelude()

    async def record_stream(self, form: Format, position: int, instrument_id: int | None) -> RecordStream:
        """A stream of records for one client, standing at a position."""

        def stream() -> RecordStream:
            made = RecordStream(self._native, form, start=position, instrument_id=instrument_id)
            made.next(position)  # brings its market there, which far into a tape takes a while
            return made

        return await self._aside(stream)

    async def depth_stream(self, position: int, key: BookKey, *, levels: int, view: View, trades: bool) -> DepthStream:
        """A screen of one book for one client, standing at a position."""
        make = partial(DepthStream, self._native, key.instrument.instrument_id, key.publisher.publisher_id)
        return await self._aside(partial(make, start=position, levels=levels, view=view, trades=trades))

    async def _aside(self, work: Callable[[], Result]) -> Result:
        return await to_thread.run_sync(work, limiter=self._cores, abandon_on_cancel=True)

    def _require_in_range(self, name: str, ts: int) -> None:
        start, end = self.tape.start_ns, self.tape.end_ns
        if start is None or end is None:
            raise bad_parameter(name, f"ns:{ts}", "the tape is empty")
        if not start <= ts <= end:
            given = iso(ts) if 0 <= ts < 2**64 else f"ns:{ts}"
            raise bad_parameter(name, given, f"outside the tape, which runs from {iso(start)} to {iso(end)}")


class Deck:
    """The tapes of a service, by id, in the order they were given.

    `cache_bytes` bounds the frames kept ready for a tape and format; `progress` is called by long work and may end it.
    """

    def __init__(self, tapes: Iterable[Tape], *, cache_bytes: int, progress: Progress | None = None) -> None:
        # Applying records keeps a core busy: more at once than there are cores only makes each of them late.
        cores = CapacityLimiter(cpu_count() or 1)
        self._tapes = {tape.id: LoadedTape(tape, cache_bytes, progress, cores) for tape in tapes}

    def __iter__(self) -> Iterator[LoadedTape]:
        return iter(self._tapes.values())

    async def index(self) -> None:
        """Indexes one tape after the other; ends where the service stops."""
        for tape in self:
            try:
                await tape.index()
            except ServiceUnavailableException:
                return
            except BooktapeError as why:  # moments are as right without, only slower
                log.warning("index_not_built", tape=tape.id, why=str(why))

    def tape(self, tape_id: str) -> LoadedTape:
        """A tape by its id.

        Raises:
            NotFoundError: there is none with that id.
        """
        if tape_id in self._tapes:
            return self._tapes[tape_id]
        raise NotFoundError(f"no tape {tape_id}; loaded: {', '.join(self._tapes) or 'none'}")

    def first(self) -> LoadedTape:
        """The tape that routes without one in their path serve.

        Raises:
            NotFoundError: none is loaded.
        """
        for tape in self:
            return tape
        raise NotFoundError("no tape is loaded")
