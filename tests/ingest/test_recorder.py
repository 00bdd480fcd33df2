"""Recording from an upstream by Databento's own client: nothing is lost, nothing repeated, and gaps are told."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import booktape as bt
from booktape.ingest import Event, Recorder, RefusedError, SessionError, Subscription, Upstream, open_or_create
from tests.ingest.upstream import KEY, Fault, Upstream as Server, records_of

EVERYTHING = Subscription("GLBX.MDP3", start=0)


class Recording:
    """A recorder of a server, with what it told."""

    def __init__(
        self,
        store: bt.Store,
        server: Server,
        subscription: Subscription = EVERYTHING,
        key: str = KEY,
        **options: Any,
    ) -> None:
        self.events: list[Event] = []
        self.recorder = Recorder(
            open_or_create(store, "feed", "GLBX.MDP3"),
            subscription,
            Upstream(key, "127.0.0.1", server.port),
            pause=lambda _: None,
            tell=self.events.append,
            **{"once": True, **options},
        )

    def run(self) -> bt.Tape:
        self.recorder.run()
        return self.recorder.tape.tape()

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture
def store(tmp_path: Path) -> bt.Store:
    return bt.Store(tmp_path / "data")


@pytest.fixture(scope="module")
def source() -> np.ndarray:
    """Records of a minute and more, in order."""
    return bt.synthesize(messages=20_000, instruments=3, seed=4).to_numpy()


def test_a_session_is_recorded_byte_for_byte(store: bt.Store, source: np.ndarray) -> None:
    with Server(source) as server:
        recording = Recording(store, server)
        tape = recording.run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []
    assert tape.other_records == {}
    progress = recording.recorder.progress
    assert (progress.records, progress.repeated, progress.gaps, progress.sessions) == (20_000, 0, 0, 1)
    assert recording.kinds == ["closed"]


def test_connections_that_are_reset_a_hundred_times_leave_the_source(store: bt.Store, clx5: Path) -> None:
    source = bt.open(clx5).to_numpy()
    dice = random.Random(6)
    faults = deque(Fault(dice.randrange(1, 80_000)) for _ in range(100))
    with Server(source, faults) as server:
        recording = Recording(store, server, patient=True)
        tape = recording.run()
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []
    assert recording.recorder.progress.sessions == 101
    assert recording.recorder.progress.repeated > 1_000


def test_resets_within_a_snapshot_leave_the_source_too(store: bt.Store, esm4: Path) -> None:
    source = bt.open(esm4).to_numpy()
    dice = random.Random(7)
    faults = deque(Fault(dice.randrange(1, 2 * source.nbytes)) for _ in range(12))
    with Server(source, faults) as server:
        recording = Recording(store, server, patient=True, once=False)
        tape = _until(recording, len(source), server)
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []


def _until(recording: Recording, records: int, server: Server) -> bt.Tape:
    """Records until no fault is left and all are there."""

    def pause(_: float) -> None:
        if not server.faults and len(recording.recorder.tape) == records:
            recording.recorder.stop()

    recording.recorder._pause = pause
    return recording.run()
