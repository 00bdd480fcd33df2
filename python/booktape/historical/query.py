"""What a request asks for, checked, and what its symbols mean on each tape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Self

from booktape import Tape
from booktape.historical.catalog import Catalog, Dataset, span_of
from booktape.historical.refusals import (
    backwards,
    malformed,
    nothing_resolved,
    outside,
    unknown_schema,
    unknown_symbology,
)
from booktape.spans import Span, days, read
from booktape.symbology import ALL_SYMBOLS, Resolved, resolve

MOST_SYMBOLS = 2_000
"""Symbols of one request, as upstream."""
_COMBINATIONS = {
    ("raw_symbol", "instrument_id"),
    ("parent", "instrument_id"),
    ("continuous", "instrument_id"),
    ("instrument_id", "instrument_id"),
    ("instrument_id", "raw_symbol"),
}


class Mapped(NamedTuple):
    """What a symbol meant from one day up to another."""

    start: date
    end: date
    instrument_id: int
    raw_symbol: str


@dataclass(frozen=True)
class Symbols:
    """Symbols with their type, and the type that they are to become."""

    names: tuple[str, ...]
    stype_in: str
    stype_out: str

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """Reads a request's; without any it asks for all.

        Raises:
            Refusal: there are too many, or the types do not go together.
        """
        given = dict.fromkeys(name.strip() for name in asked.get("symbols", ALL_SYMBOLS).split(","))
        names = tuple(name for name in given if name)
        if not 0 < len(names) <= MOST_SYMBOLS:
            raise malformed("symbols", asked.get("symbols"), f"1 to {MOST_SYMBOLS:,} symbols, commas between")
        stype_in, stype_out = asked.get("stype_in", "raw_symbol"), asked.get("stype_out", "instrument_id")
        if (stype_in, stype_out) not in _COMBINATIONS:
            raise unknown_symbology(stype_in, stype_out)
        return cls(names, stype_in, stype_out)

    @property
    def are_all(self) -> bool:
        """Whether every instrument is asked for."""
        return ALL_SYMBOLS in self.names


@dataclass(frozen=True)
class Resolution:
    """What symbols mean over some days."""

    symbols: Symbols
    first: date
    end: date
    mappings: dict[str, list[Mapped]]
    """By symbol as it was asked for; for all symbols, by raw symbol."""
    by_tape: tuple[tuple[Tape, tuple[Resolved, ...]], ...]
    """What was found on each tape."""

    @classmethod
    def over(cls, dataset: Dataset, symbols: Symbols, first: date, end: date) -> Self:
        """Resolves symbols on every tape of some days."""
        mappings: dict[str, list[Mapped]] = {}
        by_tape = []
        for tape in dataset.tapes:
            begun, ended = days(span_of(tape))
            if begun >= end or ended <= first:
                continue
            found = resolve(tape, symbols.stype_in, symbols.names)
            for symbol, meanings in found.items():
                for meaning in meanings:
                    start, stop = max(meaning.start_date, first), min(meaning.end_date, end)
                    if start < stop:
                        name = meaning.raw_symbol if symbols.are_all else symbol
                        mapped = Mapped(start, stop, meaning.instrument_id, meaning.raw_symbol)
                        mappings.setdefault(name, []).append(mapped)
            by_tape.append((tape, tuple(meaning for meanings in found.values() for meaning in meanings)))
        return cls(symbols, first, end, {name: _joined(parts) for name, parts in mappings.items()}, tuple(by_tape))

    @property
    def not_found(self) -> list[str]:
        """Symbols that mean nothing on any of the days."""
        return [] if self.symbols.are_all else [name for name in self.symbols.names if name not in self.mappings]

    @property
    def partial(self) -> list[str]:
        """Symbols that mean something on some of the days."""
        if self.symbols.are_all:
            return []
        return [
            name for name in self.symbols.names if name in self.mappings and not self._is_whole(self.mappings[name])
        ]

    def intervals(self, name: str) -> list[tuple[date, date, str]]:
        """What a symbol becomes: from a day up to another, and to what."""
        to_raw = self.symbols.stype_out == "raw_symbol"
        return [
            (part.start, part.end, part.raw_symbol if to_raw else str(part.instrument_id))
            for part in self.mappings.get(name, [])
        ]

    def _is_whole(self, parts: Sequence[Mapped]) -> bool:
        reached = self.first
        for part in parts:
            if part.start <= reached:
                reached = max(reached, part.end)
        return reached >= self.end


def _joined(parts: list[Mapped]) -> list[Mapped]:
    """The parts in order, those that go on where the one before of the same meaning ended being one with it."""
    joined: list[Mapped] = []
    latest: dict[int, int] = {}
    for part in sorted(set(parts)):
        at = latest.get(part.instrument_id)
        if at is not None and part.start <= joined[at].end and part.raw_symbol == joined[at].raw_symbol:
            joined[at] = joined[at]._replace(end=max(joined[at].end, part.end))
        else:
            latest[part.instrument_id] = len(joined)
            joined.append(part)
    return joined


@dataclass(frozen=True)
class Query:
    """Rows that a request asks for."""

    dataset: Dataset
    schema: str
    span: Span
    limit: int | None
    resolution: Resolution

    @classmethod
    def of(cls, asked: Mapping[str, str], catalog: Catalog) -> Self:
        """Reads a request.

        Raises:
            Refusal: it cannot be answered.
        """
        dataset = catalog.dataset(required(asked, "dataset"))
        schema = asked.get("schema", "trades")
        if schema not in dataset.schemas:
            raise unknown_schema(schema, dataset.code, dataset.schemas)
        symbols, span = Symbols.of(asked), _span(asked)
        if span.start >= span.end:
            raise backwards(span)
        if (refusal := outside(dataset.code, span, dataset.available)) is not None:
            raise refusal
        resolution = Resolution.over(dataset, symbols, *days(span))
        if not resolution.mappings:
            raise nothing_resolved()
        return cls(dataset, schema, span, _limit(asked), resolution)


def required(asked: Mapping[str, str], parameter: str) -> str:
    """A parameter that has to be there.

    Raises:
        Refusal: it is not.
    """
    if not (value := asked.get(parameter)):
        raise malformed(parameter, None, "say which")
    return value


def _span(asked: Mapping[str, str]) -> Span:
    start = _time(asked, "start")
    return Span(start.start, _time(asked, "end").start if asked.get("end") else start.end)


def _time(asked: Mapping[str, str], parameter: str) -> Span:
    given = required(asked, parameter)
    try:
        return read(given)
    except ValueError:
        raise malformed(parameter, given, "nanoseconds, or an ISO 8601 date or time from 1970 on") from None


def _limit(asked: Mapping[str, str]) -> int | None:
    given = asked.get("limit")
    if not given:
        return None
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 2**63):
        raise malformed("limit", given, "a number of records, from 1")
    return int(given)
