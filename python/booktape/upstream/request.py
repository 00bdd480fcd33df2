"""What is asked of Databento: which records, and how many of them are here already."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self, get_args

from booktape.moment import nanoseconds
from booktape.parameters import COUNT_RANGE, bad_parameter, within
from booktape.spans import Span, read
from booktape.symbology import ALL_SYMBOLS, SymbolType
from booktape.values import BESIDE, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from booktape.moment import Time

SCHEMAS: tuple[str, ...] = (*get_args(Schema), *BESIDE)
"""What can be fetched."""
STYPES: tuple[str, ...] = get_args(SymbolType)
"""What symbols can be."""


class Estimate(NamedTuple):
    """What a request comes to, by Databento's own account."""

    records: int
    bytes: int
    """Without compression: what is billed."""
    cost: float
    """US dollars."""


@dataclass(frozen=True)
class Request:
    """Records of some instruments of a dataset, received from one time up to another."""

    dataset: str
    symbols: tuple[str, ...]
    schema: str
    span: Span
    stype_in: str
    limit: int | None

    @classmethod
    def of(
        cls,
        *,
        dataset: str,
        start: Time,
        end: Time | None = None,
        symbols: str | Iterable[str] = ALL_SYMBOLS,
        schema: str = "mbo",
        stype_in: str = "raw_symbol",
        limit: int | None = None,
    ) -> Self:
        """Reads what people write: without an end, a day is a whole day, an hour and minute are a minute.

        >>> Request.of(dataset="GLBX.MDP3", symbols="CLX5", start="2025-09-24").symbols
        ('CLX5',)

        Raises:
            ParameterError: one of them is not what it may be.
        """
        if schema not in SCHEMAS:
            raise bad_parameter("schema", schema, f"one of {', '.join(SCHEMAS)}")
        if stype_in not in STYPES:
            raise bad_parameter("stype_in", stype_in, f"one of {', '.join(STYPES)}")
        if not dataset.strip():
            raise bad_parameter("dataset", dataset, "Databento's code of a dataset, such as GLBX.MDP3")
        listed = symbols.split(",") if isinstance(symbols, str) else symbols
        names = tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))
        if not names:
            raise bad_parameter("symbols", symbols, f"symbols, or {ALL_SYMBOLS}")
        begun = _time("start", start)
        span = Span(begun.start, begun.end if end is None else _time("end", end).start)
        if span.start >= span.end:
            raise bad_parameter("end", end, "later than start")
        most = None if limit is None else within("limit", limit, COUNT_RANGE)
        return cls(dataset.strip(), names, schema, span, stype_in, most)

    @property
    def about(self) -> dict[str, Any]:
        """As it is kept beside what has come of it."""
        return {
            "dataset": self.dataset,
            "symbols": list(self.symbols),
            "schema": self.schema,
            "start": str(self.span.start),
            "end": str(self.span.end),
            "stype_in": self.stype_in,
            "limit": self.limit,
        }

    def to_json(self) -> bytes:
        """The same, as a file."""
        return json.dumps(self.about, indent=2).encode() + b"\n"


def _time(name: str, given: Time) -> Span:
    try:
        if isinstance(given, str):
            return read(given)
        ns = nanoseconds(given, name)
        return Span(ns, ns + 1)
    except ValueError:
        raise bad_parameter(name, given, "an ISO 8601 date or time, or nanoseconds since 1970") from None
