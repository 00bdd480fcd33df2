"""What there is to be asked for: the loaded tapes by dataset, and the days that they are of.

A day that a tape has a record of is available as a whole, as days are upstream, so that a program that asks for a day
gets what there is of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import get_args

from booktape import Tape
from booktape.historical.refusals import unknown_dataset
from booktape.spans import Span, days, whole_days
from booktape.values import BESIDE, Schema

_MADE: tuple[str, ...] = get_args(Schema)


@dataclass(frozen=True)
class Dataset:
    """The tapes of one dataset, in the order in which they begin; none of them is empty."""

    code: str
    tapes: tuple[Tape, ...]

    @property
    def available(self) -> Span:
        """From the first of its days to the end of the last."""
        spans = [span_of(tape) for tape in self.tapes]
        return whole_days(Span(min(span.start for span in spans), max(span.end for span in spans)))

    @property
    def schemas(self) -> list[str]:
        """What there is to be had, in the order of the alphabet: all that records make, and what lies beside them."""
        return sorted({*_MADE, *(kind for tape in self.tapes for kind in tape.other_records if kind in BESIDE)})

    def conditions(self, first: date, last: date) -> list[dict[str, str | None]]:
        """Of each day, the last included, whether there is anything of it."""
        covered = {day for tape in self.tapes for day in _each_day(*days(span_of(tape)))}
        return [
            {
                "date": day.isoformat(),
                "condition": "available" if day in covered else "missing",
                "last_modified_date": day.isoformat() if day in covered else None,
            }
            for day in _each_day(first, last + timedelta(days=1))
        ]


class Catalog:
    """The datasets of some tapes."""

    def __init__(self, tapes: Iterable[Tape]) -> None:
        by_code: dict[str, list[Tape]] = {}
        for tape in tapes:
            if tape.start_ns is not None:
                by_code.setdefault(tape.dataset, []).append(tape)
        self._datasets = {
            code: Dataset(code, tuple(sorted(found, key=lambda tape: tape.start_ns or 0)))
            for code, found in sorted(by_code.items())
        }

    @property
    def codes(self) -> list[str]:
        """The datasets' codes, in the order of the alphabet."""
        return list(self._datasets)

    def dataset(self, code: str) -> Dataset:
        """A dataset by its code.

        Raises:
            Refusal: there is none.
        """
        if code not in self._datasets:
            raise unknown_dataset(code, self.codes)
        return self._datasets[code]


def span_of(tape: Tape) -> Span:
    """From a tape's first record to behind its last; it has one."""
    return Span(tape.start_ns or 0, (tape.end_ns or 0) + 1)


def _each_day(first: date, end: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((end - first).days))
