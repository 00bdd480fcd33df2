"""The three states of a running service, and the event that tells open streams to say goodbye."""

import asyncio
from enum import StrEnum

from litestar.exceptions import ServiceUnavailableException


class Phase(StrEnum):
    """What `/ready` answers by."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """Loading, then ready, then draining; never back.

    >>> life = Lifecycle()
    >>> life.open()
    >>> life.phase.value
    'ready'
    >>> life.drain()
    >>> life.phase.value, life.closing.is_set()
    ('draining', True)
    """

    def __init__(self) -> None:
        self.phase = Phase.LOADING
        self.closing = asyncio.Event()
        """Set once the service stops: streams end at their next step, waits end at once."""

    def open(self) -> None:
        """Begins to serve, unless it was told to stop while loading."""
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY

    def carry_on(self, _done: int = 0, _total: int = 0) -> None:
        """Called by long work now and then, to be stopped when the service stops.

        Raises:
            ServiceUnavailableException: it does.
        """
        if self.phase is Phase.DRAINING:
            raise ServiceUnavailableException(detail="the service is stopping")

    def drain(self) -> None:
        """Stops: no new streams, open ones say goodbye."""
        self.phase = Phase.DRAINING
        self.closing.set()
