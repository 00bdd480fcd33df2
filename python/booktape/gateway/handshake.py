"""From the greeting to a client that was let in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from booktape import __version__
from booktape.gateway.keys import GatewayKeys, new_challenge
from booktape.gateway.lines import Authentication, LineError, shown

if TYPE_CHECKING:
    from booktape.gateway.choice import Choice
    from booktape.gateway.connection import Connection

ANSWER_SECONDS = 10.0
"""Time for a client to answer the challenge."""
LOADING_SECONDS = 20.0
"""How long it is kept waiting while tapes are loaded; official clients give up after 30."""


class RefusedError(Exception):
    """The client is not let in; the message is for it, and never holds anything of a key."""


async def shake_hands(connection: Connection, keys: GatewayKeys, choice: Choice) -> Authentication:
    """Greets a client and asks for its key.

    Raises:
        RefusedError: it is not let in.
        LeftError: it went.
    """
    challenge = new_challenge()
    connection.write(f"lsg_version=booktape-{__version__}\ncram={challenge}\n".encode())
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            who = Authentication.parse(await connection.next_line())
    except LineError as why:
        raise RefusedError(str(why)) from None
    except TimeoutError:
        raise RefusedError(f"no answer within {ANSWER_SECONDS:.0f} seconds") from None
    if not keys.accept(challenge, who.response):
        raise RefusedError("Authentication failed: the key is not one of this gateway's")
    await _require_dataset(who.dataset, choice)
    return who


async def _require_dataset(dataset: str, choice: Choice) -> None:
    try:
        async with asyncio.timeout(LOADING_SECONDS):
            await choice.loaded()
    except TimeoutError:
        raise RefusedError("tapes are still being loaded; try again") from None
    if not choice.tapes(dataset):
        there = ", ".join(choice.datasets) or "none"
        raise RefusedError(f"no dataset {shown(dataset)} here; there is: {there}")


def welcome(session_id: int) -> bytes:
    """The line that lets a client in."""
    return f"success=1|session_id={session_id}\n".encode()


def refusal(why: RefusedError) -> bytes:
    """The line that does not."""
    return f"success=0|error={str(why).replace('|', ' ')}\n".encode()
