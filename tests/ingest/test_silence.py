"""An upstream that is still connected and says nothing any more: noticed, told, and gone on from without loss."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import booktape as bt
from booktape.ingest import Event, Recorder, Subscription, Upstream, open_or_create
from booktape.ingest.companion import recording
from tests.breaking import breaking
from tests.gateway.running import gateway
from tests.ingest.upstream import KEY, records_of
from tests.service.running import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SILENCE = 0.5
"""Seconds, which a heartbeat takes longer than: what is stalled is noticed soon."""
STALLS = [200_000, 200, 400_000]
"""Bytes after which connections bring nothing more, the last first: among records, or before there was any."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[bt.Store]:
    with bt.Store(tmp_path / "data", background=True) as store:
        yield store


@pytest.fixture(scope="module")
def source() -> bt.Tape:
    return bt.synthesize(messages=20_000, instruments=3, seed=4)


def upstream(port: int) -> Upstream:
    return Upstream(KEY, "127.0.0.1", port, longest_silence=SILENCE)


def test_a_silent_upstream_is_left_and_nothing_is_lost(store: bt.Store, source: bt.Tape) -> None:
    events: list[Event] = []
    with gateway(source) as running, breaking(running.port) as proxy:
        proxy.stalled, proxy.budgets = threading.Event(), list(STALLS)
        recorder = Recorder(
            open_or_create(store, "feed", "GLBX.MDP3"),
            Subscription("GLBX.MDP3", start=0),
            upstream(proxy.port),
            once=True,
            patient=True,
            pause=lambda _: None,
            tell=events.append,
        )
        recorder.run()
        assert not proxy.budgets
    tape = recorder.tape.tape()
    assert records_of(tape) == records_of(source)
    assert tape.gaps == []
    told = [event.text for event in events if event.kind == "silent"]
    assert set(told) == {"nothing came for 0.5 seconds, not even a heartbeat"}
    progress = recorder.progress
    assert progress.silent == len(told) >= len(STALLS)
    assert progress.sessions >= 1 + len(STALLS)
    assert [event.kind for event in events if event.kind not in {"silent", "lost"}] == ["closed"]


def test_silence_is_counted_and_the_service_goes_on_with_the_tape(store: bt.Store, source: bt.Tape) -> None:
    with gateway(source) as running, breaking(running.port) as proxy:
        proxy.stalled, proxy.budgets = threading.Event(), [300_000]
        beside = [recording([Subscription("GLBX.MDP3", start=0)], upstream(proxy.port))]
        with serving(store=store, beside=beside) as service:
            [tape] = service.service.deck
            service.grows_to(len(source))
            assert service.metric("mbo_ingest_silent_sessions_total", tape=tape.id) >= 1
            assert service.metric("mbo_ingest_reconnects_total", tape=tape.id) >= 1
            assert service.metric("mbo_ingest_gaps_total", tape=tape.id) == 0
            assert records_of(tape.tape) == records_of(source)
