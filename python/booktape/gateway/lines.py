"""The lines of text that a client sends, read into values once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from booktape.errors import ParameterError
from booktape.moment import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE_BYTES = 64 * 1024
"""Bytes a line may have: 500 symbols of the longest kind take 36 KiB."""
SYMBOLS_A_LINE = 500
HEARTBEAT_SECONDS = range(5, 1_801)
"""Databento's range of intervals between heartbeats."""

Value = TypeVar("Value")

_UNSUBSCRIBE = b"unsubscribe|"
_FLAGS = {"0": False, "1": True}


class LineError(ValueError):
    """A line that the protocol has not; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who comes, and how the session is to be sent."""

    response: str
    """To the challenge: a hash, a dash, and the last five characters of the key."""
    dataset: str
    ts_out: bool = False
    zstd: bool = False
    heartbeat_seconds: int | None = None
    skips: bool = False
    """Whether a reader that is slow would rather miss records than read them late."""
    client: str = ""

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Reads ``auth=…|dataset=…|encoding=dbn|…``, in any order; what is not known is left out.

        >>> who = Authentication.parse(b"dataset=GLBX.MDP3|auth=00ff-abcde|encoding=dbn|ts_out=1")
        >>> who.dataset, who.ts_out, who.zstd
        ('GLBX.MDP3', True, False)
        """
        fields = _fields(line)
        if "auth" not in fields:
            raise LineError("the first line is expected to be auth=…")
        _one_of(fields, "encoding", {"dbn": "dbn"}, "dbn")
        return cls(
            response=fields["auth"],
            dataset=_given(fields, "dataset"),
            ts_out=_one_of(fields, "ts_out", _FLAGS, "0"),
            zstd=_one_of(fields, "compression", {"none": False, "zstd": True}, "none"),
            heartbeat_seconds=_heartbeat(fields.get("heartbeat_interval_s")),
            skips=_one_of(fields, "slow_reader_behavior", {"warn": False, "skip": True}, "warn"),
            client=fields.get("client", ""),
        )


@dataclass(frozen=True, slots=True)
class Subscription:
    """A wish for records, or for no more; one with many symbols comes in several lines, of which the last says so."""

    schema: str
    stype_in: str
    symbols: tuple[str, ...]
    start: int | None = None
    """ts_event from which on they are wanted, ns; 0 for all there are; None from now on."""
    snapshot: bool = False
    id: int | None = None
    is_last: bool = True
    ends: bool = False
    """Whether the records are wanted no longer."""

    @classmethod
    def parse(cls, line: bytes, *, ends: bool = False) -> Self:
        """Reads ``schema=…|stype_in=…|symbols=a,b|…``.

        >>> Subscription.parse(b"schema=mbo|stype_in=parent|symbols=ES.FUT,CL.FUT|id=3|start=2024-04-05").symbols
        ('ES.FUT', 'CL.FUT')
        """
        fields = _fields(line)
        symbols = tuple(symbol.strip() for symbol in _given(fields, "symbols").split(",") if symbol.strip())
        if not symbols:
            raise LineError("symbols is empty; ALL_SYMBOLS asks for all")
        if len(symbols) > SYMBOLS_A_LINE:
            raise LineError(f"{len(symbols):,} symbols in a line; {SYMBOLS_A_LINE} may be")
        wanted = cls(
            schema=_given(fields, "schema"),
            stype_in=_given(fields, "stype_in"),
            symbols=symbols,
            start=_start(fields.get("start")),
            snapshot=_one_of(fields, "snapshot", _FLAGS, "0"),
            id=_number(fields, "id"),
            is_last=_one_of(fields, "is_last", _FLAGS, "1"),
            ends=ends,
        )
        if wanted.snapshot and wanted.schema != "mbo":
            raise LineError(f"a snapshot of {shown(wanted.schema)}; there are snapshots of mbo alone")
        if wanted.snapshot and wanted.start is not None:
            raise LineError("a snapshot shows the books as they are now, so that it can have no start")
        return wanted


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The client is ready for records."""


Request: TypeAlias = Subscription | SessionStart


def parse_request(line: bytes) -> Request:
    """A line of a client that was let in.

    >>> parse_request(b"start_session"), parse_request(b"start_session=0")
    (SessionStart(), SessionStart())
    >>> parse_request(b"unsubscribe|schema=mbo|stype_in=raw_symbol|symbols=ESM4|is_last=1").ends
    True
    """
    if is_start(line):
        return SessionStart()
    if line.startswith(_UNSUBSCRIBE):
        return Subscription.parse(line.removeprefix(_UNSUBSCRIBE), ends=True)
    return Subscription.parse(line)


def is_start(line: bytes) -> bool:
    """Whether a line says that the client is ready for records."""
    return line.partition(b"=")[0] == b"start_session"


def shown(text: str) -> str:
    """What a client wrote, short and harmless enough to be sent back in a line or a message.

    >>> shown("a|b"), shown("c" * 100) == "'" + "c" * 40 + "…'"
    ("'a b'", True)
    """
    harmless = "".join(char if char.isascii() and char.isprintable() and char != "|" else " " for char in text)
    return f"'{harmless[:40]}…'" if len(harmless) > 40 else f"'{harmless}'"


def _fields(line: bytes) -> dict[str, str]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise LineError("a line is not UTF-8 text") from None
    pairs = [pair.partition("=") for pair in text.split("|") if pair]
    fields: dict[str, str] = {}
    for name, equals, value in pairs:
        if not equals or not name:
            raise LineError(f"{shown(text)} is no line of name=value, with | between")
        if name in fields:
            raise LineError(f"{shown(name)} stands twice in a line")
        fields[name] = value
    return fields


def _given(fields: Mapping[str, str], name: str) -> str:
    if not (value := fields.get(name, "")):
        raise LineError(f"{name} is missing")
    return value


def _one_of(fields: Mapping[str, str], name: str, known: Mapping[str, Value], default: str) -> Value:
    value = fields.get(name, default)
    if value not in known:
        raise LineError(f"{name} is {shown(value)}; it may be {' or '.join(known)}")
    return known[value]


def _number(fields: Mapping[str, str], name: str, below: int = 2**64) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 20 and int(value) < below):
        raise LineError(f"{name} is {shown(value)}; it may be a number from 0 to {below - 1}")
    return int(value)


def _heartbeat(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) in HEARTBEAT_SECONDS):
        raise LineError(f"heartbeat_interval_s is {shown(text)}; it may be 5 to 1800")
    return int(text)


def _start(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return _number({"start": text}, "start")
    try:
        return nanoseconds(text, "start")
    except ParameterError:
        raise LineError(f"start is {shown(text)}; it may be nanoseconds since 1970 or an ISO time") from None
