"""The route that Prometheus reads."""

from litestar import Controller, MediaType, Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from booktape.service.metrics.heads import Heads
from booktape.service.problems import responses


class MetricsController(Controller):
    """Metrics."""

    tags = ("metrics",)

    @get(
        "/metrics",
        summary="Metrics for Prometheus",
        operation_id="getMetrics",
        media_type=MediaType.TEXT,
        responses=responses(),
    )
    async def metrics(
        self, registry: NamedDependency[CollectorRegistry], heads: NamedDependency[Heads]
    ) -> Response[bytes]:
        """Counters of the core and the service in Prometheus' text format."""
        await heads.look()
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
