"""Requests that come in several lines, put together."""

from dataclasses import dataclass

from booktape.gateway.lines import LineError, Subscription

REQUESTS = 1_000
"""Requests of a session."""
SYMBOLS = 100_000
"""Symbols that they may name together; all there are come with ALL_SYMBOLS."""
OPEN_REQUESTS = 16
"""Requests that may be incomplete at once."""


@dataclass(slots=True)
class Wanted:
    """A whole request."""

    number: int
    """The client's own, or else which it is, from 1."""
    line: Subscription
    """Its last line."""
    symbols: tuple[str, ...]


class Joining:
    """The requests of a session, as their lines come.

    >>> from booktape.gateway.lines import Subscription
    >>> joining = Joining()
    >>> joining.add(Subscription("mbo", "raw_symbol", ("A", "B"), id=7, is_last=False))
    >>> joining.add(Subscription("mbo", "raw_symbol", ("C",), id=7)).symbols
    ('A', 'B', 'C')
    """

    def __init__(self) -> None:
        self._open: dict[tuple[bool, int | None], list[Subscription]] = {}
        self._number = 0
        self._symbols = 0

    def add(self, line: Subscription) -> Wanted | None:
        """The request that a line completes."""
        lines = self._open.setdefault((line.ends, line.id), [])
        if lines and _terms(lines[0]) != _terms(line):
            raise LineError(f"the lines of request {line.id} differ in more than their symbols")
        lines.append(line)
        self._symbols += len(line.symbols)
        if self._symbols > SYMBOLS:
            raise LineError(f"more than {SYMBOLS:,} symbols in a session; ALL_SYMBOLS asks for all")
        if not line.is_last:
            if len(self._open) > OPEN_REQUESTS:
                raise LineError(f"more than {OPEN_REQUESTS} requests whose last line has not come")
            return None
        del self._open[line.ends, line.id]
        self._number += 1
        if self._number > REQUESTS:
            raise LineError(f"more than {REQUESTS:,} subscriptions in a session")
        symbols = dict.fromkeys(symbol for each in lines for symbol in each.symbols)
        return Wanted(self._number if line.id is None else line.id, line, tuple(symbols))


def _terms(line: Subscription) -> tuple[object, ...]:
    return line.schema, line.stype_in, line.start, line.snapshot
