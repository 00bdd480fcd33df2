"""Which tape a session follows, and what the symbols that it asks for stand for on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, get_args

from databento_dbn import SType

from booktape.gateway.lines import LineError, shown
from booktape.symbology import ALL_SYMBOLS, Resolved, SymbolType, resolve
from booktape.values import BESIDE, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from booktape.gateway.options import GatewayOptions
    from booktape.service.deck import Deck, LoadedTape
    from booktape.service.lifecycle import Lifecycle

SCHEMAS = frozenset((*get_args(Schema), *BESIDE))
"""What can be subscribed to: what the tape holds, and what is derived from it."""


class Found(NamedTuple):
    """What the symbols of a request stand for."""

    instruments: Sequence[int] | None
    """Their ids, each once; None for all instruments."""
    meanings: Mapping[str, Sequence[Resolved]]
    """What each symbol means, and on which days."""
    missing: Sequence[str]
    """Symbols that the tape does not know."""


class Choice:
    """The tapes that are served, by dataset."""

    def __init__(self, deck: Deck, lifecycle: Lifecycle, options: GatewayOptions) -> None:
        self._deck = deck
        self._lifecycle = lifecycle
        self._dataset = options.dataset

    async def loaded(self) -> None:
        """Waits until there are tapes to choose from."""
        await self._lifecycle.loaded.wait()

    @property
    def datasets(self) -> list[str]:
        """The datasets that there are, each once."""
        return list(dict.fromkeys(self._dataset or tape.tape.dataset for tape in self._deck))

    def tapes(self, dataset: str) -> list[LoadedTape]:
        """The tapes of a dataset: those that grow first, then in the order they came."""
        tapes = [tape for tape in self._deck if (self._dataset or tape.tape.dataset) == dataset]
        return sorted(tapes, key=lambda tape: tape.complete)

    async def tape(self, dataset: str, stype_in: str, symbols: Sequence[str]) -> LoadedTape | None:
        """The first tape of a dataset that knows any of some symbols, or else the first; None where there is none."""
        tapes = self.tapes(dataset)
        for tape in tapes if len(tapes) > 1 else ():
            found = await find(tape, stype_in, symbols)
            if found.instruments is None or found.instruments:
                return tape
        return tapes[0] if tapes else None


async def find(tape: LoadedTape, stype_in: str, symbols: Sequence[str]) -> Found:
    """Looks symbols up on a tape.

    Raises:
        LineError: there is no such kind of symbols.
    """
    if stype_in not in {str(kind) for kind in SType.variants()}:
        raise LineError(f"stype_in is {shown(stype_in)}, which is no kind of symbols")
    if ALL_SYMBOLS in symbols:
        known = (await tape.aside(partial(resolve, tape.tape, "raw_symbol", [ALL_SYMBOLS])))[ALL_SYMBOLS]
        return Found(None, _by_symbol(known), ())
    if stype_in not in get_args(SymbolType):
        return Found((), {}, symbols)
    meanings = await tape.aside(partial(resolve, tape.tape, stype_in, symbols))
    instruments = dict.fromkeys(entry.instrument_id for entries in meanings.values() for entry in entries)
    return Found(tuple(instruments), meanings, [symbol for symbol in symbols if not meanings[symbol]])


def _by_symbol(entries: Iterable[Resolved]) -> dict[str, list[Resolved]]:
    by_symbol: dict[str, list[Resolved]] = {}
    for entry in entries:
        by_symbol.setdefault(entry.raw_symbol, []).append(entry)
    return by_symbol
