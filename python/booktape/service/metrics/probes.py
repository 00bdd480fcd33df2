"""Figures that parts of the service keep themselves, asked for when Prometheus asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakSet

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from booktape.values import Format

FORMATS: tuple[Format, ...] = ("json", "full", "dbn")


class Behind(Protocol):
    """Something that follows a tape."""

    @property
    def behind(self) -> int:
        """Records it may be sent and was not yet."""


class StreamLag(Collector):
    """How far the slowest stream of each format is behind what it may be sent.

    >>> class Stream:
    ...     behind = 7
    >>> lag, stream = StreamLag(), Stream()
    >>> lag.watch("json", stream)
    >>> [(sample.labels["format"], sample.value) for family in lag.collect() for sample in family.samples]
    [('json', 7), ('full', 0), ('dbn', 0)]
    """

    def __init__(self) -> None:
        self._open: dict[Format, WeakSet[Behind]] = {form: WeakSet() for form in FORMATS}

    def watch(self, form: Format, stream: Behind) -> None:
        """Asks a stream how far it is behind for as long as there is the stream."""
        self._open[form].add(stream)

    def collect(self) -> Iterator[Metric]:
        """The family."""
        lag = GaugeMetricFamily(
            "mbo_stream_lag_records",
            "Records that the slowest open stream of a format may be sent and was not yet.",
            labels=["format"],
        )
        for form, streams in self._open.items():
            lag.add_metric([form], max((stream.behind for stream in streams), default=0))
        yield lag


@dataclass(eq=False)
class Probes(Collector):
    """What to ask; whoever has a figure puts it in here, and takes it out with what it tells of."""

    queues: dict[str, Callable[[], int]] = field(default_factory=dict)
    """What waits, by the name of the queue."""
    ingest: dict[str, Callable[[], float]] = field(default_factory=dict)
    """By tape, the seconds from a record's arrival until it can be read."""

    def collect(self) -> Iterator[Metric]:
        """The families."""
        queues = GaugeMetricFamily("mbo_queue_depth", "What waits, by queue.", labels=["queue"])
        for name, depth in self.queues.items():
            queues.add_metric([name], depth())
        yield queues
        ingest = GaugeMetricFamily(
            "mbo_ingest_lag_seconds",
            "From the arrival of a live record until it can be read.",
            labels=["tape"],
        )
        for tape, seconds in self.ingest.items():
            ingest.add_metric([tape], seconds())
        yield ingest
