"""Which book is meant: instruments by id or symbol, publishers by id or name, left out where only one will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from booktape.errors import NotFoundError
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booktape.book import Book
    from booktape.market import Market
    from booktape.tape import Tape
    from booktape.values import Instrument

_SHOWN = 8


def find_book(tape: Tape, instrument: str | None = None, publisher: str | None = None) -> Instrument:
    """The one book of a tape that is meant.

    Raises `NotFoundError` naming what there is, `ParameterError` where several books would do.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=1_000, instruments=2, seed=1)
    >>> first = tape.instruments[0]
    >>> find_book(tape, first.symbol) == find_book(tape, str(first.instrument_id), "GLBX.MDP3.GLBX") == first
    True
    """
    if not tape.instruments:
        raise NotFoundError(f"the tape {tape.name} has no records, so it has no books")
    books = _meant(tape, instrument, publisher)
    if len({book.instrument_id for book in books}) != 1:
        raise bad_parameter("instrument", instrument, f"say which: {tape.name} has {_choices(books, _instrument)}")
    if len(books) != 1:
        raise bad_parameter("publisher", publisher, f"say which: {tape.name} has {_choices(books, _publisher)}")
    return books[0]


def find_ids(
    tape: Tape, instrument: str | int | None = None, publisher: str | int | None = None
) -> tuple[int | None, int | None]:
    """The ids of an instrument and a publisher, given as ids, or as texts that are ids or names; None where not given.

    Raises `NotFoundError` naming what there is, `ParameterError` where a symbol is that of several instruments.
    """
    books = _meant(tape, instrument, publisher)
    if instrument is not None and len({book.instrument_id for book in books}) != 1:
        raise bad_parameter("instrument", instrument, f"say which: {tape.name} has {_choices(books, _instrument)}")
    return (
        None if instrument is None else books[0].instrument_id,
        None if publisher is None else books[0].publisher_id,
    )


def present(market: Market, meant: Instrument) -> Book | None:
    """A book of a market that may not have come to its first record yet."""
    try:
        return market.book(meant.instrument_id, meant.publisher_id)
    except NotFoundError:
        return None


def _meant(tape: Tape, instrument: str | int | None, publisher: str | int | None) -> list[Instrument]:
    """The books that may be meant: one at least."""
    books = tape.instruments
    if instrument is not None:
        meant = [book for book in books if _is(instrument, book.instrument_id, book.symbol)]
        books = _some(meant, "instrument", instrument, tape, books, _instrument)
    if publisher is not None:
        meant = [book for book in books if _is(publisher, book.publisher_id, book.publisher)]
        books = _some(meant, "publisher", publisher, tape, books, _publisher)
    return books


def _is(asked: str | int, number: int, name: str | None) -> bool:
    return asked == number if isinstance(asked, int) else asked in {str(number), name}


def _some(
    meant: list[Instrument],
    kind: str,
    asked: str | int,
    tape: Tape,
    books: Sequence[Instrument],
    name: Callable[[Instrument], str],
) -> list[Instrument]:
    if not meant:
        raise NotFoundError(f"{kind} {asked!r} is not on the tape {tape.name}; it has {_choices(books, name)}")
    return meant


def _choices(books: Sequence[Instrument], name: Callable[[Instrument], str]) -> str:
    names = list(dict.fromkeys(name(book) for book in books))
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more


def _instrument(book: Instrument) -> str:
    return f"{book.symbol} ({book.instrument_id})" if book.symbol else str(book.instrument_id)


def _publisher(book: Instrument) -> str:
    return f"{book.publisher} ({book.publisher_id})"
