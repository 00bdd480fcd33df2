"""The client at the other end of a stream, as far as the one who sends needs to know it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

EXTENSION = "booktape.client"
"""Where the server puts the client into an ASGI scope."""


class Client:
    """Whether a client takes what it is sent, and a way to cut it off."""

    __slots__ = ("_transport", "too_slow")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.too_slow = False
        """It has taken too little for too long: whoever sends should say goodbye and end."""
        self._transport = transport

    @property
    def ending(self) -> Literal["slow"] | None:
        """Why its stream should end, if it should."""
        return "slow" if self.too_slow else None

    async def cut(self) -> None:
        """Resets the connection and waits to be cancelled: what was sent is seen to be incomplete."""
        self._transport.abort()
        await asyncio.Event().wait()


def client_of(scope: Mapping[str, Any]) -> Client:
    """The client of a request."""
    client: Client = scope["extensions"][EXTENSION]
    return client
