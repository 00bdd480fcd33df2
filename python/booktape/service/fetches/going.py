"""A fetch under way: how far it is, and whether it is wanted any longer."""

import asyncio
import threading
import time

from booktape.service.fetches.schemas import FetchDetails
from booktape.service.lifecycle import Lifecycle

_LOOK_SECONDS = 0.2


class CancelledFetchError(Exception):
    """Nobody wants it any more."""


class Going:
    """What the threads of a fetch call now and then, to be stopped by whoever does not want it any longer."""

    def __init__(self, details: FetchDetails, lifecycle: Lifecycle) -> None:
        self.details = details
        self.ended = asyncio.Event()
        """Set once nothing of it runs any more."""
        self._lifecycle = lifecycle
        self._is_unwanted = threading.Event()

    def cancel(self) -> None:
        """Has it stop at its next look."""
        self._is_unwanted.set()

    def carry_on(self) -> None:
        """Ends work that is not to go on.

        Raises:
            CancelledFetchError: it was cancelled.
            ServiceUnavailableException: the service stops.
        """
        if self._is_unwanted.is_set():
            raise CancelledFetchError
        self._lifecycle.carry_on()

    def progress(self, records: int, expected: int) -> None:
        """Tells how far it is, and does as `carry_on`."""
        self.carry_on()
        self.details.records, self.details.expected = records, expected

    def wait(self, seconds: float) -> None:
        """Waits before it is tried again, for as long as it is to go on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.carry_on()
            self._is_unwanted.wait(min(left, _LOOK_SECONDS))
