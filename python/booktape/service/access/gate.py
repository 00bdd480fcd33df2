"""The gate that every request passes: whether it may come in, and for what."""

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from booktape.keys import KeyRing, KeyScope
from booktape.service.access.callers import Caller
from booktape.service.access.hosts import Hosts
from booktape.service.access.limits import RequestLimits

NEEDS = "needs"
"""The option of a route: which scope it needs. Left out: `read` for GET, `control` for what changes something."""
OPEN = "open"
"""What a route with no data needs, such as the page: nothing."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate(ASGIMiddleware):
    """Lets requests in by key where there are keys, and by where they come from where there are none."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, ring: KeyRing, hosts: Hosts, limits: RequestLimits) -> None:
        self._ring = ring
        self._hosts = hosts
        self._limits = limits

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs a request that may come in, with its caller as `scope["auth"]`.

        Raises:
            NotAuthorizedException: there are keys, and it carries none of them.
            PermissionDeniedException: its key is for less, or the page of another site makes it.
            TooManyRequestsException: its caller has made too many.
            HTTPException: 421, it calls the service by a name that is not its own.
        """
        headers = Headers.from_scope(scope)
        if not self._ring:
            self._hosts.check(headers)
        needs = _needs(scope)  # type: ignore[arg-type] # `scopes` above lets only HTTP pass
        if needs is not None:
            caller = self._caller(scope, headers)
            self._limits.take(caller)
            caller.require(needs)
            scope["auth"] = caller
        await next_app(scope, receive, send)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        if not self._ring:
            client = scope.get("client")
            return Caller.at(client[0] if client else "unknown")
        caller = Caller.with_key(self._ring, headers)
        bind_contextvars(caller=caller.name)
        return caller


def _needs(scope: HTTPScope) -> KeyScope | None:
    asked = scope["route_handler"].opt.get(NEEDS, "read" if scope["method"] in _READING else "control")
    return None if asked == OPEN else asked
