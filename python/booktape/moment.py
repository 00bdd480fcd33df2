"""Moments of a tape: after a record, or at a time. Times are ts_recv, in nanoseconds since 1970 (UTC)."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, SupportsIndex, TypeAlias

from booktape.parameters import bad_parameter, within

if TYPE_CHECKING:
    import numpy as np

    from booktape import _native

Time: TypeAlias = "str | datetime | np.datetime64"
"""A time as people write it; without a zone it is UTC."""

NS = 1_000_000_000
"""Nanoseconds in a second."""

_TIMES = range(2**64)

_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<clock>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s?(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?"
)
_EXPECTED = "an index, an ISO time such as 2025-09-24T21:59:59.123456789Z (UTC without a zone), or ns:<nanoseconds>"


@dataclass(frozen=True, slots=True)
class Moment:
    """After the record at `index`, or after the last record with ts_recv at or before `ts`. One of the two is set.

    >>> Moment.parse("17")
    Moment(index=17, ts=None)
    >>> Moment.parse("1970-01-01T00:00:01.000000002Z")
    Moment(index=None, ts=1000000002)
    """

    index: int | None = None
    ts: int | None = None

    @classmethod
    def parse(cls, text: str, name: str = "at") -> Self:
        """Reads what the command line and URLs accept: a plain integer is an index, ``ns:…`` nanoseconds, else ISO."""
        text = text.strip()
        if text.isascii() and text.isdigit():
            return cls(index=int(text))
        if text.startswith("ns:"):
            digits = text.removeprefix("ns:")
            if not (digits.isascii() and digits.isdigit()):
                raise bad_parameter(name, text, _EXPECTED)
            return cls(ts=int(digits))
        return cls(ts=_from_iso(text, name))

    @classmethod
    def of(cls, at: Moment | SupportsIndex | Time | None, ts: int | None = None) -> Moment:
        """Reads what the Python calls accept: an int is an index, nanoseconds come as `ts`, all else is a time."""
        if at is None:
            if ts is None:
                raise bad_parameter("at", at, "say when: " + _EXPECTED)
            return cls(ts=within("ts", ts, range(2**64)))
        if ts is not None:
            raise bad_parameter("ts", ts, f"give either at ({at!r}) or ts, not both")
        if isinstance(at, Moment):
            return at
        if isinstance(at, (str, datetime)) or not hasattr(at, "__index__"):
            return cls(ts=nanoseconds(at))
        return cls(index=within("at", at, range(-(2**63), 2**63)))

    def position(self, tape: _native.Tape) -> int:
        """How many records of the tape lie at or before this moment; outside the tape is a ParameterError."""
        if self.ts is not None:
            return tape.position_at(self._time(self.ts))
        return self._index(tape) + 1

    def first(self, tape: _native.Tape) -> int:
        """The index of the first record at or after this moment; outside the tape is a ParameterError."""
        if self.ts is not None:
            tape.position_at(self._time(self.ts))  # refuses what lies outside
            return tape.due(0, self.ts - 1) if self.ts else tape.first
        return self._index(tape)

    def __str__(self) -> str:
        return str(self.index) if self.ts is None else f"ns:{self.ts}"

    def _time(self, ts: int) -> int:
        if ts not in _TIMES:
            raise bad_parameter(
                "at", str(self), f"no record is of that time: times go from {iso(0)} to {iso(2**64 - 1)}"
            )
        return ts

    def _index(self, tape: _native.Tape) -> int:
        if self.index is None or not 0 <= self.index < len(tape):
            held = f"the tape has the records 0 to {len(tape) - 1:,}" if len(tape) else "the tape is empty"
            raise bad_parameter("at", self.index, held)
        return self.index


def nanoseconds(time: object, name: str = "at") -> int:
    """A time as nanoseconds since 1970, UTC, to the last digit.

    >>> nanoseconds("2025-09-24 19:30:00.001385399")
    1758742200001385399
    >>> nanoseconds("2025-09-24T21:30:00+02:00") == nanoseconds(datetime(2025, 9, 24, 19, 30))
    True
    """
    if isinstance(time, str):
        return _from_iso(time.strip(), name)
    if isinstance(time, datetime):  # pandas timestamps are datetimes with a `nanosecond` more
        return timegm(time.utctimetuple()) * NS + time.microsecond * 1_000 + int(getattr(time, "nanosecond", 0))
    return _from_numpy(time, name)


def iso(ns: int) -> str:
    """Nanoseconds as ISO time with all nine digits.

    >>> iso(1758742200001385399)
    '2025-09-24T19:30:00.001385399Z'
    """
    seconds, rest = divmod(ns, NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def _from_iso(text: str, name: str) -> int:
    match = _ISO.fullmatch(text)
    try:
        if not match:
            raise ValueError(text)
        day = datetime.fromisoformat(f"{match['day']}T{match['clock'] or '00:00'}{match['zone'] or 'Z'}".upper())
    except ValueError:
        raise bad_parameter(name, text, _EXPECTED) from None
    return timegm(day.utctimetuple()) * NS + int((match["fraction"] or "").ljust(9, "0"))


def _from_numpy(time: object, name: str) -> int:
    import numpy as np

    if not isinstance(time, np.datetime64) or np.isnat(time):
        raise bad_parameter(name, time, "an index, an ISO string, a datetime or a numpy.datetime64")
    return int(time.astype("datetime64[ns]").astype(np.int64))


def elapsed(ns: int) -> str:
    """A stretch of time for people, exact to what is shown.

    >>> elapsed(5_400_000_000_000), elapsed(1_500_000), elapsed(-1_500_000)
    ('1:30:00', '0:00:00.001500', '-0:00:00.001500')
    """
    return f"{'-' if ns < 0 else ''}{timedelta(microseconds=abs(ns) // 1_000)}"
