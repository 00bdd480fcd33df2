"""The application: every route with what it needs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ASGIApp
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector

from booktape import Tape
from booktape.service import problems
from booktape.service.deck import Deck
from booktape.service.descriptions import describe
from booktape.service.documentation import openapi_config, swagger_assets
from booktape.service.frontend import page
from booktape.service.health import controller as health
from booktape.service.lifecycle import Lifecycle
from booktape.service.metrics.collector import CoreCollector, ServiceCollector
from booktape.service.metrics.controller import MetricsController
from booktape.service.metrics.requests import ObservedApp, RequestMetrics
from booktape.service.parameters import DECODERS, ParameterSchemas
from booktape.service.streams import schemas as stream_schemas
from booktape.service.streams.clock import Clock, WallClock
from booktape.service.streams.controller import StreamsController
from booktape.service.streams.depth import DepthStreams
from booktape.service.streams.records import RecordStreams
from booktape.service.streams.slots import StreamSlots
from booktape.service.tapes import audit, order
from booktape.service.tapes import schemas as tape_schemas
from booktape.service.tapes.controller import TapesController
from booktape.settings import Settings


@dataclass
class Service:
    """An application that serves tapes, and the parts that outlive its requests."""

    tapes: Sequence[Tape] = ()
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=WallClock)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)

    def __post_init__(self) -> None:
        self.deck = Deck(self.tapes, cache_bytes=self.settings.cache_bytes, progress=self.lifecycle.carry_on)
        self.slots = StreamSlots(self.settings.max_streams, self.lifecycle)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(CoreCollector())
        self.registry.register(ServiceCollector(self.deck, self.slots, self.lifecycle))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def litestar(self) -> Litestar:
        """The routes."""
        heartbeat = self.settings.heartbeat_seconds
        parts = {
            "deck": self.deck,
            "lifecycle": self.lifecycle,
            "registry": self.registry,
            "record_streams": RecordStreams(self.lifecycle, self.clock, heartbeat),
            "depth_streams": DepthStreams(self.lifecycle, self.clock, heartbeat),
        }
        app = Litestar(
            route_handlers=[
                TapesController,
                StreamsController,
                health.HealthController,
                MetricsController,
                swagger_assets(),
                page(),
            ],
            dependencies={name: _given(part) for name, part in parts.items()},
            exception_handlers={Exception: problems.problem},
            middleware=[self.slots],
            on_startup=[self.lifecycle.open],
            lifespan=[self._indexing],
            openapi_config=openapi_config(),
            plugins=[ParameterSchemas()],
            type_decoders=DECODERS,
            logging_config=None,
        )
        describe(app.openapi_schema, tape_schemas, audit, order, stream_schemas, health, problems)
        return app

    @asynccontextmanager
    async def _indexing(self, _app: Litestar) -> AsyncIterator[None]:
        """Indexes the tapes while they are served already."""
        indexing = asyncio.create_task(self.deck.index())
        try:
            yield
        finally:
            indexing.cancel()
            with suppress(asyncio.CancelledError):
                await indexing

    def asgi(self) -> ASGIApp:
        """The routes, counted and logged."""
        return ObservedApp(self.litestar(), RequestMetrics(self.registry))


def _given(part: object) -> Provide:
    return Provide(lambda: part, sync_to_thread=False)
