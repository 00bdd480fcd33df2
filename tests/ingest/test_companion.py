"""Recording inside the service: tapes grow while they are served, and what happened is told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pytest

import booktape as bt
from booktape.ingest import Subscription
from booktape.ingest import Upstream as Asked
from booktape.ingest.companion import recording
from tests.ingest.upstream import KEY, Fault, Upstream
from tests.service.running import serving

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


@pytest.fixture(scope="module")
def source() -> np.ndarray:
    return bt.synthesize(messages=20_000, instruments=3, seed=4).to_numpy()


def test_a_recording_is_served_and_its_gaps_are_told(tmp_path: Path, source: np.ndarray) -> None:
    later = int(source["ts_event"][12_000])
    rest = source[source["ts_event"] >= later]
    records = 5_000 + len(rest)
    faults = deque([Fault(0), Fault(56 * 5_000, closes=True, forgets=later)])
    subscription = Subscription("GLBX.MDP3", ("A",), start=0)
    with bt.Store(tmp_path / "data", background=True) as store:
        with Upstream(source, faults, live_from=later, stalls_after=rest.nbytes) as server:
            beside = [recording([subscription], Asked(KEY, "127.0.0.1", server.port))]
            with serving(store=store, beside=beside) as running:
                running.grows_to(records)
                [tape] = running.get("/api/v1/tapes")
                audit = running.get(f"/api/v1/tapes/{tape['id']}/audit")
                counted = {
                    name: running.metric(f"mbo_ingest_{name}", tape=tape["id"])
                    for name in ("records_total", "gaps_total", "reconnects_total", "lag_seconds", "silence_seconds")
                }
                assert store.flush()
        [stored] = store.tapes()
    assert tape["name"] == "GLBX.MDP3-A"
    [gap] = tape["gaps"]
    assert (gap["index"], gap["publisher_id"], gap["instrument_id"]) == (5_000, None, None)
    assert (gap["start"], gap["end"]) == (str(source["ts_recv"][4_999]), str(rest["ts_recv"][0]))
    assert {book["suspect"] for book in audit["books"]} == {
        "records before record 5000 are missing, and no snapshot has come since"
    }
    assert counted["records_total"] == records
    assert counted["gaps_total"] == 1
    assert counted["reconnects_total"] >= 2
    assert counted["lag_seconds"] == 0
    assert counted["silence_seconds"] >= 0
    assert stored.rows == records


def test_a_key_that_is_refused_ends_the_recording_and_not_the_service(tmp_path: Path, source: np.ndarray) -> None:
    with bt.Store(tmp_path / "data", background=True) as store, Upstream(source, keys=()) as server:
        beside = [recording([Subscription("GLBX.MDP3")], Asked(KEY, "127.0.0.1", server.port))]
        with serving(store=store, beside=beside) as running:
            [tape] = running.get("/api/v1/tapes")
            assert (tape["records"], tape["growing"]) == (0, True)
            assert running.metric("mbo_ready") == 1
