"""What the gateway tells of itself."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class GatewayFigures(Collector):
    """Counts of all sessions, read when Prometheus asks."""

    def __init__(self) -> None:
        self.connections = 0
        """Clients connected now, let in or not."""
        self.sessions = 0
        """Clients that were let in and are still there."""
        self.refused = 0
        """Clients that were not let in."""
        self.slow = 0
        """Sessions cut since their client took too little."""
        self.records = 0
        """Records of tapes that sessions have gone past."""
        self.bytes = 0
        """Bytes handed to clients, as they go over the wire."""

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield GaugeMetricFamily("mbo_gateway_sessions", "Live sessions open now.", value=self.sessions)
        yield CounterMetricFamily("mbo_gateway_refused", "Clients that were not let in.", value=self.refused)
        yield CounterMetricFamily(
            "mbo_gateway_slow_clients_closed", "Live sessions cut since their client took too little.", value=self.slow
        )
        yield CounterMetricFamily(
            "mbo_gateway_records", "Records of tapes that live sessions have gone past.", value=self.records
        )
        yield CounterMetricFamily(
            "mbo_gateway_sent_bytes", "Bytes of live sessions handed to clients.", value=self.bytes
        )
