"""The three states of a running service, and the event that tells open streams to say goodbye."""

import asyncio
from enum import StrEnum
from typing import Literal

from litestar.exceptions import ServiceUnavailableException

from booktape.service.streams.signal import Pulse


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
        self.pulse = Pulse()
        """Wakes all who wait."""
        self.failure: Exception | None = None
        """Why loading ended without success."""
        self.loaded = asyncio.Event()
        """Set once it is ready, or failed."""
        self.closing = asyncio.Event()
        """Set once the service stops: streams end at their next step, waits end at once."""

    def open(self) -> None:
        """Begins to serve, unless it was told to stop while loading."""
        if self.phase is Phase.LOADING:
            self.phase = Phase.READY
        self.loaded.set()

    def fail(self, failure: Exception) -> None:
        """Says that loading failed: whoever runs the service stops it and tells why."""
        self.failure = failure
        self.loaded.set()

    def carry_on(self, _done: int = 0, _total: int = 0) -> None:
        """Called by long work now and then, to be stopped when the service stops.

        Raises:
            ServiceUnavailableException: it does.
        """
        if self.phase is Phase.DRAINING:
            raise ServiceUnavailableException(detail="the service is stopping")

    def require_loaded(self) -> None:
        """Refuses what needs everything to be loaded.

        Raises:
            ServiceUnavailableException: it is not yet.
        """
        if self.phase is Phase.LOADING:
            raise ServiceUnavailableException(detail="still loading; ask /ready", headers={"Retry-After": "1"})

    def drain(self) -> None:
        """Stops: no new streams, open ones say goodbye."""
        self.phase = Phase.DRAINING
        self.closing.set()
        self.pulse.beat()

    @property
    def ending(self) -> Literal["shutdown"] | None:
        """Why streams should say goodbye, if they should."""
        return "shutdown" if self.phase is Phase.DRAINING else None
