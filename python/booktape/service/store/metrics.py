"""What the store has done, read when Prometheus asks."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.registry import Collector

from booktape import Store


class StoreCollector(Collector):
    """The store's operations and how far it is behind; counted in the core. Where there is no store, names alone."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """The families."""
        store = self._store
        counts = CounterMetricFamily("mbo_db_operations", "Operations of the store, by kind.", labels=["operation"])
        durations = SummaryMetricFamily(
            "mbo_db_operation_duration_seconds", "Time that operations of the store took.", labels=["operation"]
        )
        for operation in store.operations() if store else ():
            counts.add_metric([operation.name], operation.count)
            durations.add_metric([operation.name], operation.count, operation.seconds)
        yield counts
        yield durations
        yield CounterMetricFamily("mbo_db_rows", "Rows added to the store.", value=store.rows_added if store else None)
        lag = GaugeMetricFamily(
            "mbo_db_lag_records", "Records of a tape that are not in the store yet.", labels=["tape"]
        )
        for tape in store.followed() if store else ():
            lag.add_metric([tape.id], tape.lag)
        yield lag
        yield GaugeMetricFamily(
            "mbo_db_error", "1 while the store does not get on.", value=store.error is not None if store else None
        )
