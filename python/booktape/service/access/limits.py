"""Requests a second: a bucket of tokens for each caller."""

import math

from litestar.exceptions import TooManyRequestsException

from booktape.service.access.callers import Caller
from booktape.service.streams.clock import Clock

MOST_CALLERS = 10_000
"""Callers remembered; who was not seen for longest is forgotten, and begins with a full bucket."""
BURST_SECONDS = 2.0
"""What a caller that was quiet may ask at once, in seconds of its rate: opening the page is several requests."""


class RequestLimits:
    """How many requests callers may make: their key's number a second, else `default`; None is without limit.

    >>> from booktape.service.streams.clock import WallClock
    >>> limits = RequestLimits(0.5, WallClock())
    >>> limits.take(Caller.at("192.0.2.1"))
    >>> limits.take(Caller.at("192.0.2.1"))
    Traceback (most recent call last):
    ...
    litestar.exceptions.http_exceptions.TooManyRequestsException: 429: more than 0.5 requests a second; try again in 2 s
    """

    def __init__(self, default: float | None, clock: Clock) -> None:
        self._default = default
        self._clock = clock
        # In order of use. One event loop, and no await between reading and writing: so it is exact.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, caller: Caller) -> None:
        """Counts a request.

        Raises:
            TooManyRequestsException: the caller has made too many; `Retry-After` says when there is room.
        """
        own = None if caller.key is None else caller.key.requests_per_second
        if (rate := own or self._default) is None:
            return
        most, now = max(1.0, rate * BURST_SECONDS), self._clock.now()
        left, before = self._buckets.pop(caller.name, (most, now))
        left = min(most, left + (now - before) * rate)
        enough = left >= 1
        self._buckets[caller.name] = (left - enough, now)
        if len(self._buckets) > MOST_CALLERS:
            del self._buckets[next(iter(self._buckets))]
        if not enough:
            seconds = max(1, math.ceil((1 - left) / rate))
            raise TooManyRequestsException(
                detail=f"more than {rate:g} requests a second; try again in {seconds} s",
                headers={"Retry-After": str(seconds)},
            )
