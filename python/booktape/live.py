"""Live tapes: what is written to them survives the process, and everybody reads along."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

from booktape.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

    from booktape import _native


class LiveTape:
    """A tape that one writes and many read; `Store.create_live` begins one, `Store.open` takes it up again.

    It takes the bytes of a DBN stream as a file does, so that databento's ``client.add_stream(live)`` fills it.
    Whatever can be read from it is in the data folder already, and its index means the same record for ever.

    >>> import booktape as bt, tempfile
    >>> tape = bt.synthesize(messages=1_000, seed=1)
    >>> with bt.Store(tempfile.mkdtemp()) as store:
    ...     live = store.create_live("feed")
    ...     live.feed(tape)
    ...     live.close()
    ...     len(live), live.tape().audit() == tape.audit()
    (1000, True)
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.LiveTape) -> None:
        self._native = native

    @property
    def id(self) -> str:
        """Its id, which it keeps for ever."""
        return self._native.id

    @property
    def name(self) -> str:
        """What it was called."""
        return self._native.name

    def __len__(self) -> int:
        return len(self._native)

    def tape(self) -> Tape:
        """The tape as it is now: it does not change when more is written."""
        return Tape(self._native.head())

    def append(self, data: bytes) -> int:
        """The next bytes of a DBN stream, cut anywhere: metadata, then records. How many MBO records came of them.

        Where they cannot be written nothing of them is on the tape, and they may be appended again. Bytes that are not
        DBN are an `InputError`: whole records before them are on the tape, and a new stream must begin. A closed tape
        is a `ConflictError`.
        """
        return self._native.append(data)

    def append_records(self, records: Buffer) -> int:
        """Whole records of the stream that came last, as bytes or an array of them: all of them or none."""
        return self._native.append_records(records)

    def feed(self, tape: Tape, *, records_per_second: int | None = None, restamp: bool = False) -> None:
        """Appends the records of another tape, at a pace or as fast as they can be written; returns when all are there.

        `restamp` makes ts_recv the time at which each is appended.
        """
        self.feeder(tape, records_per_second=records_per_second, restamp=restamp).wait()

    def feeder(
        self, tape: Tape, *, records_per_second: SupportsIndex | None = None, restamp: bool = False
    ) -> _native.Feeder:
        """The same in the background, until the tape ends or it is let go; `stop` ends it, `wait` waits for it."""
        from booktape import _native

        rate = None if records_per_second is None else records_per_second.__index__()
        return _native.Feeder(self._native, tape._native, records_per_second=rate, restamp=restamp)

    def on_growth(self, callback: Callable[[], object] | None) -> None:
        """Has something called after each batch and at the end, by whoever writes: it must be quick, and not append."""
        self._native.on_growth(callback)

    def retain(self, *, longest: float | None = None, bytes: int | None = None) -> tuple[int, int] | None:
        """Drops the oldest segments: those received more than `longest` seconds ago, and while there are more `bytes`.

        Indexes do not change; whatever is asked of records that were dropped is a `GoneError`. The index of the first
        that was dropped and of the first that stays, if any were.
        """
        return self._native.retain(longest=longest, bytes=bytes)

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more."""
        return self._native.is_closed

    def close(self) -> None:
        """No more will come."""
        self._native.close()

    @property
    def cut(self) -> list[str]:
        """What was cut off behind the last whole record when it was opened; nobody had seen it."""
        return self._native.cut

    # As a file that is written, for databento's client.

    def write(self, data: bytes) -> int:
        """`append`; the number of bytes."""
        return self._native.write(data)

    def flush(self) -> None:
        """Brings what was written to the disk."""
        self._native.flush()

    def writable(self) -> bool:
        """Whether it takes more."""
        return self._native.writable()

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._native.closed

    def __repr__(self) -> str:
        return f"<LiveTape {self.id}: {len(self):,} records{', closed' if self.is_closed else ''}>"
