"""The tape: records in the order they were received, with their symbols, and every question to be asked of them."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from booktape.derive import Derived, When
from booktape.market import Market
from booktape.moment import Moment, Time, iso
from booktape.parameters import COUNT_RANGE, ID_RANGE, PUBLISHER_RANGE, bad_parameter, within
from booktape.records import from_buffer
from booktape.replay import Clock, WallClock, paced
from booktape.values import Gap, IndexSize, Instrument

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from booktape import _native
    from booktape.audit import Audit
    from booktape.book import Book
    from booktape.order import OrderLife
    from booktape.records import Records
    from booktape.values import Form, Prices, Schema

Path: TypeAlias = str | os.PathLike[str]
"""A file's name."""

Progress: TypeAlias = Callable[[int, int], object]
"""Called now and then with the work done and the whole; what it raises stops the work."""


class Tape:
    """MBO records with an index from 0, immutable and shared between threads; `open` and `synthesize` make them.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=1_000, instruments=2, seed=1)
    >>> len(tape), len(tape.instruments)
    (1000, 2)
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Tape) -> None:
        self._native = native

    def __len__(self) -> int:
        return len(self._native)

    @property
    def first_index(self) -> int:
        """Index of the first record that the tape keeps: 0, but for a live tape whose earlier records were dropped.

        Indexes never shift: ``len(tape)`` is that of the next record. Asking for what was dropped is a `GoneError`.
        """
        return self._native.first

    @property
    def id(self) -> str:
        """Its id in URLs: the name, then eight digits of the content's hash."""
        return self._native.id

    @property
    def name(self) -> str:
        """The file's name, or what stands for it."""
        return self._native.name

    @property
    def dataset(self) -> str:
        """Databento's code of the dataset, such as GLBX.MDP3."""
        return self._native.dataset

    @property
    def dbn_version(self) -> int:
        """The DBN version it was read from."""
        return self._native.dbn_version

    @property
    def start(self) -> np.datetime64 | None:
        """When the first record was received (ts_recv, UTC, ns); None for an empty tape.

        ``NaT`` for times that numpy's do not reach, from 2262-04-12 on, and for none: `start_ns` has any.
        """
        return _datetime64(self.start_ns)

    @property
    def end(self) -> np.datetime64 | None:
        """When the last record was received (ts_recv, UTC, ns); None for an empty tape. ``NaT`` as in `start`."""
        return _datetime64(self.end_ns)

    @property
    def start_ns(self) -> int | None:
        """`start` in nanoseconds since 1970."""
        return self._native.start

    @property
    def end_ns(self) -> int | None:
        """`end` in nanoseconds since 1970."""
        return self._native.end

    @property
    def symbols(self) -> dict[int, str]:
        """Symbols by instrument_id."""
        return self._native.symbols

    @property
    def instruments(self) -> list[Instrument]:
        """Every instrument at every publisher that the tape has records for, most records first."""
        found = [
            Instrument(instrument_id, symbol, publisher_id, publisher, records)
            for publisher_id, publisher, instrument_id, symbol, records in self._native.instruments()
        ]
        return sorted(found, key=lambda instrument: -instrument.records)

    @property
    def other_records(self) -> dict[str, int]:
        """How many records of other types than MBO lie beside, by type."""
        return self._native.other_records

    @property
    def gaps(self) -> list[Gap]:
        """Where records are missing, in order: whoever recorded the tape, or sent it, could not give them.

        The books since are suspect until a clear or a snapshot. docs/live.md says how a recorded tape gets a gap.

        >>> import booktape as bt
        >>> bt.synthesize(messages=1_000, seed=1).gaps
        []
        """
        gaps = []
        for index, start, end, of, text in self._native.gaps():
            publisher_id, instrument_id = of or (None, None)
            gaps.append(Gap(index, start, end, publisher_id, instrument_id, text))
        return gaps

    @property
    def left(self) -> str | None:
        """What a tolerant `open` left behind, and why; None where nothing."""
        return self._native.left

    @property
    def planted(self) -> dict[str, int]:
        """The anomalies that `synthesize` put in, by kind; empty for other tapes."""
        return self._native.planted

    def to_numpy(self) -> Records:
        """The records as one structured array, shape (len(tape) - first_index,), in tape order.

        A read-only view of the tape where it is in memory, a copy where it is read from files by position. Fields and
        dtypes are those of Databento's MBO schema; prices are int64 in units of 1e-9, times uint64 ns UTC.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=1_000, seed=1)
        >>> tape.to_numpy()["price"].dtype
        dtype('int64')
        """
        return from_buffer(self._native.buffer(), len(self) - self.first_index)

    def to_dbn(self, path: Path, *, progress: Progress | None = None) -> None:
        """Writes a DBN file, whole or not at all; zstd-compressed where the path ends in ``.zst``."""
        self._native.write_dbn(os.fspath(path), progress=progress)

    def pieces(self, form: Form, *, progress: Progress | None = None) -> Iterator[bytes]:
        """The bytes of a file, made as they are taken and in bounded memory: for whoever sends them on.

        ``"dbn"`` (``"dbn.zst"`` compressed) is what `to_dbn` writes, records of other types included; all else is
        ``derive("mbo").pieces(form)``.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=1_000, seed=1)
        >>> bt.open(b"".join(tape.pieces("dbn.zst"))).to_numpy().tobytes() == tape.to_numpy().tobytes()
        True
        """
        if form in {"dbn", "dbn.zst"}:
            return self._native.dbn(compressed=form == "dbn.zst", progress=progress)
        return self.derive("mbo").pieces(form, progress=progress)

    def to_csv(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes the records as comma-separated values: ``derive("mbo").to_csv(path)``. Returns their number."""
        return self.derive("mbo").to_csv(path, progress=progress)

    def to_parquet(self, path: Path, *, progress: Progress | None = None) -> int:
        """Writes the records as a Parquet file: ``derive("mbo").to_parquet(path)``. Returns their number."""
        return self.derive("mbo").to_parquet(path, progress=progress)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.derive("mbo").__arrow_c_stream__(requested_schema)

    def derive(
        self,
        schema: Schema,
        *,
        start: When = None,
        end: When = None,
        instrument_id: SupportsIndex | None = None,
        publisher_id: SupportsIndex | None = None,
        limit: SupportsIndex | None = None,
        prices: Prices = "float",
        symbols: bool = True,
        dataset: str | None = None,
        clear_depth: SupportsIndex = 0,
    ) -> Derived:
        """Rows of another schema of Databento's, made from the records by the rules of docs/derived.md.

        mbp-1, mbp-10, tbbo, trades, bbo-1s, bbo-1m, ohlcv-1s, -1m, -1h and -1d; ``"mbo"`` is the records themselves.
        Nothing is done until the rows are used: `Derived` says how.

        `start` and `end` are moments as in `market_at`: rows are those of the records from the first at or after
        `start` to the last before `end`, of books built from the tape's beginning. Bars and samples are those whose
        time is at or after `start`; one that `end` cuts is there as far as it came. A moment outside the tape is a
        `ParameterError`, an instrument or publisher that is not on it a `NotFoundError`. `limit` ends them early.

        `prices` and `symbols` are for columns and text: `Derived` says how. Datasets differ in which side a row names
        that no trade gave rise to: `dataset` takes another's way than the tape's own. `clear_depth` is the `depth` of
        the rows of clears, which is 1 on some.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=10_000, instruments=2, seed=1)
        >>> one = tape.derive("mbp-1", instrument_id=tape.instruments[0].instrument_id, prices="int")
        >>> one.columns[-3:]
        ['bid_ct_00', 'ask_ct_00', 'symbol']
        """
        return Derived._of(  # noqa: SLF001
            self,
            schema,
            start=start,
            end=end,
            instrument_id=instrument_id,
            publisher_id=publisher_id,
            limit=limit,
            prices=prices,
            symbols=symbols,
            dataset=dataset,
            clear_depth=clear_depth,
        )

    def audit(self, *, progress: Progress | None = None) -> Audit:
        """Applies every record and tells what was wrong and where each book stood at the end."""
        audit: Audit = json.loads(self._native.audit_json(progress=progress))
        return audit

    def summary(self) -> dict[str, Any]:
        """What the service's tape route tells: id, name, range, counts."""
        summary: dict[str, Any] = json.loads(self._native.summary_json())
        return summary

    def records(self, start: SupportsIndex | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Records from an index or the first on, 1,000 at most, as dicts in the shape of the service's records route.

        Order ids, prices and times are strings. For a look at a few; `to_numpy` has all of them at once.
        """
        first = self.first_index if start is None else within("start", start, COUNT_RANGE)
        page = json.loads(self._native.records_json(first, within("limit", limit, range(1, 1_001))))
        found: list[dict[str, Any]] = page["records"]
        return found

    def first_at(self, at: Moment | SupportsIndex | Time | None = None, *, ts: int | None = None) -> int:
        """The index of the first record at or after a moment, which is given as in `market_at`."""
        return Moment.of(at, ts).first(self._native)

    def market_at(
        self,
        at: Moment | SupportsIndex | Time | None = None,
        *,
        ts: int | None = None,
        progress: Progress | None = None,
    ) -> Market:
        """All books as they stood after a moment: a market of its own, which later records do not reach.

        An int is an index: the state after that record. A datetime, numpy.datetime64 or ISO string is a time, UTC
        unless it says otherwise: the state after the last record with ts_recv at or before it. Nanoseconds come as
        `ts`. Outside the tape is a `ParameterError`.
        """
        position = Moment.of(at, ts).position(self._native)
        return Market._of(self._native.market_at(position, progress=progress))  # noqa: SLF001

    def book_at(
        self,
        at: Moment | SupportsIndex | Time | None = None,
        instrument_id: SupportsIndex | None = None,
        publisher_id: SupportsIndex | None = None,
        *,
        ts: int | None = None,
    ) -> Book:
        """One book as it stood after a moment, which is given as in `market_at`.

        `instrument_id` may be left out where the tape has one instrument, `publisher_id` where that has one publisher.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=1_000, seed=1)
        >>> tape.book_at(999).bbo() == tape.book_at(ts=tape.end_ns).bbo()
        True
        """
        if instrument_id is None:
            instrument_id = self._only_instrument()
        position = Moment.of(at, ts).position(self._native)
        instrument = within("instrument_id", instrument_id, ID_RANGE)
        publisher = None if publisher_id is None else within("publisher_id", publisher_id, PUBLISHER_RANGE)
        return Market._of(self._native.market_at(position, instrument, publisher)).book(instrument, publisher)  # noqa: SLF001

    def order(
        self,
        order_id: SupportsIndex,
        instrument_id: SupportsIndex | None = None,
        publisher_id: SupportsIndex | None = None,
        *,
        progress: Progress | None = None,
    ) -> OrderLife:
        """The life of an order: its records, its queue position after each and over time, and how it ended.

        Instrument and publisher may be left out where the id lives in one book only. An id that a venue uses again, or
        that a snapshot restates, has several lives. The first call builds the index. From then on it takes milliseconds
        however long the tape is: only stretches that the index names are read, and the order's book is taken up by
        keyframes, as many as the order has records. `Life.path` alone goes along every record of the book in between.

        Raises `NotFoundError` for an order that is not on the tape, or that only trades and fills name, and
        `ParameterError` where the id lives in several books, naming them.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=5_000, seed=1)
        >>> order = tape.book_at(2_500).queue("B", tape.book_at(2_500).bbo(view="published").bid.price)[0]
        >>> life = tape.order(order.order_id).lives[0]
        >>> life.outcome, life.size, [record.action for record in life.records]
        ('filled', 1, ['A', 'F', 'C'])
        >>> life.records[0].place.orders_ahead, life.path()["orders_ahead"].tolist()
        (3, [3, 2, 1, 0])
        """
        from booktape.order import order_life

        return order_life(self._native, order_id, instrument_id, publisher_id, progress)

    def build_index(self, *, progress: Progress | None = None) -> IndexSize:
        """Goes along the whole tape once, so that every `book_at` and `market_at` from now on takes milliseconds.

        Without it the index grows as far as moments are asked for. A large file's index is kept in the data folder.
        Gives its size: records indexed, keyframes, and bytes, which stay below a fifth of the records' own.

        >>> import booktape as bt
        >>> tape = bt.synthesize(messages=100_000, seed=1)
        >>> size = tape.build_index()
        >>> size.records, size.bytes < 100_000 * 56 // 5 + 2**20
        (100000, True)
        """
        if not_kept := self._native.build_index(progress=progress):
            warnings.warn(f"the index is built, but could not be kept for the next time: {not_kept}", stacklevel=2)
        return IndexSize(*self._native.index_size())

    def replay(
        self,
        speed: float = 1.0,
        *,
        start: Moment | SupportsIndex | Time | None = None,
        longest_wait: float | None = None,
        clock: Clock | None = None,
    ) -> Iterator[Records]:
        """Plays the records, in batches paced by ts_recv, `speed` times as fast as they were received.

        Each batch has the shape and fields of `to_numpy`, ready for `Market.apply`. The first record, that at or after
        `start` or else the tape's first, comes at once. ``math.inf`` plays as fast as batches are taken;
        `longest_wait` shortens gaps, such as a daily halt, to so many seconds.

        >>> import booktape as bt, math
        >>> tape, market = bt.synthesize(messages=1_000, seed=1), bt.Market()
        >>> for batch in tape.replay(speed=math.inf):
        ...     report = market.apply(batch)
        >>> market.records
        1000
        """
        position = self.first_index if start is None or not len(self) else self.first_at(start)
        return paced(
            self._native,
            speed=speed,
            start=position,
            clock=clock or WallClock(),
            longest_wait=longest_wait,
        )

    def _only_instrument(self) -> int:
        ids = sorted({instrument.instrument_id for instrument in self.instruments})
        if len(ids) != 1:
            choices = ", ".join(f"{known} ({self.symbols.get(known, '?')})" for known in ids[:8]) or "none"
            raise bad_parameter("instrument_id", None, f"say which: the tape has {len(ids)} instruments: {choices}")
        return ids[0]

    def __repr__(self) -> str:
        span = f", {iso(self.start_ns)} to {iso(self.end_ns)}" if self.start_ns and self.end_ns else ""
        books = len(self._native.instruments())
        return f"<Tape {self.name}: {len(self):,} records, {books:,} {'book' if books == 1 else 'books'}{span}>"

    def _repr_html_(self) -> str:
        from booktape.notebook import tape_html

        return tape_html(self)


def _datetime64(ns: int | None) -> np.datetime64 | None:
    import numpy as np

    if ns is None:
        return None
    return np.datetime64(ns if ns < 2**63 else "NaT", "ns")
