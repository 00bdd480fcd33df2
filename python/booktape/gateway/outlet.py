"""What goes to a client that was let in: compressed if it asked for that, and no faster than it takes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import zstandard

from booktape.gateway.connection import LeftError, SlowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from booktape.gateway.connection import Connection
    from booktape.gateway.metrics import GatewayFigures

LEVEL = 1
"""Of compression: sessions are many, and each is compressed for itself."""
IN_THREAD_BYTES = 16 * 1024
"""Pieces from which on they are compressed in a thread."""
WARNED_AFTER = 1 / 6
"""The part of the patience with a client after which it is warned."""


class _Packing(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, flush_mode: int = ..., /) -> bytes: ...


class Outlet:
    """The sending half of a session.

    A client that takes nothing for a while is sent a warning behind what it has not taken, and is given up after
    `patience` seconds.
    """

    def __init__(
        self,
        connection: Connection,
        figures: GatewayFigures,
        *,
        zstd: bool,
        patience: float,
    ) -> None:
        self.bytes = 0
        """Bytes sent, as they go over the wire."""
        self.warning: Callable[[], bytes] = bytes
        """Makes what a client that takes nothing is told."""
        self._connection = connection
        self._figures = figures
        self._patience = patience
        self._packing: _Packing | None = zstandard.ZstdCompressor(level=LEVEL).compressobj() if zstd else None

    async def send(self, data: bytes) -> None:
        """Sends some bytes and waits until there is room for more.

        Raises:
            SlowError: the client takes nothing.
            LeftError: it went.
        """
        if len(data) >= IN_THREAD_BYTES and self._packing is not None:
            self._write(await asyncio.to_thread(self._packed, data))
        else:
            self._write(self._packed(data))
        if not self._connection.is_full:
            # Writing gives nobody else a turn where the client is as fast as we are.
            await asyncio.sleep(0)
        else:
            await self._room()
        if self._connection.gone:
            raise LeftError

    async def end(self) -> None:
        """Closes in good order."""
        if self._packing is not None:
            self._write(self._packing.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
        await self._connection.end(self._patience)

    async def _room(self) -> None:
        warned_after = self._patience * WARNED_AFTER
        try:
            await self._connection.room(warned_after)
        except TimeoutError:
            if warning := self.warning():
                self._write(self._packed(warning))
            try:
                await self._connection.room(self._patience - warned_after)
            except TimeoutError:
                raise SlowError from None

    def _packed(self, data: bytes) -> bytes:
        if self._packing is None:
            return data
        return self._packing.compress(data) + self._packing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def _write(self, data: bytes) -> None:
        self._connection.write(data)
        self.bytes += len(data)
        self._figures.bytes += len(data)
