"""Alive and ready."""

from litestar.testing import TestClient

import booktape as bt
from booktape.service.app import Service
from booktape.service.lifecycle import Lifecycle
from tests.service.running import Running


def test_a_running_service_is_alive_and_ready(running: Running) -> None:
    assert running.get("/health") == {"status": "ok"}
    assert running.get("/ready") == {"status": "ready"}


def test_it_is_not_ready_before_it_has_loaded_nor_while_it_stops(tape: bt.Tape) -> None:
    service = Service([tape])
    with TestClient(service.litestar()) as client:
        service.lifecycle.phase = Lifecycle().phase
        loading = client.get("/ready")
        service.lifecycle.drain()
        draining = client.get("/ready")
        assert client.get("/health").status_code == 200
    assert (loading.status_code, loading.json()) == (503, {"status": "loading"})
    assert (draining.status_code, draining.json()) == (503, {"status": "draining"})


def test_a_service_told_to_stop_while_loading_never_becomes_ready() -> None:
    lifecycle = Lifecycle()
    lifecycle.drain()
    lifecycle.open()
    assert lifecycle.phase == "draining"


def test_new_streams_are_refused_while_it_stops(tape: bt.Tape) -> None:
    service = Service([tape])
    with TestClient(service.litestar()) as client:
        service.lifecycle.drain()
        refused = client.get(f"/api/v1/tapes/{tape.id}/stream")
    assert refused.status_code == 503
    assert "stopping" in refused.json()["detail"]


def test_long_work_is_given_up_while_it_stops(tape: bt.Tape) -> None:
    service = Service([tape])
    with TestClient(service.litestar()) as client:
        service.lifecycle.drain()
        refused = client.get(f"/api/v1/tapes/{tape.id}/audit")
    assert refused.status_code == 503
    assert "stopping" in refused.json()["detail"]
