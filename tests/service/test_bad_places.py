"""A disk that is full and a database that somebody else holds: it is said, all else is served, and made up for."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import booktape as bt
from booktape.settings import Settings
from tests.service.running import PATIENCE, Running, events, serving
from tests.small_disk import small_disk

PIECE = 7_001
"""Bytes of an append, which end within a record."""


@pytest.fixture(scope="module")
def source() -> bt.Tape:
    return bt.synthesize(messages=120_000, instruments=2, seed=21)


@pytest.fixture(scope="module")
def dbn(source: bt.Tape, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("source") / "source.dbn"
    source.to_dbn(path)
    return path.read_bytes()


@contextmanager
def growing(folder: Path) -> Iterator[tuple[Running, bt.Store, bt.LiveTape]]:
    """A service with a live tape."""
    settings = Settings(data_dir=folder)
    with bt.Store(folder, background=True) as store:
        live = store.create_live("feed")
        with serving(iter([live]), settings=settings, store=store) as running:  # type: ignore[arg-type]
            yield running, store, live
        del live


def upload(running: Running, content: bytes) -> httpx.Response:
    kind = {"content-type": "application/octet-stream"}
    with running.client() as client:
        return client.post("/api/v1/tapes", params={"name": "small.dbn"}, content=content, headers=kind)


def rows_of(body: bytes) -> list[Any]:
    return [row for event in events(body) for row in event.data]


def fill(live: bt.LiveTape, dbn: bytes) -> int:
    """Appends until the disk is full; how many bytes there was room for."""
    for at in range(0, len(dbn), PIECE):
        try:
            live.append(dbn[at : at + PIECE])
        except bt.InputError:
            return at
    raise AssertionError("there was room for all of it")


def shows_all(running: Running, live: bt.LiveTape) -> None:
    """Waits until the service has seen how far the tape has come."""
    while running.get(f"/api/v1/tapes/{live.id}")["records"] < len(live):
        pass


def test_a_full_disk_costs_nothing_that_was_shown_and_is_made_up_for(
    tmp_path: Path, source: bt.Tape, dbn: bytes, tape: bt.Tape, tape_file: Path
) -> None:
    with small_disk(tmp_path, megabytes=48) as disk, ThreadPoolExecutor() as threads:
        folder, ballast = disk / "data", disk / "ballast"
        with growing(folder) as (running, store, live):
            path = f"/api/v1/tapes/{live.id}"
            ballast.write_bytes(bytes(49_000_000))
            watched = threads.submit(running.stream, f"{path}/stream")
            at = fill(live, dbn)
            with pytest.raises(bt.InputError, match="No space left"):
                live.append(dbn[at : at + PIECE])
            shown = len(live)
            assert shown
            shows_all(running, live)

            before = set(folder.rglob("*"))
            refused = upload(running, tape_file.read_bytes())
            assert refused.status_code == 507, refused.text
            assert "No space left on device" in refused.json()["detail"]
            assert str(disk) not in refused.text
            assert set(folder.rglob("*")) == before
            made = {"synthesize": {"messages": 100_000, "seed": 1}}
            with running.client() as client:
                assert client.post("/api/v1/tapes", json=made).status_code == 507
            assert running.get("/ready")
            assert running.get(f"{path}/audit")["records"] == shown
            while (state := running.get("/api/v1/store"))["error"] is None:
                pass
            assert "the disk is full" in state["error"]
            assert str(disk) not in state["error"]
            assert running.metric("mbo_db_error") == 1

            ballast.unlink()
            while at < len(dbn) // 2:
                live.append(dbn[at : at + PIECE])
                at += PIECE
            live.close()
            rows = rows_of(watched.result(PATIENCE))
            assert len(rows) == len(live) > shown
            assert [row[0] for row in rows] == list(range(len(live)))
            assert [int(row[7]) for row in rows] == source.to_numpy()["order_id"][: len(live)].tolist()
            assert upload(running, tape_file.read_bytes()).status_code == 201
            assert store.flush(PATIENCE)
            assert store.error is None
            store.verify()
            stored = running.get("/api/v1/store")
            assert [each["high_water_mark"] for each in stored["tapes"]] == [len(live), len(tape)]
            assert running.metric("mbo_db_error") == 0


HOLD = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as connection:
    connection.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another process that is about to write to a database."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()


def test_a_database_that_somebody_else_holds_is_behind_until_it_is_free(
    tmp_path: Path, source: bt.Tape, dbn: bytes, tape: bt.Tape, tape_file: Path
) -> None:
    with growing(tmp_path) as (running, store, live):
        live.append(dbn[: len(dbn) // 2])
        assert store.flush(PATIENCE)
        before = len(live)
        with held(tmp_path / "booktape.db"):
            live.append(dbn[len(dbn) // 2 :])
            assert len(live) == len(source)
            uploaded = upload(running, tape_file.read_bytes())
            assert uploaded.status_code == 201
            shows_all(running, live)
            assert running.get(f"/api/v1/tapes/{live.id}/audit") == source.audit()
            while (state := running.get("/api/v1/store"))["error"] is None:
                pass
            assert "another program holds the database locked" in state["error"]
            assert str(tmp_path) not in state["error"]
            assert state["tapes"][0]["lag"] == len(live) - before
            assert running.metric("mbo_db_error") == 1
            assert len(running.get("/api/v1/store/messages", limit=10)["messages"]) == 10
        assert store.flush(PATIENCE)
        assert store.error is None
        assert [each["high_water_mark"] for each in running.get("/api/v1/store")["tapes"]] == [len(source), len(tape)]
        assert running.metric("mbo_db_lag_records", tape=live.id) == 0
        orders = store.sql("SELECT order_id FROM mbo_messages WHERE id >> 40 = 1 ORDER BY id").rows
        assert np.array_equal([order for (order,) in orders], source.to_numpy()["order_id"][: len(orders)])


def test_a_tape_is_removed_with_its_rows_or_not_at_all(tmp_path: Path, tape: bt.Tape, tape_file: Path) -> None:
    with growing(tmp_path) as (running, store, _):
        tape_id = upload(running, tape_file.read_bytes()).json()["id"]
        assert store.flush(PATIENCE)
        with running.client() as client:
            with held(tmp_path / "booktape.db"):
                refused = client.delete(f"/api/v1/tapes/{tape_id}")
                assert refused.status_code == 503, refused.text
                assert "another program holds the database locked" in refused.json()["detail"]
                assert str(tmp_path) not in refused.text
                assert running.get(f"/api/v1/tapes/{tape_id}/audit") == tape.audit()
            assert client.delete(f"/api/v1/tapes/{tape_id}").status_code == 204
            assert client.get(f"/api/v1/tapes/{tape_id}").status_code == 404
        assert tape_id not in [known.id for known in store.registered()]
        assert tape_id not in [stored.id for stored in store.tapes()]
    with sqlite3.connect(tmp_path / "booktape.db") as connection:
        assert connection.execute("SELECT count(*) FROM mbo_messages").fetchone() == (0,)


def test_a_live_tape_without_records_that_cannot_be_removed_is_served_on(tmp_path: Path) -> None:
    with growing(tmp_path) as (running, store, live), running.client() as client:
        with held(tmp_path / "booktape.db"):
            assert client.delete(f"/api/v1/tapes/{live.id}").status_code == 503
        assert live.is_closed
        # It is still known for a live one, and so for one that takes no more.
        assert running.get(f"/api/v1/tapes/{live.id}")["growing"] is False
        assert store.flush(PATIENCE)
        assert client.delete(f"/api/v1/tapes/{live.id}").status_code == 204
        assert store.registered() == []
