"""Keys that clients of the gateway show: a challenge, and the answer that only who has a key can give."""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

BUCKET = 5
"""Characters of a key, its last, that clients send in the clear."""

_RESPONSE = re.compile(rf"(?P<hash>[0-9a-fA-F]{{64}})-.{{1,{BUCKET}}}")


class GatewayKeys:
    """The keys that are let in; without any, all are.

    Here the keys themselves are needed, where the service's own are kept as hashes: a client never sends its key but
    the hash of it together with a challenge, so that who listens cannot use what he hears.
    """

    def __init__(self, keys: Sequence[SecretStr] = ()) -> None:
        self._keys = tuple(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def accept(self, challenge: str, response: str) -> bool:
        """Whether a response to a challenge was made with one of the keys.

        Every key is tried, each compared in constant time: how long it takes says nothing about them.

        >>> GatewayKeys().accept(new_challenge(), f"{'0' * 64}-abcde")
        True
        """
        match = _RESPONSE.fullmatch(response)
        if match is None:
            return False
        accepted = not self._keys
        for key in self._keys:
            expected = sha256(f"{challenge}|{key.get_secret_value()}".encode()).hexdigest()
            accepted |= hmac.compare_digest(expected, match["hash"].lower())
        return accepted


def new_challenge() -> str:
    """A challenge that was never asked before."""
    return secrets.token_hex(16)
