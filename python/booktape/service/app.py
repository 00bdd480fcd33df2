"""The application: every route with what it needs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ASGIApp, Scope
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from booktape import BooktapeError, LiveTape, Store, Tape
from booktape.keys import KeyRing
from booktape.service import problems
from booktape.service.access.gate import NEEDS, OPEN, Gate
from booktape.service.access.hosts import Hosts
from booktape.service.access.limits import RequestLimits
from booktape.service.deck import Deck
from booktape.service.derive import schemas as derive_schemas
from booktape.service.derive.controller import DeriveController
from booktape.service.descriptions import describe
from booktape.service.documentation import openapi_config, swagger_assets
from booktape.service.downloads import Downloads
from booktape.service.edge import Edge
from booktape.service.examples import exemplify
from booktape.service.export.controller import ExportController
from booktape.service.fetches import schemas as fetch_schemas
from booktape.service.fetches.controller import FetchesController
from booktape.service.fetches.fetches import Fetches
from booktape.service.frontend import index_page, page
from booktape.service.headers import cors, security_headers
from booktape.service.health import controller as health
from booktape.service.library import Library
from booktape.service.lifecycle import Lifecycle
from booktape.service.metrics.collector import CoreCollector, ServiceCollector
from booktape.service.metrics.controller import MetricsController
from booktape.service.metrics.heads import Heads
from booktape.service.metrics.probes import Probes, StreamLag
from booktape.service.metrics.requests import RequestMetrics
from booktape.service.parameters.kinds import DECODERS, ParameterSchemas
from booktape.service.replays import schemas as replay_schemas
from booktape.service.replays.controller import ReplaysController
from booktape.service.replays.stage import Stage
from booktape.service.store import schemas as store_schemas
from booktape.service.store.controller import StoreController
from booktape.service.store.handle import StoreHandle
from booktape.service.store.metrics import StoreCollector
from booktape.service.streams import schemas as stream_schemas
from booktape.service.streams.client import Client, Traffic, client_of
from booktape.service.streams.clock import Clock, WallClock
from booktape.service.streams.controller import StreamsController
from booktape.service.streams.depth import DepthStreams
from booktape.service.streams.frames import FrameStore
from booktape.service.streams.lead import Leads
from booktape.service.streams.records import RecordStreams
from booktape.service.streams.slots import EXPORTS, StreamSlots
from booktape.service.tapes import audit, changes, order
from booktape.service.tapes import schemas as tape_schemas
from booktape.service.tapes.controller import TapesController
from booktape.service.tracing import span
from booktape.settings import Settings

Companion: TypeAlias = Callable[["Service"], AbstractAsyncContextManager[object]]
"""What runs beside the routes for as long as they are served: entered once tapes are being loaded."""


@dataclass
class Service:
    """An application that serves tapes, and the parts that outlive its requests."""

    tapes: Iterable[Tape | LiveTape] = ()
    """Tapes to serve: taken in a thread once the service listens, so that opening them may take its time."""
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=WallClock)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    loops: bool = True
    """Whether the tapes' own replays begin again at the end."""
    store: Store | None = None
    """Where the tapes are stored in the background; whoever opened it closes it."""
    beside: Sequence[Companion] = ()
    """What else goes by the same tapes and replays."""

    def __post_init__(self) -> None:
        settings = self.settings
        self.deck = Deck(self.lifecycle)
        self.traffic = Traffic()
        self.frames = FrameStore(settings.cache_bytes)
        self.stage = Stage(
            self.lifecycle,
            self.clock,
            limit=settings.max_replays,
            when_unwatched=settings.replay_when_unwatched,
            grace=settings.replay_grace_seconds,
        )
        self.library = Library(
            self.deck, self.stage, self.store, settings, self.lifecycle, self.clock, loops=self.loops
        )
        self.fetches = Fetches(self.library, self.lifecycle, settings)
        self.keys = KeyRing.of(settings.api_keys, settings.api_keys_file)
        self.limits = RequestLimits(settings.max_requests_per_second, self.clock)
        each = settings.max_streams_per_caller
        self.slots = StreamSlots(settings.max_streams, self.lifecycle, each=each, on_use=self._give_way)
        self.exports = StreamSlots(settings.max_exports, self.lifecycle, EXPORTS, each=each)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(CoreCollector())
        self.heads = Heads(self.deck, self.clock)
        self.lag = StreamLag()
        self.probes = Probes(queues={"work": lambda: self.deck.waiting})
        ours = ServiceCollector(
            self.deck, self.slots, self.exports, self.traffic, self.frames, self.lifecycle, settings.revision
        )
        for collector in (ours, self.heads, self.lag, self.probes, StoreCollector(self.store)):
            self.registry.register(collector)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def litestar(self) -> Litestar:
        """The routes."""
        settings, heartbeat = self.settings, self.settings.heartbeat_seconds
        hosts = Hosts([settings.host, *settings.allowed_hosts], settings.cors_origins)
        parts = {
            "deck": self.deck,
            "downloads": Downloads(self.lifecycle),
            "fetches": self.fetches,
            "library": self.library,
            "lifecycle": self.lifecycle,
            "settings": settings,
            "registry": self.registry,
            "heads": self.heads,
            "stage": self.stage,
            "store": StoreHandle(self.store),
            "leads": Leads(self.clock, self.lifecycle.closing, heartbeat),
            "record_streams": RecordStreams(self.lifecycle, self.clock, heartbeat, self.frames, self.lag, self.traffic),
            "depth_streams": DepthStreams(self.lifecycle, self.clock, heartbeat),
        }
        app = Litestar(
            route_handlers=[
                TapesController,
                FetchesController,
                StreamsController,
                ReplaysController,
                ExportController,
                DeriveController,
                StoreController,
                health.HealthController,
                Router("/", route_handlers=[MetricsController], opt={NEEDS: OPEN} if settings.metrics_open else {}),
                swagger_assets(),
                page(),
            ],
            dependencies={name: given(part) for name, part in parts.items()}
            | {"client": Provide(_client, sync_to_thread=False)},
            exception_handlers={Exception: problems.problem},
            middleware=[Gate(self.keys, hosts, self.limits), self.slots, self.exports],
            lifespan=[lambda _app: self._served()],
            request_max_body_size=settings.max_body_bytes,
            cors_config=cors(settings),
            openapi_config=openapi_config(),
            plugins=[ParameterSchemas()],
            type_decoders=DECODERS,
            logging_config=None,
        )
        described = (tape_schemas, changes, audit, order, stream_schemas, replay_schemas, derive_schemas, store_schemas)
        describe(app.openapi_schema, *described, fetch_schemas, health, problems)
        exemplify(app.openapi_schema)
        return app

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads and indexes the tapes while requests are answered already."""
        heartbeat = self.settings.heartbeat_seconds
        pulse = asyncio.create_task(self.lifecycle.pulse.run(min(1.0, heartbeat / 5)))
        tasks = [pulse, asyncio.create_task(self._load()), asyncio.create_task(self.library.retain())]
        try:
            async with AsyncExitStack() as beside:
                for companion in self.beside:
                    await beside.enter_async_context(companion(self))
                yield
                self.lifecycle.drain()
        finally:
            self.lifecycle.drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.fetches.close()
            await self.stage.close()
            self.library.close()
            self.clock.close()

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[None]:
        """The same; whoever started the service is told of what cannot begin, as of a tape that cannot be opened."""
        async with AsyncExitStack() as running:
            try:
                await running.enter_async_context(self.running())
            except (BooktapeError, OSError) as failure:
                self.lifecycle.fail(failure)
            yield

    async def _load(self) -> None:
        tapes = iter(self.tapes)
        try:
            while (tape := await self._next(tapes)) is not None:
                self.library.put(tape)
        except Exception as failure:  # noqa: BLE001 - whoever started the service is told, whatever it is
            self.lifecycle.fail(failure)
            return
        self.lifecycle.open()
        await self.deck.index()

    def _give_way(self, whether: bool) -> None:
        """Whether there are streams, for which the store can wait."""
        if self.store is not None:
            self.store.give_way(whether)

    async def _next(self, tapes: Iterator[Tape | LiveTape]) -> Tape | LiveTape | None:
        with span("tape.load"):
            return await asyncio.to_thread(next, tapes, None)

    def asgi(self) -> ASGIApp:
        """The routes, with what is done for every request."""
        return Edge(self.litestar(), RequestMetrics(self.registry), security_headers(index_page()))


def _client(scope: Scope) -> Client:
    return client_of(scope)


def given(part: object) -> Provide:
    """A part for handlers that ask for it."""
    return Provide(lambda: part, sync_to_thread=False)
