"""A file as it is, to whoever connects: its metadata and its records of all types, and nothing of the gateway's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from databento_dbn import Schema

from booktape.gateway.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booktape.gateway.messages import Failure, Notice

EVERY_SCHEMA = frozenset(map(str, Schema.variants()))
"""What may be asked for, since it makes no difference."""


class Verbatim(Sending):
    """Sends what the file has, paced as everything else; for tapes that are complete.

    Messages of the gateway's would be among the file's, in a version of DBN that need not be the file's. So there are
    none: no answers to subscriptions, no heartbeats; where an error ends the session, the connection ends.
    """

    async def answer(self, data: bytes) -> None:
        """Says nothing."""

    async def say(self, notice: Notice, text: str) -> None:
        """Says nothing."""

    async def fail(self, failure: Failure, text: str) -> None:
        """Says nothing."""

    async def beat(self) -> None:
        """Says nothing."""

    async def warn(self) -> None:
        """Says nothing."""

    async def subscribe(
        self, schema: str, instruments: Sequence[int] | None, *, since: int = 0, position: int | None = None
    ) -> None:
        """Everything is sent, whatever is asked for."""

    async def unsubscribe(self, schema: str, instruments: Sequence[int] | None) -> None:
        """Everything is."""

    async def snapshot(self, instruments: Sequence[int] | None) -> None:
        """There is none in the file but those that are."""

    async def finish(self) -> None:
        """Everything was sent."""

    async def rest(self) -> None:
        """Nothing comes behind the end of a file."""

    def _head(self) -> bytes:
        return self.tape.head.dbn_head

    def _records(self, position: int, until: int) -> tuple[bytes, int]:
        return self.tape.head.as_read(position, until)

    async def _restart(self, position: int) -> None:
        """Nothing depends on what was before."""

    def _warning(self) -> bytes:
        return b""
