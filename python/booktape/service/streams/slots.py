"""A bounded number of open streams."""

from collections.abc import Callable

from litestar.exceptions import HTTPException, ServiceUnavailableException, TooManyRequestsException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from booktape.service.access.callers import Caller
from booktape.service.lifecycle import Lifecycle, Phase

RETRY_AFTER_SECONDS = 5
"""What a client that was refused is told to wait."""
STREAMS = "streams"
"""The option of routes that take a slot for as long as they stream."""
EXPORTS = "exports"
"""The option of those whose bytes are made for one client: fewer of them fit."""


class StreamSlots(ASGIMiddleware):
    """Counts the responses of routes with an option, and refuses more than `limit`, or `each` of a caller.

    A middleware of the application, since Litestar copies those of routers, and copies would each count their own.

    Around the whole response rather than inside its generator, so that a slot is given back however a stream ends,
    also one whose generator never began. `on_use` is told when the first is taken, and when the last is given back.
    """

    def __init__(
        self,
        limit: int,
        lifecycle: Lifecycle,
        option: str = STREAMS,
        *,
        each: int | None = None,
        on_use: Callable[[bool], object] = lambda _: None,
    ) -> None:
        self.should_bypass_for_scope = self._takes_no_slot
        self.option = option
        self.limit = limit
        self.open = 0
        self.refused = 0
        self._lifecycle = lifecycle
        self._each = each
        self._on_use = on_use
        self._by_caller: dict[str, int] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs the stream in a slot.

        Raises:
            ServiceUnavailableException: all slots are taken, or the service is stopping.
            TooManyRequestsException: the caller has as many as it may.
        """
        if self._lifecycle.phase is Phase.DRAINING:
            raise self._refusal(ServiceUnavailableException, "the service is stopping")
        if self.open >= self.limit:
            raise self._refusal(ServiceUnavailableException, f"all {self.limit:,} {self.option} are taken")
        caller: Caller = scope["auth"]
        limit, has = self._limit_of(caller), self._by_caller.get(caller.name, 0)
        if limit is not None and has >= limit:
            raise self._refusal(
                TooManyRequestsException, f"{caller.name} has {has:,} {self.option} open, and may have no more"
            )
        self._by_caller[caller.name] = has + 1
        self.open += 1
        if self.open == 1:
            self._on_use(True)
        try:
            await next_app(scope, receive, send)
        finally:
            self.open -= 1
            if not self.open:
                self._on_use(False)
            self._give_back(caller)

    def _takes_no_slot(self, scope: Scope) -> bool:
        return not scope["route_handler"].opt.get(self.option)

    def _limit_of(self, caller: Caller) -> int | None:
        own = None if caller.key is None else caller.key.streams
        return self._each if own is None else own

    def _give_back(self, caller: Caller) -> None:
        self._by_caller[caller.name] -= 1
        if not self._by_caller[caller.name]:
            del self._by_caller[caller.name]

    def _refusal(self, kind: type[HTTPException], why: str) -> HTTPException:
        self.refused += 1
        return kind(
            detail=f"{why}; try again in {RETRY_AFTER_SECONDS} seconds",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
