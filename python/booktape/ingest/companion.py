"""Live recording inside the service: tapes that grow while they are served."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from booktape.errors import BooktapeError
from booktape.ingest.keeper import Event, Recorder, open_or_create

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from prometheus_client import Metric

    from booktape.ingest.subscription import Subscription, Upstream
    from booktape.service.app import Companion, Service

log = structlog.get_logger(__name__)

_GRACE_SECONDS = 5.0
"""For a connection that is being made to be given up."""


@dataclass(eq=False)
class Recordings(Collector):
    """What is recorded, in figures."""

    recorders: Sequence[Recorder]

    def collect(self) -> Iterator[Metric]:
        """The families."""
        counters = {
            "records": ("mbo_ingest_records", "MBO records recorded from an upstream."),
            "repeated": ("mbo_ingest_repeated_records", "Records that came again, and were recognised."),
            "gaps": ("mbo_ingest_gaps", "Gaps that an upstream could not fill."),
            "corrupt": ("mbo_ingest_corrupt_sessions", "Sessions ended by something that is no record."),
            "silent": ("mbo_ingest_silent_sessions", "Sessions ended since nothing came, not even heartbeats."),
        }
        seen = [(recorder.tape.id, recorder.progress) for recorder in self.recorders]
        for field, (name, text) in counters.items():
            family = CounterMetricFamily(name, text, labels=["tape"])
            for tape, progress in seen:
                family.add_metric([tape], getattr(progress, field))
            yield family
        reconnects = CounterMetricFamily("mbo_ingest_reconnects", "Sessions after the first.", labels=["tape"])
        silence = GaugeMetricFamily(
            "mbo_ingest_silence_seconds", "Since a record or a heartbeat came.", labels=["tape"]
        )
        for tape, progress in seen:
            reconnects.add_metric([tape], max(0, progress.sessions - 1))
            if progress.silence is not None:
                silence.add_metric([tape], progress.silence)
        yield reconnects
        yield silence


def recording(subscriptions: Sequence[Subscription], upstream: Upstream) -> Companion:
    """What `Service.beside` takes in order to record: each subscription is a tape of the store, which is served."""

    @asynccontextmanager
    async def beside(service: Service) -> AsyncIterator[None]:
        store = service.library.store
        recorders = []
        for subscription in subscriptions:
            begin = partial(open_or_create, store, subscription.name, subscription.dataset)
            tape = await asyncio.to_thread(begin)
            tell = partial(_log, tape.id)
            recorders.append(Recorder(tape, subscription, upstream, patient=True, tell=tell))
        figures = Recordings(recorders)
        service.registry.register(figures)
        threads = []
        for recorder in recorders:
            tape = recorder.tape
            service.library.put(tape)
            service.probes.ingest[tape.id] = partial(_lag, recorder)
            # Of its own: a connection that is being made must not hold up the end of the process.
            thread = threading.Thread(target=_record, args=(recorder,), name="booktape-record", daemon=True)
            thread.start()
            threads.append(thread)
        try:
            yield
        finally:
            for recorder in recorders:
                recorder.stop()
                service.probes.ingest.pop(recorder.tape.id, None)
            for thread in threads:
                await asyncio.to_thread(thread.join, _GRACE_SECONDS)
            service.registry.unregister(figures)

    return beside


def _lag(recorder: Recorder) -> float:
    return recorder.progress.lag


def _record(recorder: Recorder) -> None:
    try:
        recorder.run()
    except BooktapeError as why:
        log.error("recording_ended", tape=recorder.tape.id, why=str(why))  # noqa: TRY400 - the reason says it all


def _log(tape: str, event: Event) -> None:
    tell = log.info if event.kind == "closed" else log.warning
    tell(f"recording_{event.kind}", tape=tape, why=event.text)
