"""Which tape gives which rows: where several have the same instrument at the same time, the one that began first."""

from collections.abc import Iterator
from dataclasses import dataclass

from booktape import Tape
from booktape._native import Rows, SessionFrames
from booktape.historical.catalog import span_of
from booktape.historical.query import Query
from booktape.spans import Span, start_of
from booktape.symbology import Resolved
from booktape.values import BESIDE

_SECOND = 1_000_000_000
_LENGTHS = {"s": _SECOND, "m": 60 * _SECOND, "h": 3_600 * _SECOND, "d": 86_400 * _SECOND}


@dataclass(frozen=True)
class Stretch:
    """Records of one tape: of some of its instruments, or all where that is None, in a span of time."""

    tape: Tape
    span: Span
    instruments: tuple[int, ...] | None

    def rows(self, schema: str, since: int) -> Iterator[bytes]:
        """Its rows, block by block; of intervals, those whose time is not before a moment.

        What lies beside the records goes by their place on the tape, not by its own time: all of it.
        """
        if schema in BESIDE:
            return self._beside(schema)
        # An interval that the tape cuts is there; one that another stretch has begun is that one's.
        since = since if self.span.start == span_of(self.tape).start else self.span.start
        start, stop = self.positions(schema)
        native = self.tape._native
        return Rows(native, schema, start=start, stop=stop, since=since, among=self.instruments).blocks()

    def positions(self, schema: str) -> tuple[int, int]:
        """Of its first record, and behind the last that its rows need."""
        # A bar that begins in the span is as long as others are.
        length = interval(schema) if schema.startswith("ohlcv") else 0
        end = -(-self.span.end // length) * length if length else self.span.end
        return self._position(self.span.start), self._position(end)

    def _beside(self, schema: str) -> Iterator[bytes]:
        native, frames = self.tape._native, SessionFrames()
        position, end = native.first, len(native)
        frames.subscribe(native, schema, self.instruments, position=position)
        is_over = False
        while not is_over:
            block, reached = frames.next(native, position, end)
            # At the end comes what is behind the last record, as often as it takes.
            is_over = position == reached == end and not block
            position = reached
            yield block

    def _position(self, ts: int) -> int:
        native = self.tape._native
        return native.due(native.first, ts - 1) if ts > 0 else native.first


def stretches(query: Query) -> list[Stretch]:
    """What answers a query, in the order in which it begins."""
    given: dict[int, int] = {}
    found = []
    for tape, meanings in query.resolution.by_tape:
        met = {book.instrument_id for book in tape.instruments}
        spans: dict[Span, set[int]] = {}
        for meaning in meanings:
            span = _of_records(meaning, tape, query.span, given.get(meaning.instrument_id, 0))
            if query.schema in BESIDE:
                # There may be some of instruments, and from times, without records: each tape gives what it has.
                span = _of_days(meaning, query.span)
            elif meaning.instrument_id not in met:
                continue
            if span.start < span.end:
                spans.setdefault(span, set()).add(meaning.instrument_id)
        for span, wanted in spans.items():
            is_all = query.resolution.symbols.are_all if query.schema in BESIDE else wanted >= met
            found.append(Stretch(tape, span, None if is_all else tuple(sorted(wanted))))
            for instrument_id in wanted:
                given[instrument_id] = max(given.get(instrument_id, 0), span.end)
    return sorted(found, key=lambda stretch: stretch.span.start)


def _of_days(meaning: Resolved, asked: Span) -> Span:
    """When a symbol has the meaning."""
    return Span(max(asked.start, start_of(meaning.start_date)), min(asked.end, start_of(meaning.end_date)))


def _of_records(meaning: Resolved, tape: Tape, asked: Span, given: int) -> Span:
    """When the tape has records of it that none before has given."""
    meant, (start, end) = _of_days(meaning, asked), span_of(tape)
    return Span(max(meant.start, start, given), min(meant.end, end))


def interval(schema: str) -> int:
    """How long the intervals of a schema are, in ns; 0 where its rows are of events.

    >>> interval("ohlcv-1m"), interval("bbo-1s"), interval("mbp-10")
    (60000000000, 1000000000, 0)
    """
    if not schema.startswith(("ohlcv-", "bbo-")):
        return 0
    return _LENGTHS[schema[-1]]


def clusters(parts: list[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches in order, those together that overlap in time."""
    together: list[Stretch] = []
    end = 0
    for part in parts:
        if together and part.span.start >= end:
            yield together
            together = []
        together.append(part)
        end = max(end, part.span.end)
    if together:
        yield together
