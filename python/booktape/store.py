"""The store: tapes as SQLite tables in the data folder, for SQL and for pages of messages."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex, TypeAlias

from booktape import _native
from booktape.errors import NotFoundError, StoreError
from booktape.live import LiveTape
from booktape.moment import NS, Moment, nanoseconds
from booktape.parameters import COUNT_RANGE, ID_RANGE, PUBLISHER_RANGE, bad_parameter, within
from booktape.places import data_dir, max_in_memory
from booktape.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from booktape.moment import Time
    from booktape.tape import Progress

Synchronous: TypeAlias = Literal["normal", "full"]
"""What a power failure may cost: the last commits, which are made again from the tapes; or nothing, more slowly."""

MAX_MESSAGES = 1_000
"""Messages of a page at most."""

_ROWS = range(1, 10_000_001)
_ORDER_IDS = range(2**64)


class StoredTape(NamedTuple):
    """A tape in the store."""

    id: str
    """The tape's id."""
    name: str
    """Its name."""
    dataset: str
    """Databento's code of its dataset."""
    first_index: int
    """Index of the first record there is a row for."""
    high_water_mark: int
    """Index of the first record there is no row for yet."""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.high_water_mark - self.first_index


class StoreStatus(NamedTuple):
    """What a store is and holds."""

    schema_version: int
    """The version of its tables."""
    bytes: int
    """Bytes of the database and its journal."""
    indexed: bool
    """Whether its indices are there: not while many rows are loaded at once."""
    tapes: list[StoredTape]
    """Its tapes, in the order they came."""


class RegisteredTape(NamedTuple):
    """A tape of the data folder, or one that it knows by its path."""

    id: str
    """The tape's id."""
    name: str
    """Its name."""
    kind: Literal["file", "upload", "live"]
    """A file that stays where it is, one that was uploaded into the folder, or a live tape."""
    created: int
    """When it came, ns since 1970 UTC."""
    path: str | None
    """Where a file is."""
    closed: bool | None
    """Whether a live tape takes no more; None for others."""


class FollowedTape(NamedTuple):
    """A tape that is stored in the background."""

    id: str
    """The tape's id."""
    high_water_mark: int | None
    """Index of the first record there is no row for yet; None before the store has looked."""
    records: int
    """Records on the tape now."""
    error: str | None
    """Why it does not get on, where it does not; it is tried again."""

    @property
    def lag(self) -> int:
        """Records without a row yet."""
        return max(0, self.records - (self.high_water_mark or 0))


class Operation(NamedTuple):
    """What a store did of one kind, since it was opened."""

    name: str
    """insert (a batch of rows), index (one built), delete (a batch of rows) or query."""
    count: int  # type: ignore[assignment] # how often, not the tuple method that nobody misses
    """How often."""
    seconds: float
    """How long in all."""


class Answer(NamedTuple):
    """What a query gave."""

    columns: tuple[str, ...]
    """The columns' names."""
    rows: list[tuple[Any, ...]]
    """The rows: int, float, str, bytes or None."""
    more: bool
    """Whether there are more, which the limit left out."""


class MessagesPage(NamedTuple):
    """Some messages, and where the next page begins."""

    messages: list[dict[str, Any]]
    """Each as `Tape.records` has it, with the id of its `tape`: order ids, prices and times are strings."""
    next: str | None
    """`after` of the next page; None behind the last message."""


class Store:
    """Tapes as SQLite tables in a data folder, which has one owner at a time; docs/store.md describes the tables.

    `folder` is the data folder, ``BOOKTAPE_DATA_DIR`` or booktape's own if left out; it is made if need be. The
    database is a projection: what is in it can be loaded again from the tapes. With ``synchronous="full"`` every
    commit is on the disk before it counts; by default a power failure may cost the last ones. `sync` says when records
    of live tapes are brought to the disk: when a ``"segment"`` is finished, before each ``"batch"`` is shown, or so
    many milliseconds after they were written, as in ``"100"``. docs/durability.md tells what survives what. A damaged
    database is a `StoreError`; ``rebuild=True`` moves it aside (`set_aside` says where) and begins an empty one.

    Indices that an earlier process left out, because it was killed while it loaded, are built when it is
    opened; with ``background=True`` by the thread that `follow` uses.

    A context manager; `close` frees the folder. A store may be used from several threads: those who read wait for
    nobody.

    >>> import booktape as bt, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with bt.Store(folder) as store:
    ...     store.load(bt.synthesize(messages=1_000, seed=1))
    ...     store.sql("SELECT count(*) AS adds FROM mbo_messages WHERE action = ?", ["A"]).columns
    1000
    ('adds',)
    """

    __slots__ = ("_folder", "_known", "_native", "_sync")

    def __init__(
        self,
        folder: str | os.PathLike[str] | None = None,
        *,
        synchronous: Synchronous = "normal",
        rebuild: bool = False,
        background: bool = False,
        sync: str = "segment",
    ) -> None:
        self._folder = data_dir(folder)
        self._native = _native.Store(self._folder, synchronous=synchronous, rebuild=rebuild)
        self._known: _native.Tapes | None = self._native.tapes()
        self._sync = sync
        if background:
            self._native.start()
        else:
            self._native.tidy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the database once those who use it now are done, and frees the folder. Again does nothing.

        Live tapes that are still in use hold the folder until they are let go.
        """
        self._native.close()
        self._known = None

    @property
    def _tapes(self) -> _native.Tapes:
        if self._known is None:
            raise StoreError(f"{self._folder}: the store is closed")
        return self._known

    @property
    def folder(self) -> str:
        """The data folder."""
        return self._folder

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged database was moved when this one was begun in its place."""
        return self._native.set_aside

    def registered(self) -> list[RegisteredTape]:
        """The tapes that the folder has or knows, in the order they came."""
        return [RegisteredTape(*row) for row in self._tapes.list()]

    def register(
        self,
        path: Path | str,
        *,
        tolerant: bool = False,
        max_decompressed: int | None = None,
        progress: Progress | None = None,
    ) -> Tape:
        """Opens a DBN file, and knows it from now on by its path: it stays where it is. The same file keeps its id."""
        return Tape(
            self._tapes.register(
                os.fspath(path),
                in_memory=max_in_memory(),
                tolerant=tolerant,
                max_decompressed=max_decompressed,
                progress=progress,
            )
        )

    def open(self, tape_id: str, *, progress: Progress | None = None) -> Tape | LiveTape:
        """A tape that the folder has or knows.

        A file that is gone, or holds something else than it did, is a `ConflictError`; no such id a `NotFoundError`.

        >>> import booktape as bt, tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with bt.Store(folder) as store:
        ...     store.create_live("feed").feed(bt.synthesize(messages=1_000, seed=1))
        ...     tape_id = store.registered()[0].id
        >>> with bt.Store(folder) as store:
        ...     len(store.open(tape_id))
        1000
        """
        found = self._tapes.open(tape_id, in_memory=max_in_memory(), sync=self._sync, progress=progress)
        return Tape(found) if isinstance(found, _native.Tape) else LiveTape(found)

    def create_live(self, name: str, *, dataset: str = "") -> LiveTape:
        """Begins a live tape. `dataset` is its dataset until what is written to it says so."""
        return LiveTape(self._tapes.create_live(name, dataset=dataset, sync=self._sync))

    def begin_upload(self, name: str, *, limit: int) -> _native.Upload:
        """A file on its way into the folder, of at most `limit` bytes: `write`, then `finish`, which makes it a tape.

        The name is that of a DBN file, without a folder. Let go before it is finished, it leaves nothing.
        """
        return self._tapes.begin_upload(name, limit=limit)

    def load(self, tape: Tape, *, progress: Progress | None = None) -> int:
        """Adds the records of a tape that are not there yet; the number of rows added.

        Each record is one row, however often its tape is loaded; a tape is known by its id. What was added stays when
        the work is stopped, and the next call goes on behind it. `progress` is called with rows done and to do.

        >>> import booktape as bt, tempfile
        >>> tape = bt.synthesize(messages=1_000, seed=1)
        >>> with bt.Store(tempfile.mkdtemp()) as store:
        ...     store.load(tape), store.load(tape)
        (1000, 0)
        """
        return self._native.load(tape._native, progress=progress)

    def follow(self, tape: Tape | LiveTape) -> None:
        """Loads a tape in the background, by a thread of the lowest priority; `followed` tells how far it is.

        What comes to a live tape is loaded as it comes.

        >>> import booktape as bt, tempfile
        >>> with bt.Store(tempfile.mkdtemp()) as store:
        ...     store.follow(bt.synthesize(messages=1_000, seed=1))
        ...     store.flush()
        ...     [tape.lag for tape in store.followed()]
        True
        [0]
        """
        self._native.follow(tape._native)

    def unfollow(self, tape_id: str) -> None:
        """Stops loading a tape in the background; what is loaded stays."""
        self._native.unfollow(tape_id)

    def give_way(self, whether: bool) -> None:
        """Has the background thread rest seven times as long as it works on what does not grow, or rest no longer.

        For as long as others need the processors more: what is loaded later is not lost.
        """
        self._native.give_way(whether)

    def followed(self) -> list[FollowedTape]:
        """The tapes that are loaded in the background, and how far they are."""
        return [FollowedTape(*tape) for tape in self._native.followed()]

    @property
    def error(self) -> str | None:
        """What went wrong in the background and was not made up for yet: a full disk, say. Nothing is lost by it."""
        return self._native.error()

    def flush(self, timeout: float = 60.0) -> bool:
        """Waits until all that is on the followed tapes now is stored, for some seconds at most; whether it is."""
        return self._native.flush(timeout)

    def operations(self) -> list[Operation]:
        """What the store did since it was opened, by kind."""
        _, kinds = self._native.counters()
        return [Operation(name, count, took / NS) for name, (count, took) in kinds.items()]

    @property
    def rows_added(self) -> int:
        """Rows added since it was opened."""
        return self._native.counters()[0]

    def status(self) -> StoreStatus:
        """What the store is and holds; waits for nobody."""
        version, size, indexed, tapes = self._native.status()
        return StoreStatus(version, size, indexed, [StoredTape(*tape) for tape in tapes])

    def tapes(self) -> list[StoredTape]:
        """The tapes there are rows of, in the order they came."""
        return self.status().tapes

    def messages(
        self,
        *,
        tape: str | None = None,
        instrument: SupportsIndex | str | None = None,
        publisher: SupportsIndex | str | None = None,
        order_id: SupportsIndex | None = None,
        start: Moment | Time | None = None,
        end: Moment | Time | None = None,
        limit: SupportsIndex = 100,
        after: str | None = None,
        timeout: float = 60.0,
    ) -> MessagesPage:
        """A page of messages, 1,000 at most, from the one after `after`, which is `next` of the page before.

        Those of an instrument or an order come in order of ts_recv, all others in order of tape and index. An
        instrument is given by id or symbol, a publisher by id or name, a tape by its id; `start` and `end` are times
        (ts_recv from, and before), UTC. A tape or name that is not there is a `NotFoundError`, a symbol that means
        several instruments a `ParameterError`; a page that takes longer than `timeout` seconds is a `StoreBusyError`.

        >>> import booktape as bt, tempfile
        >>> tape = bt.synthesize(messages=1_000, seed=1)
        >>> with bt.Store(tempfile.mkdtemp()) as store:
        ...     _ = store.load(tape)
        ...     page = store.messages(instrument=tape.instruments[0].symbol, limit=10)
        ...     rest = store.messages(instrument=tape.instruments[0].symbol, limit=1_000, after=page.next)
        >>> len(page.messages), len(rest.messages), rest.next
        (10, 990, None)
        """
        page = self._native.messages_json(
            tape=tape,
            instrument=_named("instrument", instrument, ID_RANGE),
            publisher=_named("publisher", publisher, PUBLISHER_RANGE),
            order_id=None if order_id is None else within("order_id", order_id, _ORDER_IDS),
            start=_time("start", start),
            end=_time("end", end),
            after=after,
            limit=within("limit", limit, range(1, MAX_MESSAGES + 1)),
            timeout=timeout,
        )
        return MessagesPage(**json.loads(page))

    def sql(
        self,
        query: str,
        parameters: Iterable[object] | Mapping[str, object] = (),
        *,
        limit: SupportsIndex = 100_000,
        timeout: float = 60.0,
    ) -> Answer:
        """Answers any one query that only reads.

        `parameters` are values for its ``?`` in order, or for its ``:name`` by name; integers from 2**63 on become the
        signed ones of the same bits, as ids and times are stored. At most `limit` rows come back, and `more` says
        whether that left some out. What SQLite refuses is a `StoreError` that says why; a query that takes longer than
        `timeout` seconds a `StoreBusyError`.

        >>> import booktape as bt, tempfile
        >>> with bt.Store(tempfile.mkdtemp()) as store:
        ...     _ = store.load(bt.synthesize(messages=1_000, seed=1))
        ...     store.sql("SELECT min(id), count(*) FROM mbo_messages WHERE size >= :least", {"least": 0}).rows
        [(1099511627776, 1000)]
        """
        columns, rows, more = self._native.sql(query, parameters, limit=within("limit", limit, _ROWS), timeout=timeout)
        return Answer(tuple(columns), rows, more)

    def remove(self, tape_id: str) -> None:
        """Removes a tape: its rows, some thousand at a time, and what the folder has of it. Other files stay.

        A `NotFoundError` where there is no such tape; a live one must be closed first. Where the database cannot be
        written the tape stays, and is followed no more.
        """
        known = any(tape.id == tape_id for tape in self.registered())
        if known:
            self._tapes.require_removable(tape_id)
        # The tape goes last: what ends this in between leaves one whose rows are made again, never rows without one.
        if not self._native.remove(tape_id) and not known:
            raise NotFoundError(f"no tape {tape_id} in the store; there are: {self._ids()}")
        if known:
            self._tapes.remove(tape_id)

    def forget_before(self, tape_id: str, index: SupportsIndex) -> int:
        """Removes the rows of a tape's records before an index; how many. Loading the tape does not bring them back."""
        return self._native.forget_before(tape_id, within("index", index, COUNT_RANGE))

    def verify(self) -> None:
        """Reads the whole database and raises a `StoreError` if anything does not fit together."""
        self._native.verify()

    def __repr__(self) -> str:
        return f"<Store {self._folder}>"

    def _ids(self) -> str:
        return ", ".join(tape.id for tape in self.tapes()) or "none"


def _named(name: str, given: SupportsIndex | str | None, numbers: range) -> int | str | None:
    return given if given is None or isinstance(given, str) else within(name, given, numbers)


def _time(name: str, given: Moment | Time | None) -> int | None:
    if given is None:
        return None
    time = given.ts if isinstance(given, Moment) else None if hasattr(given, "__index__") else nanoseconds(given, name)
    if time is None:
        raise bad_parameter(name, given, "a time: an index belongs to one tape")
    return within(name, time, range(2**64), "a time from 1970 on")
