"""The Rust core as Python sees it: files, buffers and positions in; arrays, tuples and ready bytes out.

Everything here is private; `booktape` wraps it. Prices are ints in units of 1e-9, times ints in ns UTC, a *position* is the number
of records before a moment (0 to ``len(tape)``), a *level* is ``(price, size, count)``. JSON comes as UTF-8 bytes, its shape fixed in Rust.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, final

from typing_extensions import Buffer

Side: TypeAlias = Literal["B", "A"]
View: TypeAlias = Literal["matched", "published"]
Level: TypeAlias = tuple[int, int, int]
Format: TypeAlias = Literal["full", "json", "dbn"]
Prices: TypeAlias = Literal["float", "int", "decimal"]
Progress: TypeAlias = Callable[[int, int], object]

__version__: str

class BooktapeError(Exception): ...
class InputError(BooktapeError): ...
class AnomalyError(BooktapeError): ...
class NotFoundError(BooktapeError, LookupError): ...
class ConflictError(BooktapeError): ...
class GoneError(BooktapeError, LookupError): ...
class ParameterError(BooktapeError, ValueError): ...
class InvariantError(BooktapeError): ...
class StoreError(BooktapeError): ...
class StoreBusyError(StoreError): ...

@final
class Tape:
    """Records in order, with their symbols; immutable, shared between threads."""

    @staticmethod
    def open(
        paths: Sequence[str],
        *,
        data_dir: str,
        in_memory: int,
        tolerant: bool = False,
        max_decompressed: int | None = None,
        progress: Progress | None = None,
    ) -> Tape:
        """One or more DBN files in time order, each with so many bytes in memory or read by position, with what that needs in
        `data_dir`. `progress(bytes_done, bytes_total)` is called now and then."""

    @staticmethod
    def from_bytes(
        data: bytes, *, name: str = "bytes", tolerant: bool = False, max_decompressed: int | None = None
    ) -> Tape: ...
    @staticmethod
    def synthesize(
        *,
        messages: int,
        instruments: int = 1,
        seed: int = 0,
        anomalies: dict[str, int] | None = None,
        progress: Progress | None = None,
    ) -> Tape: ...
    def __len__(self) -> int: ...
    @property
    def id(self) -> str:
        """The name made safe for URLs, a dash, eight hex digits of the content's hash."""
    @property
    def name(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def dbn_version(self) -> int: ...
    @property
    def first(self) -> int:
        """Index of the first record that it keeps: 0, or that before which all were dropped."""
    @property
    def start(self) -> int | None:
        """First ts_recv, ns; None for an empty tape."""
    @property
    def end(self) -> int | None: ...
    @property
    def left(self) -> str | None:
        """What opening it tolerantly left behind, and why."""
    @property
    def index_refused(self) -> str | None:
        """Why a stored index is not used, or was built again."""
    @property
    def planted(self) -> dict[str, int]:
        """Anomalies that `synthesize` put in; empty for other tapes."""
    @property
    def symbols(self) -> dict[int, str]: ...
    def names(self) -> list[tuple[int, str, int, int]]:
        """(instrument_id, symbol, start, end) in ns of every meaning that an id had, in the order in which it was said."""
    def definitions(self) -> list[tuple[int, str, str, str]]:
        """(instrument_id, raw symbol, asset, instrument class) of the definitions beside it, the latest of each id; reads the
        file as far as the last of them, the first time."""
    @property
    def other_records(self) -> dict[str, int]:
        """Records beside the MBO ones, by type."""
    def gaps(self) -> list[tuple[int, int | None, int | None, tuple[int, int] | None, str]]:
        """Where records are missing: index of the next, ts_recv of the record before and of the next, (publisher_id,
        instrument_id) where it is one book's, and what was said."""
    def instruments(self) -> list[tuple[int, str, int, str | None, int]]:
        """(publisher_id, publisher, instrument_id, symbol, records) of every book the tape has records for."""
    def buffer(self, start: int | None = None, stop: int | None = None) -> RecordBuffer:
        """Records [start, stop), at most to the end: of the tape itself where it is in memory, else a copy."""
    def write_dbn(self, path: str, *, progress: Progress | None = None) -> None:
        """Whole or not at all; zstd where the path ends in .zst."""
    def dbn(self, *, compressed: bool = False, progress: Progress | None = None) -> Pieces:
        """The bytes of the same file."""
    def as_read(self, position: int, until: int) -> tuple[bytes, int]:
        """Records of [position, until) as they were read, some thousands at most, and the position after them: those of other
        types in their places, and at the end of the tape what is behind the last record."""
    def position_at(self, ts: int) -> int:
        """The position after the last record with ts_recv at or before `ts`; outside the tape is a ParameterError."""
    def step(self, position: int, by: str, count: int, instrument_id: int | None = None) -> int:
        """The position so many strides ("record", "event", "trade") on, or back; the tape's end or beginning where there are
        fewer."""
    def in_memory(self, position: int) -> bool:
        """Whether its records from a position on are in memory, so that a look at them never waits for a disk."""
    @property
    def dbn_head(self) -> bytes:
        """What a DBN stream of it begins with: the metadata."""
    def due(self, position: int, ts: int) -> int:
        """How far a replay that stands at `position` gets when its clock reads `ts`: the first position whose record is later."""
    def ts_at(self, position: int) -> int | None:
        """ts_recv of the record at a position; None at the end."""
    def market_at(
        self,
        position: int,
        instrument_id: int | None = None,
        publisher_id: int | None = None,
        *,
        progress: Progress | None = None,
    ) -> Market:
        """All books after a position, or that of one instrument alone; by the index, which is built as far as needed."""
    def build_index(self, *, progress: Progress | None = None) -> str | None:
        """Why the index could not be kept in the data folder, if so."""
    def index_size(self) -> tuple[int, int, int]:
        """Records indexed, keyframes, bytes of it all."""
    def audit_json(self, *, progress: Progress | None = None) -> bytes: ...
    def summary_json(self) -> bytes: ...
    def records_json(self, position: int, limit: int) -> bytes: ...

@final
class Bell:
    """Wakes an event loop from any thread, without the GIL: readable once it has been rung, however often."""

    def __new__(cls) -> Bell: ...
    def fileno(self) -> int:
        """What the event loop watches for reading."""
    def heard(self) -> None:
        """To be called when it is readable, before looking at what it was rung for."""

@final
class Alarm:
    """Wakes an event loop at a time, more exactly than loops do: readable once that has come."""

    def __new__(cls) -> Alarm: ...
    def fileno(self) -> int:
        """What the event loop watches for reading."""
    def set(self, seconds: float) -> None:
        """In so many seconds, and not at the time that was set before."""
    def heard(self) -> None:
        """To be called when it is readable."""

@final
class LiveTape:
    """A tape that is written by one and read by many; what is appended survives the death of the process.

    It takes bytes as a file does, so that databento's `client.add_stream(tape)` fills it. `Tapes` makes and opens them.
    """

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    def __len__(self) -> int: ...
    def head(self) -> Tape:
        """The tape as it is now."""
    def append(self, data: bytes) -> int:
        """The next bytes of a DBN stream, cut anywhere: metadata, then records. How many MBO records became part of the tape.

        Where they cannot be written nothing of them is on the tape, and they may be appended again. Bytes that are not DBN are an
        InputError: whole records before them are on the tape, and a new session must begin. A closed tape is a ConflictError.
        """
    def append_records(self, records: object) -> int:
        """Whole records of the session that came last, as bytes or anything with a buffer of them: all of them or none."""
    def on_growth(self, callback: Callable[[], object] | None) -> None:
        """Called after each batch, and when the tape is closed, from the thread that does it; it must be quick, and not append.

        It replaces the callback before, and is let go when the tape is closed.
        """
    def retain(self, *, longest: float | None = None, bytes: int | None = None) -> tuple[int, int] | None:
        """Drops the oldest segments: those whose last record came more than `longest` seconds ago, and while there are more `bytes`.

        Every book as it was then is kept first. The index of the first record that was dropped and of the first that stays, if
        any were: what is asked of those before is a GoneError from the next head on.
        """
    def ring(self, bell: Bell) -> None:
        """Has a bell rung after each batch, and when the tape is closed, in place of `on_growth`."""
    @property
    def is_closed(self) -> bool: ...
    def close(self) -> None:
        """No more will come."""
    @property
    def cut(self) -> list[str]:
        """What was cut off behind the last whole record when the tape was opened; nobody had seen it."""
    def write(self, data: bytes) -> int:
        """`append`; the number of bytes."""
    def flush(self) -> None:
        """Brings what was appended to the disk."""
    def writable(self) -> bool: ...
    @property
    def closed(self) -> bool: ...

@final
class Feeder:
    """A thread that appends a tape's MBO records to a live tape; it ends with the tape, an error, or when it is let go."""

    def __new__(
        cls, live: LiveTape, tape: Tape, *, records_per_second: int | None = None, restamp: bool = False
    ) -> Feeder:
        """At a pace, or as fast as they can be appended; `restamp` makes ts_recv the time at which a record is fed."""
    @property
    def fed(self) -> int:
        """Records so far."""
    @property
    def has_ended(self) -> bool: ...
    def wait(self) -> None:
        """Until no more will be fed; raises what ended it if that was an error."""
    def stop(self) -> None: ...

@final
class Ingest:
    """The sessions of an upstream, joined on a live tape, as a file that a client writes to; a thread of its own writes."""

    def __new__(cls, live: LiveTape) -> Ingest: ...
    def resume(self, overlap: float) -> tuple[Literal["begin", "whole", "from"], int | None]:
        """A session begins: with nothing to go on from, from the beginning, or with records of a ts_event and later. What comes
        is compared with the end of the tape, as far back as so many seconds before its last records."""
    def write(self, data: bytes) -> int:
        """Takes the next bytes of the session; a ConflictError once something could not be put on the tape."""
    def flush(self) -> None: ...
    def writable(self) -> bool: ...
    @property
    def closed(self) -> bool: ...
    def finish(self) -> None:
        """Waits until all of the session is on the tape, and raises what could not be put there; a new one may begin then."""
    def miss(self) -> None:
        """Says on the tape that records are missing behind its last one, unless it ends with a gap or is empty."""
    def messages(self) -> list[tuple[bool, int, str]]:
        """What the upstream said since the last time: whether it is an error, its code, its words."""
    def figures(self) -> tuple[int, int, int, int]:
        """Records put on the tape, of MBO and of other types; those that came again; gaps."""
    @property
    def lag(self) -> float:
        """Seconds since the oldest bytes came that are not on the tape yet."""
    @property
    def silence(self) -> float | None:
        """Seconds since anything came, a heartbeat among it; None before the first."""

@final
class Tapes:
    """The tapes of a data folder, which this process owns as long as this or one of its live tapes is there.

    `sync` says when records are brought to the disk: when a "segment" is finished, before each "batch" is shown, or so many
    milliseconds after they were written, as in "100".
    """

    def __new__(cls, data_dir: str) -> Tapes:
        """A ConflictError names the folder, and the process that owns it."""
    def list(self) -> list[tuple[str, str, Literal["file", "upload", "live"], int, str | None, bool | None]]:
        """(id, name, kind, created in ns, path of a file, whether a live tape is closed), in the order in which they came."""
    def register(
        self,
        path: str,
        *,
        in_memory: int,
        tolerant: bool = False,
        max_decompressed: int | None = None,
        progress: Progress | None = None,
    ) -> Tape:
        """Registers a file by its path, and opens it; the file stays where it is."""
    def create_live(
        self, name: str, *, dataset: str = "", segment_bytes: int = 67_108_864, sync: str = "segment"
    ) -> LiveTape:
        """Begins a live tape; `dataset` is its dataset until its first session says so."""
    def open(
        self,
        id: str,
        *,
        in_memory: int,
        max_decompressed: int | None = None,
        segment_bytes: int = 67_108_864,
        sync: str = "segment",
        progress: Progress | None = None,
    ) -> Tape | LiveTape:
        """A file that is gone or holds something else is a ConflictError."""
    def begin_upload(self, name: str, *, limit: int) -> Upload:
        """An upload of at most `limit` bytes; the name is that of a DBN file, without a folder."""
    def require_removable(self, id: str) -> None:
        """Refuses a tape that `remove` would refuse."""
    def remove(self, id: str) -> None:
        """Removes a tape, with the files that the data folder owns and no other. One that is live must be closed first."""

@final
class Upload:
    """A file on its way into the data folder; let go before it is finished, it leaves nothing."""

    def write(self, data: bytes) -> None:
        """The next bytes. Where that fails the upload is over: a ParameterError for more than the limit."""
    def finish(self, *, in_memory: int, max_decompressed: int | None = None, progress: Progress | None = None) -> Tape:
        """All bytes are there: opens the file and makes it a tape. An InputError leaves nothing."""
    def abort(self) -> None: ...

@final
class RecordBuffer(Buffer):
    """A tape's records as one read-only block: 56 bytes a record, without copying."""

@final
class Rows:
    """Which rows of a tape, derived or (`schema` "mbo") as they are; every use makes them anew."""

    def __new__(
        cls,
        tape: Tape,
        schema: str,
        *,
        start: int = 0,
        stop: int | None = None,
        since: int = 0,
        instrument_id: int | None = None,
        publisher_id: int | None = None,
        limit: int | None = None,
        dataset: str | None = None,
        clear_depth: int = 0,
        among: Sequence[int] | None = None,
    ) -> Rows:
        """Rows of the records [start, stop), and of intervals whose time is not before `since` (ns); `limit` of them at most.

        Of one instrument, or of those `among` some. By the rules of a dataset, the tape's if not said; `clear_depth` is the
        `depth` of the rows of clears.
        """
    @property
    def schema(self) -> str: ...
    @property
    def row_size(self) -> int:
        """Bytes of a row in DBN."""
    def columns(self) -> list[tuple[str, str, int]]:
        """(name, numpy's code of the type, offset) in the order in which they are shown."""
    def write_dbn(self, path: str, *, progress: Progress | None = None) -> int:
        """Whole or not at all, zstd where the path ends in .zst. The number of rows."""
    def write_csv(
        self, path: str, *, decimal: bool = True, symbols: bool = True, progress: Progress | None = None
    ) -> int: ...
    def batches(
        self, prices: Prices = "float", *, symbols: bool = True, progress: Progress | None = None
    ) -> Batches: ...
    def arrow_schema(self, prices: Prices = "float", *, symbols: bool = True) -> object:
        """An "arrow_schema" capsule."""
    def arrow_stream(self, prices: Prices = "float", *, symbols: bool = True) -> object:
        """An "arrow_array_stream" capsule: batches made as they are asked for."""
    def blocks(self) -> Pieces:
        """The rows alone, as the bytes of DBN records."""
    def dbn(self, *, compressed: bool = False, progress: Progress | None = None) -> Pieces: ...
    def csv(self, *, decimal: bool = True, symbols: bool = True, progress: Progress | None = None) -> Pieces: ...
    def json(self, *, symbols: bool = True, progress: Progress | None = None) -> Pieces:
        """An array of objects as Databento writes them, 64-bit numbers as strings."""

@final
class Batches:
    """Rows as columns, some 65,536 at a time."""

    def __iter__(self) -> Batches: ...
    def __next__(self) -> Batch: ...

@final
class Batch:
    """Implements Arrow's PyCapsule interface."""

    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

@final
class Pieces:
    """The bytes of a file, made as they are taken: some 256 KiB at a time, or none where much work brought none."""

    def __iter__(self) -> Pieces: ...
    def __next__(self) -> bytes: ...

@final
class WholeFile:
    """Entered, it gives the path to write to, which gets its final name when left; with an exception nothing is left."""

    def __new__(cls, path: str) -> WholeFile: ...
    def __enter__(self) -> str: ...
    def __exit__(self, raised: object, value: object, traceback: object) -> None: ...

@final
class Market:
    def __new__(cls, *, strict: bool = False) -> Market: ...
    @property
    def records(self) -> int:
        """Records applied so far."""
    def apply_tape(
        self, tape: Tape, start: int | None = None, stop: int | None = None, progress: Progress | None = None
    ) -> bytes:
        """Applies records [start, stop), else all that the tape keeps. An ApplyReport as JSON: {"records", "event_ends", "anomalies": {kind: count}}."""
    def apply_files(
        self,
        paths: Sequence[str],
        *,
        tolerant: bool = False,
        max_decompressed: int | None = None,
        progress: Progress | None = None,
    ) -> bytes:
        """Applies DBN files in one pass each, keeping no record. Progress is in bytes of each."""
    def apply_records(self, records: Buffer) -> bytes:
        """The same for a contiguous block of raw 56-byte MBO records."""
    def apply_record(self, record: bytes) -> bytes:
        """One raw record of 56 bytes (64 with ts_out); its market effect as JSON, as in the full stream."""
    def books(self) -> list[tuple[int, int]]:
        """(publisher_id, instrument_id) of every book, in order of appearance."""
    def book(self, instrument_id: int, publisher_id: int | None = None) -> Book: ...
    def bbo(self, instrument_id: int) -> tuple[Level | None, Level | None]:
        """Consolidated over publishers, each as of its last event end, matched view."""
    def audit_json(self) -> bytes: ...

@final
class Book:
    """One book of a market, live: every call shows the market's present state."""

    @property
    def publisher_id(self) -> int: ...
    @property
    def instrument_id(self) -> int: ...
    def bbo(self, view: View = "matched") -> tuple[Level | None, Level | None]: ...
    def levels(self, side: Side, depth: int | None = None, view: View = "matched") -> list[Level]: ...
    def level(self, side: Side, price: int, view: View = "matched") -> Level | None: ...
    def queue(self, side: Side, price: int) -> list[tuple[int, int, bool]]:
        """(order_id, size, priority_approximate), front first; of the published book."""
    def order(self, order_id: int) -> tuple[Side, int, int, bool] | None:
        """(side, price, size, priority_approximate)."""
    def queue_position(self, order_id: int) -> tuple[int, int] | None:
        """Orders ahead and their size."""
    def order_count(self) -> int: ...
    def level_counts(self) -> tuple[int, int]: ...
    def is_crossed(self) -> bool: ...
    def is_locked(self) -> bool: ...
    def suspect(self) -> str | None: ...
    def anomalies(self) -> dict[str, int]:
        """Anomalies of this book's records so far, by kind."""
    def executions(self) -> list[tuple[int, int, int, int]]:
        """(price, size, bid_order_id, ask_order_id) of the matched view."""
    def uncross(self) -> tuple[int, int, int, Side | None] | None:
        """(price, paired size, imbalance, its side) of the indicative auction."""
    def check(self) -> None: ...
    def state_json(self, depth: int, view: View, orders: bool) -> bytes: ...

@final
class RecordStream:
    """A lossless stream of a tape's records as frames; private to one client. `ids` stands before the position in event ids."""

    def __new__(
        cls, tape: Tape, format: Format, *, start: int = 0, instrument_id: int | None = None, ids: str = ""
    ) -> RecordStream: ...
    @property
    def position(self) -> int:
        """Where the next frame begins."""
    def next(self, tape: Tape, until: int) -> tuple[bytes, int]:
        """The records from the position on, up to `until` or to the end of a frame, and the position after them; moves there.
        Empty if the filter let none pass."""

@final
class SharedFrames:
    """Frames that are the same for every client at the same place, so that a hundred share each one."""

    def __new__(cls, format: Format, *, instrument_id: int | None = None, ids: str = "") -> SharedFrames: ...
    def end_of(self, position: int, until: int) -> int:
        """Where the next frame ends of a client at `position` that may have everything up to `until`."""
    def is_there(self, position: int) -> bool:
        """Whether the frame at a position is built without going along the tape first; not while another is being built."""
    def frame(self, tape: Tape, position: int, end: int) -> bytes:
        """The records from a position up to `end`: may take long far into a tape; releases the GIL."""

@final
class SessionFrames:
    """What one client of Databento's live protocol gets from a tape, as the bytes of DBN version 3: no metadata, no text.

    Not for two threads at once: a call waits until the one before is done.
    """

    def __new__(cls, *, ts_out: bool = False) -> SessionFrames:
        """With `ts_out` every record is 8 bytes longer: the time it was sent at, which each call is told in ns."""
    def subscribe(
        self, tape: Tape, schema: str, instruments: Sequence[int] | None, *, position: int, since: int = 0
    ) -> None:
        """To ``"mbo"``, a derived schema, ``"definition"``, ``"status"``, ``"statistics"`` or ``"imbalance"``; None for all
        instruments. From a position on, and with a ts_event of at least `since` (bbo, whose ts_event is that of a trade: ts_recv).

        What several subscriptions to a schema want comes once. Derived schemas begin with the books where the session goes on,
        which this call takes up: long work where the tape has no index yet. A row of an interval tells of what came since, so the
        first may be of a part of it; its end is told by the first record after it, of whatever book. What ids mean at `position`
        whoever subscribes has to say; where it changes later, `next` does. More than 1,000 subscriptions that differ in position
        or `since`, or 1,000,000 instruments, are a ParameterError; so is an unknown schema.
        """
    def unsubscribe(self, schema: str, instruments: Sequence[int] | None) -> None:
        """From where it is on, nothing of some instruments, or all, comes of a schema, whatever subscriptions wanted it; intervals
        that are open are not finished."""
    def next(self, tape: Tape, position: int, until: int, *, ts_out: int = 0) -> tuple[bytes, int]:
        """Records of [position, until) in tape order, about 256 KiB at most, and the position after them.

        What stands beside comes before the record that it precedes; at the end of the tape what is behind the last record comes,
        too, so a call with ``position == until == len(tape)`` gives what has come there since. The position may be the same as
        before, where much stands before one record, and the bytes may be none, where much is of no interest.
        """
    def finish(self, *, ts_out: int = 0) -> bytes:
        """The rows of the intervals that are open: for the end of a tape that is complete."""
    def restart(self, tape: Tape, position: int) -> None:
        """Goes on elsewhere, with everything from there on that anything was wanted of, whatever `since` was. Derived schemas go on
        with the books there, and `next` says what ids mean that meant something else."""
    def snapshot(
        self, tape: Tape, position: int, instruments: Sequence[int] | None, *, ts_out: int = 0
    ) -> SnapshotFrames:
        """Every book that the tape has of some instruments, or all, at a position: a clear, then what rests there in the order in which it
        took its place, over all prices and both sides; flags F_SNAPSHOT and F_BAD_TS_RECV, the last also F_LAST.

        Times are those of the last record before: when each order came a book does not keep, nor sequence numbers.
        Within an event what it says of fills so far is lost.
        """

@final
class SnapshotFrames:
    """The pieces of a snapshot, about 256 KiB each."""

    def __iter__(self) -> SnapshotFrames: ...
    def __next__(self) -> bytes: ...

@final
class DepthStream:
    """The top of one book as it moves along a tape, for a screen: state, not records."""

    def __new__(
        cls,
        tape: Tape,
        instrument_id: int,
        publisher_id: int | None = None,
        *,
        start: int = 0,
        levels: int = 10,
        view: View = "matched",
        trades: bool = False,
        ids: str = "",
    ) -> DepthStream: ...
    @property
    def position(self) -> int: ...
    def advance(self, tape: Tape, position: int) -> bool:
        """Moves to a position, or to the book's last event end before it; whether it shows anything else than after the last
        call."""
    def frame(self, tape: Tape, since: int) -> tuple[bytes, int]:
        """The SSE event of the state as it is, with the trades since a position where they are wanted, and how far these go:
        4,096 at most, then the next event goes on from there."""

@final
class Store:
    """The SQLite projection of tapes in a data folder; from any thread."""

    def __new__(cls, folder: str, *, synchronous: str = "normal", rebuild: bool = False) -> Store: ...
    @property
    def set_aside(self) -> Path | None:
        """Where a damaged database was moved."""
    def tidy(self) -> None:
        """Finishes what an earlier process began: removals, indices."""
    def load(self, tape: Tape, *, progress: Progress | None = None) -> int:
        """Adds what is new on a tape; the number of rows."""
    def start(self) -> None:
        """The thread that adds what is new on followed tapes; it finishes what an earlier process began."""
    def tapes(self) -> Tapes:
        """The tapes of the same folder."""
    def follow(self, tape: Tape | LiveTape) -> None:
        """In the background, and what comes where it grows."""
    def give_way(self, whether: bool) -> None:
        """Whether others need the processors more than what is loaded in the background and does not grow."""
    def unfollow(self, id: str) -> None:
        """Once it returns nothing is added to the tape any more."""
    def followed(self) -> list[tuple[str, int | None, int, str | None]]:
        """(id, high-water mark, records now, why it does not get on) of every followed tape."""
    def error(self) -> str | None:
        """What went wrong in the background and was not made up for yet."""
    def flush(self, timeout: float) -> bool: ...
    def remove(self, id: str) -> bool: ...
    def forget_before(self, id: str, index: int) -> int:
        """Removes the rows of a tape before an index; how many."""
    def verify(self) -> None: ...
    def status(self) -> tuple[int, int, bool, list[tuple[str, str, str, int, int]]]:
        """(schema version, bytes, indexed, [(id, name, dataset, first index, high-water mark)])."""
    def counters(self) -> tuple[int, dict[str, tuple[int, int]]]:
        """Rows added since it was opened, and by operation (count, ns)."""
    def sql(
        self, query: str, parameters: Iterable[object] | Mapping[str, object], *, limit: int, timeout: float
    ) -> tuple[list[str], list[tuple[Any, ...]], bool]:
        """(column names, rows, whether the limit left some out) of a query that only reads."""
    def messages_json(
        self,
        *,
        tape: str | None = None,
        instrument: int | str | None = None,
        publisher: int | str | None = None,
        order_id: int | None = None,
        start: int | None = None,
        end: int | None = None,
        after: str | None = None,
        limit: int,
        timeout: float,
    ) -> bytes:
        """A page of messages: {"messages": [...], "next"}."""
    def close(self) -> None:
        """Once those who use it now are done."""

def order_life(
    tape: Tape,
    order_id: int,
    instrument_id: int | None = None,
    publisher_id: int | None = None,
    *,
    progress: Progress | None = None,
) -> bytes:
    """All that a tape tells of an order, as JSON in the shape of the service's order route."""

def order_path(
    tape: Tape,
    order_id: int,
    instrument_id: int,
    publisher_id: int,
    start: int,
    stop: int,
    *,
    every_record: bool = False,
    limit: int,
    progress: Progress | None = None,
) -> bytes:
    """Each moment of records [start, stop) at which what is ahead of an order changed, 28 bytes a row, little-endian: index and
    ts_recv of 8 bytes, orders ahead of 4, their size of 8."""

def counters() -> dict[str, int]:
    """Process-wide counts for metrics: records_applied, anomalies.<kind>, updates.<action>, apply_nanos, apply_batches, bytes_framed."""
