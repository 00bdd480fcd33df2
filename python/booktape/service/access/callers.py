"""Who makes a request: the holder of a key, or, where there are no keys, an address."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Self

from litestar.datastructures import Headers
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException

from booktape.keys import ApiKey, KeyRing, KeyScope

_REALM = 'Bearer realm="booktape"'
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose limits a request counts against, and whose name its log lines bear."""

    name: str
    key: ApiKey | None

    @classmethod
    def at(cls, address: str) -> Self:
        """Whoever is at an address. Of IPv6, the network of its first 64 bits: one machine has all of them."""
        return cls(_network(address), None)

    @classmethod
    def with_key(cls, ring: KeyRing, headers: Headers) -> Self:
        """The holder of the key that a request carries.

        Raises:
            NotAuthorizedException: it carries none, or one that is not known.
        """
        presented = _presented(headers)
        if presented is None:
            raise NotAuthorizedException(
                detail="a key is needed: Authorization: Bearer <key>, or X-API-Key: <key>",
                headers={"WWW-Authenticate": _REALM},
            )
        if (key := ring.find(presented)) is None:
            raise NotAuthorizedException(
                detail="the key is not known here", headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
            )
        return cls(f"key {key.name}", key)

    def require(self, scope: KeyScope) -> None:
        """Lets those pass whose key is enough; without keys, all may.

        Raises:
            PermissionDeniedException: the key is for less.
        """
        if self.key is not None and not self.key.opens(scope):
            raise PermissionDeniedException(
                detail=f"this needs a key with the scope {scope}; {self.key.name} has {', '.join(self.key.scopes)}",
                headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'},
            )


@lru_cache(maxsize=1_024)
def _network(address: str) -> str:
    try:
        ip = ip_address(address)
    except ValueError:  # a proxy says so, or there is none
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((int(ip) >> 64 << 64, 64)))
    return address


def _presented(headers: Headers) -> str | None:
    # First its own header: the other may be what a proxy before the service asks for.
    if key := headers.get("x-api-key"):
        return key
    authorization = headers.get("authorization", "")
    return authorization[len(_SCHEME) :].strip() if authorization[: len(_SCHEME)].lower() == _SCHEME else None
