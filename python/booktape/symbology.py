"""Which instruments of a tape a symbol means, in Databento's ways of naming them, and on which days."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from booktape.tape import Tape

    _Definitions = dict[int, tuple[str, str, str]]
    """Raw symbol, product and class, by instrument_id."""

SymbolType = Literal["raw_symbol", "instrument_id", "parent", "continuous"]
"""How symbols name instruments: ``SType`` in databento."""

ALL_SYMBOLS = "ALL_SYMBOLS"
"""The symbol that means every instrument."""

_EPOCH = date(1970, 1, 1)
_DAY = 86_400 * 10**9

_TYPES = {"F": "FUT", "S": "FUT", "C": "OPT", "P": "OPT", "T": "OPT", "K": "SPOT", "X": "SPOT"}
"""What parent symbols end in, by the instrument class of definitions: spreads belong to what they are spreads of."""

_FUTURE = re.compile(r"([A-Z0-9]+)[FGHJKMNQUVXZ][0-9]{1,2}")
"""A future as CME spells it: the product, a letter for the month, one or two digits for the year."""


class Resolved(NamedTuple):
    """An instrument that a symbol means for some days."""

    instrument_id: int
    raw_symbol: str
    """The venue's symbol, or the id where the tape has no name for it."""
    start_date: date
    """The first day, in UTC."""
    end_date: date
    """The day after the last."""


def resolve(tape: Tape, stype_in: str, symbols: Iterable[str]) -> dict[str, list[Resolved]]:
    """What each of the symbols means on a tape: an entry for every instrument and stretch of days, or none.

    ``"raw_symbol"`` is the venue's symbol, ``"instrument_id"`` a number in digits. ``"parent"`` is a product and a
    type, such as ``ES.FUT``, ``ES.OPT`` or ``EUR.SPOT``, spreads included: definitions beside the tape tell the
    product (``asset``) and the type (``instrument_class``). An instrument without one is known by its spelling, if it
    is a future's at CME: ESM4 and ESM4-ESU4 are of ES.FUT, and ESM4 C5000 is of ES.OPT. ``"continuous"``, such as
    ``ES.c.0``, is known nowhere: which contract leads is not in MBO data. ``ALL_SYMBOLS`` is every instrument.

    Another `stype_in` is a `ParameterError`. The first call reads a large file as far as its last definition,
    so a service does that in a thread; without definitions it takes about 30 ms for 10,000 instruments.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=1_000, instruments=2, seed=1)
    >>> found = resolve(tape, "parent", ["ES.FUT", "ES.OPT"])
    >>> [(entry.instrument_id, entry.raw_symbol) for entry in found["ES.FUT"]], found["ES.OPT"]
    ([(118000, 'ESH6')], [])
    """
    if stype_in not in get_args(SymbolType):
        raise bad_parameter("stype_in", stype_in, f"symbols are resolved by {', '.join(get_args(SymbolType))}")
    definitions = {row[0]: row[1:] for row in tape._native.definitions()}
    known = list(_instruments(tape, definitions))
    meant: dict[str, list[Resolved]] = defaultdict(list)
    meant[ALL_SYMBOLS] = known
    for entry in known:
        match stype_in:
            case "raw_symbol":
                meant[entry.raw_symbol].append(entry)
            case "instrument_id":
                meant[str(entry.instrument_id)].append(entry)
            case "parent":
                if parent := _parent(entry, definitions):
                    meant[parent].append(entry)
    return {symbol: meant.get(symbol, []) for symbol in symbols}


def _instruments(tape: Tape, definitions: _Definitions) -> Iterator[Resolved]:
    """Everything on the tape, and when it means what: as it was named, then by definition, then by number alone."""
    named = set()
    for instrument_id, symbol, start, end in tape._native.names():
        named.add(instrument_id)
        yield Resolved(instrument_id, symbol, _day(start), _day(max(start, end - 1)) + timedelta(days=1))
    first, last = tape.start_ns or 0, tape.end_ns or 0
    days = _day(first), _day(max(first, last)) + timedelta(days=1)
    others = [*definitions, *(instrument.instrument_id for instrument in tape.instruments)]
    for instrument_id in dict.fromkeys(others):
        if instrument_id not in named:
            symbol = definitions[instrument_id][0] if instrument_id in definitions else str(instrument_id)
            yield Resolved(instrument_id, symbol, *days)


def _parent(entry: Resolved, definitions: _Definitions) -> str | None:
    """The parent of an instrument, where that can be told."""
    if entry.instrument_id in definitions:
        _, asset, instrument_class = definitions[entry.instrument_id]
        return f"{asset}.{_TYPES[instrument_class]}" if instrument_class in _TYPES else None
    contract, _, strike = entry.raw_symbol.partition(" ")
    legs = [_FUTURE.fullmatch(leg) for leg in contract.split("-")]
    products = {leg[1] if leg else "" for leg in legs}
    product = products.pop()
    return f"{product}.{'OPT' if strike else 'FUT'}" if product and not products else None


def _day(ns: int) -> date:
    return _EPOCH + timedelta(days=ns // _DAY)
