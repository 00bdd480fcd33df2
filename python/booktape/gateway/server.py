"""Listening for clients of the live protocol, and the life of each connection."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Self

import structlog

from booktape.gateway.choice import Choice
from booktape.gateway.common import Common
from booktape.gateway.connection import Connection, LeftError, SlowError
from booktape.gateway.handshake import RefusedError, refusal, shake_hands, welcome
from booktape.gateway.keys import GatewayKeys
from booktape.gateway.metrics import GatewayFigures
from booktape.gateway.options import GatewayOptions
from booktape.gateway.outlet import Outlet
from booktape.gateway.playback import Playback
from booktape.gateway.session import Session

if TYPE_CHECKING:
    import socket

    from booktape.service.app import Service

GRACE_SECONDS = 1.0
"""Time for sessions to say why they end when the gateway stops."""
UNKNOWN = 2
"""Connections for each session that may be: more are those of clients who never say who they are."""

log = structlog.get_logger(__name__)


class Gateway:
    """The live gateway of a service, while it is entered; with a listener given, a companion of a service."""

    def __init__(self, service: Service, listener: socket.socket, options: GatewayOptions | None = None) -> None:
        settings = service.settings
        options = options or GatewayOptions()
        self.figures = GatewayFigures()
        service.registry.register(self.figures)
        self._listener = listener
        self._limit = settings.gateway_sessions
        self._common = Common(
            keys=GatewayKeys(settings.gateway_keys),
            choice=Choice(service.deck, service.lifecycle, options),
            playback=Playback(options, service.stage, service.clock),
            options=options,
            figures=self.figures,
            clock=service.clock,
            lifecycle=service.lifecycle,
            patience=settings.slow_client_seconds,
        )
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._ids = itertools.count(time.time_ns() // 1_000_000)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._came), sock=self._listener)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for connection in self._connections.values():
            connection.wake.set()
        if self._connections:
            late = (await asyncio.wait(self._connections, timeout=GRACE_SECONDS))[1]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _came(self, connection: Connection) -> None:
        if len(self._connections) >= UNKNOWN * self._limit:
            connection.reset()
            return
        task = asyncio.create_task(self._serve(connection))
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)

    async def _serve(self, connection: Connection) -> None:
        """One connection, from its greeting on; whatever becomes of it is nothing to the others."""
        try:
            await self._answer(connection)
        except LeftError:
            connection.reset()
        except SlowError:
            self.figures.slow += 1
            log.info("gateway_slow_client_closed", peer=connection.peer)
            connection.reset()
        except asyncio.CancelledError:
            connection.reset()
            raise
        except Exception:
            log.exception("gateway_session_broke", peer=connection.peer)
            connection.reset()

    async def _answer(self, connection: Connection) -> None:
        common = self._common
        try:
            who = await shake_hands(connection, common.keys, common.choice)
            if self.figures.sessions >= self._limit:
                raise RefusedError(f"all {self._limit:,} sessions are taken")
        except RefusedError as why:
            self.figures.refused += 1
            log.info("gateway_refused", peer=connection.peer, why=str(why))
            connection.write(refusal(why))
            await connection.end(common.patience)
            return
        number = next(self._ids)
        outlet = Outlet(connection, self.figures, zstd=who.zstd, patience=common.patience)
        connection.write(welcome(number))
        log.info("gateway_session", id=number, peer=connection.peer, dataset=who.dataset, client=who.client[:80])
        self.figures.sessions += 1
        try:
            await Session(common, connection, outlet, who).run()
        finally:
            self.figures.sessions -= 1
            log.info("gateway_session_ended", id=number, bytes=outlet.bytes)
