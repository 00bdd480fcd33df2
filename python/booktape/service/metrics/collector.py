"""Counts that live elsewhere, in the core's atomics and the service's objects, read when Prometheus asks."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from booktape import __version__
from booktape._native import counters
from booktape.service.deck import Deck
from booktape.service.lifecycle import Lifecycle, Phase
from booktape.service.streams.client import Traffic
from booktape.service.streams.frames import FrameStore
from booktape.service.streams.slots import StreamSlots

NS = 1_000_000_000


class CoreCollector(Collector):
    """What the core has counted in this process. Nothing is counted in Python per record."""

    def collect(self) -> Iterator[Metric]:
        """The families, from one reading of the counters."""
        counted = counters()
        yield CounterMetricFamily(
            "mbo_messages_processed", "Records applied to books.", value=counted["records_applied"]
        )
        yield _by_label("mbo_messages_errors", "Anomalies met, by kind.", "kind", counted, "anomalies.")
        yield _by_label("mbo_order_book_updates", "Changes of books, by action.", "action", counted, "updates.")
        yield SummaryMetricFamily(
            "mbo_order_book_apply_duration_seconds",
            "Time spent applying records; the sum divided by the count is seconds a record.",
            count_value=counted["records_applied"],
            sum_value=counted["apply_nanos"] / NS,
        )
        yield CounterMetricFamily(
            "mbo_order_book_apply_batches", "Batches in which they were applied.", value=counted["apply_batches"]
        )
        yield CounterMetricFamily(
            "mbo_stream_framed_bytes", "Bytes of frames built for streams, each shared.", value=counted["bytes_framed"]
        )


class ServiceCollector(Collector):
    """What the service holds."""

    def __init__(
        self,
        deck: Deck,
        slots: StreamSlots,
        exports: StreamSlots,
        traffic: Traffic,
        frames: FrameStore,
        lifecycle: Lifecycle,
        revision: str | None,
    ) -> None:
        self._deck = deck
        self._frames = frames
        self._build = {"version": __version__, "revision": revision or "unknown"}
        self._slots = slots
        self._exports = exports
        self._traffic = traffic
        self._lifecycle = lifecycle

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield InfoMetricFamily("mbo_build", "The running version.", value=self._build)
        yield GaugeMetricFamily("mbo_active_connections", "Streams open now.", value=self._slots.open)
        yield GaugeMetricFamily("mbo_stream_slots", "Streams that may be open at once.", value=self._slots.limit)
        yield CounterMetricFamily("mbo_streams_refused", "Streams answered 503 or 429.", value=self._slots.refused)
        yield GaugeMetricFamily("mbo_exports", "Exports and derived rows being made.", value=self._exports.open)
        yield CounterMetricFamily("mbo_exports_refused", "Those answered 503 or 429.", value=self._exports.refused)
        yield CounterMetricFamily("mbo_slow_clients_closed", "Clients given up as too slow.", value=self._traffic.slow)
        yield CounterMetricFamily(
            "mbo_stream_sent_bytes", "Bytes of streams handed to clients.", value=self._traffic.bytes
        )
        yield GaugeMetricFamily("mbo_frame_cache_bytes", "Frames kept ready.", value=self._frames.bytes)
        ready = self._lifecycle.phase is Phase.READY
        yield GaugeMetricFamily("mbo_ready", "1 while ready, 0 while loading or stopping.", value=ready)
        tapes = GaugeMetricFamily("mbo_tape_records", "Records of each loaded tape.", labels=["tape"])
        for tape in self._deck:
            tapes.add_metric([tape.id], len(tape))
        yield tapes


def _by_label(name: str, help_text: str, label: str, counted: dict[str, int], prefix: str) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=[label])
    for key, value in sorted(counted.items()):
        if key.startswith(prefix):
            family.add_metric([key.removeprefix(prefix)], value)
    return family
