"""The loaded tapes and what can be asked of them; the one place of the service that knows the core."""

from collections.abc import Callable, Iterator
from functools import partial
from os import cpu_count
from typing import NamedTuple, TypeVar

import msgspec
import structlog
from anyio import CapacityLimiter, Lock, to_thread
from litestar.exceptions import ServiceUnavailableException

from booktape import BooktapeError, Gap, GoneError, NotFoundError, Tape
from booktape._native import DepthStream
from booktape.lookup import find_ids
from booktape.moment import iso
from booktape.parameters import bad_parameter
from booktape.service.lifecycle import Lifecycle
from booktape.service.parameters.kinds import InstrumentRef, PublisherRef, When
from booktape.service.streams.signal import Pulse
from booktape.service.tapes.audit import AuditReport
from booktape.service.tapes.order import OrderLives
from booktape.service.tapes.schemas import (
    EMPTY_BOOK,
    BookState,
    RecordsPage,
    TapeDetails,
    TapeGap,
)
from booktape.service.tapes.tree import BookKey, MarketTree
from booktape.service.tracing import traced
from booktape.values import View

Progress = Callable[[int, int], object]
Result = TypeVar("Result")


class BooksAtHead(NamedTuple):
    """The books at the end of a tape, in figures."""

    books: int
    bid_levels: int
    ask_levels: int
    crossed: int


log = structlog.get_logger(__name__)


def _gap(gap: Gap) -> TapeGap:
    start, end = (None if ts is None else str(ts) for ts in (gap.start, gap.end))
    return TapeGap(gap.index, start, end, gap.publisher_id, gap.instrument_id, gap.text)


class LoadedTape:
    """A tape with what the service keeps beside it. One that grows is shown as far as it was when last looked at."""

    def __init__(self, tape: Tape, pulse: Pulse, cores: CapacityLimiter, progress: Progress | None) -> None:
        self.id = tape.id
        self.tape = tape
        """The tape as it is now; take it once for an answer."""
        self.head = tape._native
        """Its native half."""
        self.complete = True
        """Whether it takes no more records."""
        self.indexed = False
        """Whether any moment of it takes milliseconds."""
        self.removed = False
        """Whether it is served no longer: streams say goodbye."""
        self.growth = pulse.signal()
        """Fired when it has grown, is complete, or is removed."""
        self._tree: tuple[Tape, MarketTree] | None = None
        self._progress = progress
        self._audit: tuple[int, AuditReport] | None = None
        self._audit_lock = Lock()
        self._cores = cores

    def __len__(self) -> int:
        return len(self.head)

    @property
    def tree(self) -> MarketTree:
        """Its instruments."""
        if self._tree is None or self._tree[0] is not self.tape:
            self._tree = (self.tape, MarketTree(self.tape))
        return self._tree[1]

    def grow(self, tape: Tape, *, complete: bool) -> None:
        """Takes a later head of the same tape. Only on the event loop."""
        self.tape, self.head, self.complete = tape, tape._native, complete
        self.growth.fire()

    def remove(self) -> None:
        """Says that it is served no longer."""
        self.removed = True
        self.growth.fire()

    def due(self, position: int, ts: int) -> int:
        """The first position from `position` on whose record is later than `ts`."""
        return self.head.due(position, ts)

    def ts_at(self, position: int) -> int | None:
        """ts_recv of the record at a position; None at the end."""
        return self.head.ts_at(position)

    def details(self) -> TapeDetails:
        """What the tape is and holds."""
        tape, start, end = self.tape, self.tape.start_ns, self.tape.end_ns
        return TapeDetails(
            id=tape.id,
            name=tape.name,
            dataset=tape.dataset,
            first_index=tape.first_index,
            records=len(tape),
            growing=not self.complete,
            start=None if start is None else str(start),
            end=None if end is None else str(end),
            start_iso=None if start is None else iso(start),
            end_iso=None if end is None else iso(end),
            dbn_version=tape.dbn_version,
            left=tape.left,
            books=len(tape.instruments),
            other_records=tape.other_records,
            gaps=[_gap(gap) for gap in tape.gaps],
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
        return at.moment.position(self.head)

    @property
    def first(self) -> int:
        """Index of the first record that is kept."""
        return self.head.first

    def position_from(self, start: When | None, name: str = "from") -> int:
        """The position of the first record from a moment on: that of the first that is kept where there is none.

        Raises:
            ParameterError: the moment is outside the tape.
            GoneError: the records there were dropped.
        """
        if start is None:
            return self.first
        index, ts = start.moment.index, start.moment.ts
        if ts is not None:
            self._require_in_range(name, ts)
            return self.due(self.first, ts - 1)
        if index is None or index > len(self):
            raise bad_parameter(name, index, f"an index from 0 to {len(self):,}, the end of the tape")
        self.require_kept(index)
        return index

    def require_kept(self, position: int) -> None:
        """Refuses a position before the first record that is kept.

        Raises:
            GoneError: its record was dropped.
        """
        if position < self.first:
            raise GoneError(
                f"record {position:,} of {self.id} was dropped; the first there is has index {self.first:,}"
            )

    @traced("tape.book_at")
    async def book(self, position: int, key: BookKey, *, depth: int, view: View, orders: bool) -> BookState:
        """A book as it stood at a position; empty before its first record."""
        instrument_id, publisher_id = key.ids
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
            market = self.head.market_at(position, instrument_id, publisher_id)
            if not market.books():
                return EMPTY_BOOK
            book: dict[str, object] = msgspec.json.decode(
                market.book(instrument_id, publisher_id).state_json(depth, view, orders)
            )
            return book

        return msgspec.convert(await self.aside(state) | place, BookState)

    @traced("tape.order")
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
        return msgspec.json.decode((await self.aside(life)).to_json(), type=OrderLives)

    async def records(self, position: int, limit: int) -> RecordsPage:
        """A page of records."""
        return msgspec.json.decode(self.head.records_json(position, limit), type=RecordsPage)

    @traced("tape.audit")
    async def audit(self) -> AuditReport:
        """What was wrong and where each book ended; worked out once, however many ask."""
        async with self._audit_lock:
            head = self.head
            if self._audit is None or self._audit[0] != len(head):
                audit = partial(head.audit_json, progress=self._progress)
                self._audit = (len(head), msgspec.json.decode(await self.aside(audit), type=AuditReport))
            return self._audit[1]

    @traced("tape.index")
    async def index(self) -> None:
        """Goes along the tape once, so that any moment of it takes milliseconds."""
        await self.aside(partial(self.tape.build_index, progress=self._progress))
        self.indexed = True

    async def books_at_head(self) -> BooksAtHead:
        """How deep its books are at the end, and how many are crossed."""
        head = self.head

        def count() -> BooksAtHead:
            market = head.market_at(len(head))
            books = [market.book(instrument_id, publisher_id) for publisher_id, instrument_id in market.books()]
            bids, asks = (sum(levels) for levels in zip((0, 0), *(book.level_counts() for book in books), strict=True))
            return BooksAtHead(len(books), bids, asks, sum(book.is_crossed() for book in books))

        return await self.aside(count)

    async def depth_stream(
        self, position: int, instrument_id: int, publisher_id: int, *, levels: int, view: View, trades: bool, ids: str
    ) -> DepthStream:
        """A screen of one book, standing at a position."""
        make = partial(DepthStream, self.head, instrument_id, publisher_id)
        return await self.aside(partial(make, start=position, levels=levels, view=view, trades=trades, ids=ids))

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Works in a thread, of which there are as many as cores."""
        return await to_thread.run_sync(work, limiter=self._cores, abandon_on_cancel=True)

    def _require_in_range(self, name: str, ts: int) -> None:
        start, end = self.tape.start_ns, self.tape.end_ns
        if start is None or end is None:
            raise bad_parameter(name, f"ns:{ts}", "the tape is empty")
        if not start <= ts <= end:
            given = iso(ts) if 0 <= ts < 2**64 else f"ns:{ts}"
            raise bad_parameter(name, given, f"outside the tape, which runs from {iso(start)} to {iso(end)}")


class Deck:
    """The tapes of a service, by id, in the order they came. `progress` is called by long work and may end it."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        # Applying records keeps a core busy: more at once than there are cores only makes each of them late.
        self._cores = CapacityLimiter(cpu_count() or 1)
        self._lifecycle = lifecycle
        self._tapes: dict[str, LoadedTape] = {}

    def __iter__(self) -> Iterator[LoadedTape]:
        return iter(list(self._tapes.values()))

    def __len__(self) -> int:
        return len(self._tapes)

    @property
    def waiting(self) -> int:
        """Questions that wait for a core."""
        return self._cores.statistics().tasks_waiting

    def add(self, tape: Tape) -> LoadedTape:
        """Serves a tape; one that is served already stays as it is."""
        if tape.id not in self._tapes:
            self._tapes[tape.id] = LoadedTape(tape, self._lifecycle.pulse, self._cores, self._lifecycle.carry_on)
        return self._tapes[tape.id]

    def remove(self, tape_id: str) -> LoadedTape:
        """Serves a tape no longer.

        Raises:
            NotFoundError: there is none with that id.
        """
        tape = self.tape(tape_id)
        del self._tapes[tape_id]
        tape.remove()
        return tape

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
            ServiceUnavailableException: there is none yet.
        """
        if tape_id in self._tapes:
            return self._tapes[tape_id]
        self._lifecycle.require_loaded()
        raise NotFoundError(f"no tape {tape_id}; loaded: {', '.join(self._tapes) or 'none'}")

    def first(self) -> LoadedTape:
        """The tape that routes without one in their path serve.

        Raises:
            NotFoundError: none is loaded.
            ServiceUnavailableException: none is loaded yet.
        """
        for tape in self:
            return tape
        self._lifecycle.require_loaded()
        raise NotFoundError("no tape is loaded")
