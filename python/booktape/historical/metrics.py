"""What the gateway tells of itself, beside what is counted of its requests."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from booktape.service.downloads import Downloads


@dataclass(eq=False)
class DownloadFigures(Collector):
    """The answers under way, counted when Prometheus asks."""

    downloads: Downloads

    def collect(self) -> Iterator[Metric]:
        """The family."""
        yield GaugeMetricFamily(
            "mbo_historical_downloads",
            "Answers of the historical gateway being made or sent.",
            value=self.downloads.open,
        )
