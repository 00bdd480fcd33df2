"""Alive and ready."""

import threading
from collections.abc import Iterator
from pathlib import Path

from litestar.testing import TestClient

import booktape as bt
from booktape.service.app import Service
from booktape.service.lifecycle import Lifecycle
from tests.service.running import PATIENCE, Running, serving


def test_a_running_service_is_alive_and_ready(running: Running) -> None:
    assert running.get("/health") == {"status": "ok"}
    assert running.get("/ready") == {"status": "ready"}


def test_it_is_not_ready_before_it_has_loaded_nor_while_it_stops(tape: bt.Tape) -> None:
    may_load = threading.Event()

    def slowly() -> Iterator[bt.Tape]:
        may_load.wait(PATIENCE)
        yield tape

    with serving(slowly(), wait=False) as running, running.client() as client:
        loading = client.get("/ready")
        assert (loading.status_code, loading.json()) == (503, {"status": "loading"})
        assert client.get("/health").status_code == 200
        refused = client.get(f"/api/v1/tapes/{tape.id}")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "loading" in refused.json()["detail"]
        may_load.set()
        running.wait()
        assert running.get("/ready") == {"status": "ready"}
        assert running.get(f"/api/v1/tapes/{tape.id}")["records"] == len(tape)
        running.service.lifecycle.drain()
        draining = client.get("/ready")
        assert (draining.status_code, draining.json()) == (503, {"status": "draining"})


def test_a_tape_that_cannot_be_opened_ends_the_service(tmp_path: Path) -> None:
    broken = tmp_path / "broken.dbn"
    broken.write_bytes(b"not market data")
    tapes = (bt.open(path) for path in [str(broken)])
    with serving(tapes, wait=False) as running:
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()
        assert "not a DBN file" in str(running.service.lifecycle.failure)


def test_a_service_told_to_stop_while_loading_never_becomes_ready() -> None:
    lifecycle = Lifecycle()
    lifecycle.drain()
    lifecycle.open()
    assert lifecycle.phase == "draining"


def test_new_streams_are_refused_while_it_stops(tape: bt.Tape) -> None:
    service = Service([tape])
    with TestClient(service.litestar(), base_url="http://127.0.0.1") as client:
        service.lifecycle.drain()
        refused = client.get(f"/api/v1/tapes/{tape.id}/stream")
    assert refused.status_code == 503
    assert "stopping" in refused.json()["detail"]


def test_long_work_is_given_up_while_it_stops(tape: bt.Tape) -> None:
    service = Service([tape])
    with TestClient(service.litestar(), base_url="http://127.0.0.1") as client:
        service.lifecycle.drain()
        refused = client.get(f"/api/v1/tapes/{tape.id}/audit")
    assert refused.status_code == 503
    assert "stopping" in refused.json()["detail"]
