"""Without keys, who reaches the service may use it: so the pages of other sites must not, through a browser.

There are two ways. A name of theirs that is made to mean this machine (DNS rebinding) gives itself away by the `Host`
header; a request across origins by `Origin` or `Sec-Fetch-Site`, which pages cannot forge.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from litestar.datastructures import Headers
from litestar.exceptions import HTTPException, PermissionDeniedException

_EVERY = "*"
_LONGEST_NAME = 253
_MISDIRECTED = 421


class Hosts:
    """Which names the service may be called by, and which sites' pages may call it."""

    def __init__(self, names: Iterable[str], origins: Iterable[str]) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._origins = frozenset(origins)

    def check(self, headers: Headers) -> None:
        """Lets a request pass.

        Raises:
            HTTPException: 421, it calls the service by a name that is not its own.
            PermissionDeniedException: the page of another site makes it.
        """
        host = headers.get("host", "")
        if _EVERY not in self._names and (name := name_of(host)) not in self._names and not _cannot_be_rebound(name):
            raise HTTPException(
                status_code=_MISDIRECTED,
                detail=f"this service is not called {name or 'nothing'}; BOOKTAPE_ALLOWED_HOSTS names what it is",
            )
        if self._is_foreign(headers, host):
            raise PermissionDeniedException(
                detail="the page of another site asks; BOOKTAPE_CORS_ORIGINS names those that may"
            )

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        origin = headers.get("origin")
        if origin is None:
            # A page that only embeds what it may not read, or opens streams to use them up; following a link is fine.
            elsewhere = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
            return elsewhere and headers.get("sec-fetch-mode") != "navigate"
        if origin in self._origins or _EVERY in self._origins:
            return False
        return origin.partition("://")[2].lower() != host.lower()


@lru_cache(maxsize=256)
def name_of(host: str) -> str:
    """The name in a `Host` header, without its port.

    >>> name_of("Localhost:8000"), name_of("[::1]:8000"), name_of("::")
    ('localhost', '::1', '')
    """
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".") if len(host) <= _LONGEST_NAME else ""
    except ValueError:
        return ""


def _cannot_be_rebound(name: str) -> bool:
    """Whether it means what it says: an address, or this machine by the name that browsers never look up."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
