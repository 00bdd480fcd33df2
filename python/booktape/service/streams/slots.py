"""A bounded number of open streams."""

from litestar.exceptions import ServiceUnavailableException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from booktape.service.lifecycle import Lifecycle, Phase

RETRY_AFTER_SECONDS = 5
"""What a client that was refused is told to wait."""
STREAMS = "streams"
"""The option of routes that take a slot."""


def _takes_no_slot(scope: Scope) -> bool:
    return not scope["route_handler"].opt.get(STREAMS)


class StreamSlots(ASGIMiddleware):
    """Counts the streams of routes with the option `streams` and refuses more than `limit`.

    A middleware of the application, since Litestar copies those of routers, and copies would each count their own.

    Around the whole response rather than inside its generator, so that a slot is given back however a stream ends,
    also one whose generator never began.
    """

    should_bypass_for_scope = staticmethod(_takes_no_slot)

    def __init__(self, limit: int, lifecycle: Lifecycle) -> None:
        self.limit = limit
        self.open = 0
        self.refused = 0
        self._lifecycle = lifecycle

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs the stream in a slot.

        Raises:
            ServiceUnavailableException: all slots are taken, or the service is stopping.
        """
        if self._lifecycle.phase is Phase.DRAINING:
            raise self._refusal("the service is stopping")
        if self.open >= self.limit:
            raise self._refusal(f"all {self.limit:,} streams are taken")
        self.open += 1
        try:
            await next_app(scope, receive, send)
        finally:
            self.open -= 1

    def _refusal(self, why: str) -> ServiceUnavailableException:
        self.refused += 1
        return ServiceUnavailableException(
            detail=f"{why}; try again in {RETRY_AFTER_SECONDS} seconds",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
