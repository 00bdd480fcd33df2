"""What a session has subscribed to, and what the gateway answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from booktape.gateway.choice import SCHEMAS
from booktape.gateway.joining import Joining, Wanted
from booktape.gateway.lines import LineError, Subscription, shown
from booktape.gateway.messages import Failure, Notice
from booktape.moment import NS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from booktape.gateway.choice import Found
    from booktape.gateway.messages import Messages
    from booktape.symbology import Resolved

LONGEST_SYMBOL = 70
"""Characters of a symbol that a mapping has room for."""


@dataclass(frozen=True, slots=True, eq=False)
class Subscribed:
    """A request whose symbols were looked up."""

    wanted: Wanted
    found: Found

    @property
    def schema(self) -> str:
        """What records it is for."""
        return self.wanted.line.schema

    @property
    def start(self) -> int | None:
        """From which ts_event on it wants them; None from now on."""
        return self.wanted.line.start

    @property
    def snapshot(self) -> bool:
        """Whether it wants the books as they are first."""
        return self.wanted.line.snapshot

    @property
    def ends(self) -> bool:
        """Whether it wants them no longer."""
        return self.wanted.line.ends

    @property
    def is_empty(self) -> bool:
        """Whether no symbol was found."""
        return self.found.instruments is not None and not self.found.instruments


class Subscriptions:
    """The subscriptions of one session."""

    def __init__(self, messages: Messages, schemas: Collection[str] = SCHEMAS) -> None:
        self.books: tuple[int, ...] | None = ()
        """Instruments whose mbo records are subscribed to; None for all."""
        self._messages = messages
        self._schemas = schemas
        self._joining = Joining()

    def wanted(self, line: Subscription) -> Wanted | None:
        """The request that a line completes.

        Raises:
            LineError: it asks for what there is not.
        """
        if line.schema not in self._schemas:
            raise LineError(f"schema is {shown(line.schema)}; there is {', '.join(sorted(self._schemas))}")
        return self._joining.add(line)

    def take(self, subscribed: Subscribed, known: Iterable[int]) -> None:
        """Notes what is subscribed to from now on, on a tape of which some instruments are known."""
        if subscribed.schema != "mbo":
            return
        named = subscribed.found.instruments
        if subscribed.ends:
            before = known if self.books is None else self.books
            self.books = tuple(number for number in before if named is not None and number not in named)
        elif self.books is not None:
            self.books = None if named is None else tuple(dict.fromkeys((*self.books, *named)))

    def answer(self, subscribed: Subscribed, ts: int) -> bytes:
        """Tells which symbols were not found, acknowledges the others, and says what each of them means."""
        say, found, line = self._messages, subscribed.found, subscribed.wanted.line
        answers = [
            say.error(
                Failure.SYMBOL_NOT_FOUND,
                f"Failed to resolve symbol {shown(symbol)} of type {line.stype_in}",
                ts,
                is_last=index == len(found.missing),
            )
            for index, symbol in enumerate(found.missing, 1)
        ]
        if not subscribed.is_empty:
            what, notice = ("Unsubscribe", Notice.UNSUBSCRIBED) if line.ends else ("Subscription", Notice.SUBSCRIBED)
            text = f"{what} request {subscribed.wanted.number} for {line.schema} data succeeded"
            answers.append(say.system(notice, text, ts))
        if line.ends:
            return b"".join(answers)
        answers += [
            say.mapping(entry.instrument_id, asked, line.stype_in, entry.raw_symbol, ts)
            for asked, entries in found.meanings.items()
            for entry in _current(entries, ts)
            if max(len(asked), len(entry.raw_symbol)) <= LONGEST_SYMBOL
        ]
        return b"".join(answers)


def _current(entries: Iterable[Resolved], ts: int) -> Iterable[Resolved]:
    """What a symbol means at a time: of each instrument one entry, that of the day or else the first."""
    day = datetime.fromtimestamp(ts // NS, UTC).date()
    current: dict[int, Resolved] = {}
    for entry in entries:
        if entry.start_date <= day < entry.end_date:
            current[entry.instrument_id] = entry
        else:
            current.setdefault(entry.instrument_id, entry)
    return current.values()
