"""A tape's instruments and their publishers, and finding the one that a request means."""

from typing import NamedTuple

from booktape import NotFoundError, Tape
from booktape.parameters import bad_parameter
from booktape.service.parameters.kinds import InstrumentRef, PublisherRef
from booktape.service.tapes.schemas import InstrumentNode, PublisherLeaf

_SHOWN = 8


class BookKey(NamedTuple):
    """One book of a tape."""

    instrument: InstrumentNode
    publisher: PublisherLeaf

    @property
    def ids(self) -> tuple[int, int]:
        """Of instrument and publisher."""
        return self.instrument.instrument_id, self.publisher.publisher_id


class MarketTree:
    """Instruments with their publishers, most records first."""

    def __init__(self, tape: Tape) -> None:
        nodes: dict[int, InstrumentNode] = {}
        for entry in tape.instruments:
            node = nodes.setdefault(entry.instrument_id, InstrumentNode(entry.instrument_id, entry.symbol, 0, []))
            node.records += entry.records
            node.publishers.append(PublisherLeaf(entry.publisher_id, entry.publisher, entry.records))
        self.instruments = sorted(nodes.values(), key=lambda node: -node.records)

    def instrument(self, wanted: InstrumentRef | None) -> InstrumentNode:
        """The instrument that was asked for, or the only one.

        Raises:
            NotFoundError: there is no such instrument.
            ParameterError: none was named and there are several, or several have that symbol.
        """
        if wanted is None:
            if len(self.instruments) == 1:
                return self.instruments[0]
            raise bad_parameter("instrument", None, f"say which; the tape has {self._choices()}")
        found = [node for node in self.instruments if wanted.means(node.instrument_id, node.symbol)]
        if not found:
            raise NotFoundError(f"no instrument {wanted} on this tape; it has {self._choices()}")
        if len(found) > 1:
            ids = ", ".join(str(node.instrument_id) for node in found)
            raise bad_parameter("instrument", str(wanted), f"say which by id; these have that symbol: {ids}")
        return found[0]

    def book(self, instrument: InstrumentRef | None, publisher: PublisherRef | None) -> BookKey:
        """The book that was asked for; what has only one choice may be left out.

        Raises:
            NotFoundError: there is no such instrument, or that publisher has no records of it.
            ParameterError: one was not named and there are several.
        """
        node = self.instrument(instrument)
        choices = ", ".join(f"{leaf.publisher_id} ({leaf.publisher})" for leaf in node.publishers)
        if publisher is None:
            if len(node.publishers) == 1:
                return BookKey(node, node.publishers[0])
            raise bad_parameter("publisher", None, f"say which; instrument {node.instrument_id} has {choices}")
        for leaf in node.publishers:
            if publisher.means(leaf.publisher_id, leaf.publisher):
                return BookKey(node, leaf)
        raise NotFoundError(f"no publisher {publisher} of instrument {node.instrument_id}; it has {choices}")

    def _choices(self) -> str:
        shown = ", ".join(
            f"{node.instrument_id} ({node.symbol})" if node.symbol else str(node.instrument_id)
            for node in self.instruments[:_SHOWN]
        )
        more = len(self.instruments) - _SHOWN
        return (shown or "none") + (f" and {more:,} more" if more > 0 else "")
