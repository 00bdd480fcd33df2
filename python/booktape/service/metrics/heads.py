"""The books at the end of every tape: how deep, and how many are crossed."""

import asyncio
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from booktape.service.deck import BooksAtHead, Deck
from booktape.service.streams.clock import Clock

SECONDS_BETWEEN = 5.0
"""Tapes that grow are looked at this often at most, however often metrics are read."""


class Heads(Collector):
    """Looks at a tape's books when metrics are read and it has changed since: once where it never does.

    A tape that is not indexed yet is left out, since its books would have to be built from the first record on.
    """

    def __init__(self, deck: Deck, clock: Clock) -> None:
        self._deck = deck
        self._clock = clock
        self._seen: dict[str, tuple[int, BooksAtHead]] = {}
        self._looked: float | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Brings what `collect` tells up to date."""
        async with self._looking:
            now = self._clock.now()
            if self._looked is not None and now - self._looked < SECONDS_BETWEEN:
                return
            self._looked = now
            self._seen = {
                tape.id: seen
                if (seen := self._seen.get(tape.id)) and seen[0] == len(tape)
                else (len(tape), await tape.books_at_head())
                for tape in self._deck
                if tape.indexed
            }

    def collect(self) -> Iterator[Metric]:
        """The families, from what was seen last."""
        heads = [books for _, books in self._seen.values()]
        depth = GaugeMetricFamily("mbo_order_book_depth", "Levels over all books of all tapes.", labels=["side"])
        depth.add_metric(["bid"], sum(head.bid_levels for head in heads))
        depth.add_metric(["ask"], sum(head.ask_levels for head in heads))
        yield depth
        yield GaugeMetricFamily("mbo_books", "Books of all tapes.", value=sum(head.books for head in heads))
        yield GaugeMetricFamily(
            "mbo_crossed_books", "Books whose bid is above their ask.", value=sum(head.crossed for head in heads)
        )
