"""The historical gateway on a free port, in a thread of this process, and the official client for it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import databento
import httpx
import pytest

import booktape as bt
from booktape.historical import companion
from booktape.service.app import Service
from booktape.settings import Settings

KEY = "db-0123456789abcdefghijklmnopqrs"
PATIENCE = 60
"""Seconds after which a test that waits for an event gives up."""


@dataclass
class Gateway:
    """A gateway that answers."""

    url: str
    authority: Path | None
    service: Service

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def http(self, *, key: str | None = KEY) -> httpx.Client:
        """Any other client."""
        trusted = ssl.create_default_context(cafile=None if self.authority is None else str(self.authority))
        return httpx.Client(
            base_url=self.url, verify=trusted, timeout=PATIENCE, auth=None if key is None else (key, "")
        )

    def client(self, key: str = KEY) -> databento.Historical:
        """The official client, unmodified."""
        return databento.Historical(key, gateway=self.url)


@contextmanager
def gateway(*tapes: bt.Tape, settings: Settings, http: bool = False) -> Iterator[Gateway]:
    """Serves tapes until the block ends; clients of this process trust it for as long."""
    loop, ready, told = asyncio.new_event_loop(), threading.Event(), []
    beside = companion(0, http=http, on_ready=lambda url, authority: told.append((url, authority)))
    service = Service(tapes, settings, beside=[beside])
    stop = asyncio.Event()

    async def serve() -> None:
        async with service.running():
            await service.lifecycle.loaded.wait()
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        url, authority = told[0]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REQUESTS_CA_BUNDLE", str(authority))
            yield Gateway(url, authority, service)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        assert not thread.is_alive()
        loop.close()
