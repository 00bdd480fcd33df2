"""Many books at once: records in, books by publisher and instrument, best prices over all publishers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, SupportsIndex

from booktape import _native
from booktape.book import Book
from booktape.parameters import ID_RANGE, PUBLISHER_RANGE, within
from booktape.records import as_block, is_file, one_record
from booktape.values import ApplyReport, Bbo, Level

if TYPE_CHECKING:
    from booktape.audit import Audit
    from booktape.records import Records
    from booktape.tape import Path, Tape


class Market:
    """Books by (publisher_id, instrument_id), each as the records applied so far have made it.

    Nothing is dropped silently: what is wrong with a record is counted by kind and told in the `ApplyReport`. A strict
    market raises `AnomalyError` at the first one instead, naming the record.

    >>> import booktape as bt
    >>> market = bt.Market()
    >>> report = market.apply(bt.synthesize(messages=5_000, instruments=2, seed=7))
    >>> report.records, sum(report.anomalies.values()), len(market.books())
    (5000, 0, 2)
    """

    __slots__ = ("_native",)

    def __init__(self, *, strict: bool = False) -> None:
        self._native = _native.Market(strict=strict)

    @classmethod
    def _of(cls, native: _native.Market) -> Market:
        market = cls.__new__(cls)
        market._native = native
        return market

    @property
    def records(self) -> int:
        """Records applied so far."""
        return self._native.records

    def apply(self, source: Tape | Path | bytes | bytearray | memoryview | Records) -> ApplyReport:
        """Applies all records of a tape, of a DBN file or its bytes, of bare 56-byte records, or of an array of them.

        A file's path is the fastest way from a file to its books: one pass, in which no record is kept. The GIL is
        released while it works. Raises `InputError` for a file or bytes that are none, `ParameterError` for arrays of
        another dtype than `Tape.to_numpy` gives, `AnomalyError` in a strict market.
        """
        if isinstance(source, (str, os.PathLike)):
            return _report(self._native.apply_files([os.fsdecode(source)]))
        native = getattr(source, "_native", source)
        if isinstance(source, (bytes, bytearray, memoryview)) and is_file(head := bytes(source)):
            native = _native.Tape.from_bytes(head)
        if isinstance(native, _native.Tape):
            return _report(self._native.apply_tape(native))
        return _report(self._native.apply_records(as_block(source)))

    def apply_record(self, record: Any) -> dict[str, Any]:
        """Applies one record, such as a databento ``MBOMsg``, and tells its effect on the market.

        For notebooks and debugging: a call costs microseconds of conversion, where `apply` takes tens of nanoseconds a
        record. The effect has the shape of ``market_effect`` in the service's full stream.

        >>> import booktape as bt
        >>> market = bt.Market()
        >>> market.apply_record(bt.synthesize(messages=10).to_numpy()[0])["book_effect"]
        {'Ok': None}
        """
        effect: dict[str, Any] = json.loads(self._native.apply_record(one_record(record)))
        return effect

    def book(self, instrument_id: SupportsIndex, publisher_id: SupportsIndex | None = None) -> Book:
        """The book of an instrument; `publisher_id` may be left out where only one publisher has it.

        Raises `NotFoundError` where there is no such book, or several and no `publisher_id`.
        """
        instrument = within("instrument_id", instrument_id, ID_RANGE)
        publisher = None if publisher_id is None else within("publisher_id", publisher_id, PUBLISHER_RANGE)
        return Book(self._native.book(instrument, publisher))

    def books(self) -> list[Book]:
        """Every book, in order of appearance."""
        return [Book(self._native.book(instrument, publisher)) for publisher, instrument in self._native.books()]

    def bbo(self, instrument_id: SupportsIndex) -> Bbo:
        """The best bid and offer over all publishers, each publisher's as of its last event end, in the matched view.

        The sides of different publishers may legitimately cross: they are reported, never matched.
        """
        bid, ask = self._native.bbo(within("instrument_id", instrument_id, ID_RANGE))
        return Bbo(bid and Level(*bid), ask and Level(*ask))

    def audit(self) -> Audit:
        """What was counted so far, what was wrong, and where each book stands."""
        audit: Audit = json.loads(self._native.audit_json())
        return audit

    def __repr__(self) -> str:
        return f"<Market of {len(self._native.books()):,} books after {self.records:,} records>"

    def _repr_html_(self) -> str:
        from booktape.notebook import market_html

        return market_html(self)


def _report(report: bytes) -> ApplyReport:
    counted = json.loads(report)
    return ApplyReport(counted["records"], counted["event_ends"], counted["anomalies"])
