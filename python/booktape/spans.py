"""Times and dates as requests give them: nanoseconds, or ISO 8601 as exact as whoever asks cares to be."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from booktape.moment import NS, iso

_MINUTE = 60 * NS
_HOUR = 60 * _MINUTE
DAY = 24 * _HOUR
"""Nanoseconds in a day."""
_LATEST = 2**63 - 1
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?"
    r"\s?(?P<zone>Z|z|[+-]\d\d:?\d\d)?"
)


class Span(NamedTuple):
    """From `start` up to but not including `end`, both in ns."""

    start: int
    end: int


def read(text: str) -> Span:
    """A time, and where the next as exact as it begins: a date is a day, an hour and minute are a minute.

    >>> read("1970-01-01"), read("1970-01-01T00:00"), read("1970-01-01T00:00:01.5+00:00"), read("7")
    (Span(start=0, end=86400000000000), Span(start=0, end=60000000000), Span(start=1500000000, end=1600000000),
     Span(start=7, end=8))

    Raises:
        ValueError: it is no time, or one that nanoseconds cannot count to.
    """
    if text.isascii() and text.isdigit():
        return _span(int(text), 1)
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    clock = ":".join(match[part] or "00" for part in ("hour", "minute", "second"))
    moment = datetime.fromisoformat(f"{match['day']}T{clock}{(match['zone'] or 'Z').upper()}")
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    fraction = match["fraction"] or ""
    return _span(seconds * NS + int(fraction.ljust(9, "0")), _resolution(match, fraction))


def _resolution(match: re.Match[str], fraction: str) -> int:
    if fraction:
        return int(10 ** (9 - len(fraction)))
    return next(length for part, length in _PARTS if match[part])


_PARTS = (("second", NS), ("minute", _MINUTE), ("hour", _HOUR), ("day", DAY))


def _span(start: int, length: int) -> Span:
    if not 0 <= start <= _LATEST - length:
        raise ValueError(start)
    return Span(start, start + length)


def stamp(ns: int) -> str:
    """A time in a payload: with nine digits and a Z."""
    return iso(ns)


def words(ns: int) -> str:
    """A time in a message.

    >>> words(0), words(1_500_000_000)
    ('1970-01-01 00:00:00+00:00', '1970-01-01 00:00:01.500000000+00:00')
    """
    text = iso(ns).removesuffix("Z").removesuffix(".000000000").replace("T", " ")
    return f"{text}+00:00"


def days(span: Span) -> tuple[date, date]:
    """The first day of a span, and the day after its last.

    >>> days(Span(0, DAY)), days(Span(5, DAY + 1))
    ((datetime.date(1970, 1, 1), datetime.date(1970, 1, 2)), (datetime.date(1970, 1, 1), datetime.date(1970, 1, 3)))
    """
    return _day(span.start // DAY), _day(-(-span.end // DAY))


def whole_days(span: Span) -> Span:
    """A span with the days it touches."""
    return Span(span.start // DAY * DAY, -(-span.end // DAY) * DAY)


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


def start_of(day: date) -> int:
    """When a day begins, in ns.

    >>> start_of(date(1970, 1, 2)) == DAY
    True
    """
    return (day - date(1970, 1, 1)).days * DAY
