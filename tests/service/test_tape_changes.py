"""Tapes come and go while the service runs, and what the data folder has is there again after a restart."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import booktape as bt
from booktape.service import library
from booktape.service.tapes import changes
from booktape.settings import Settings
from tests.service.running import Running, events, raw_connection, read_to_end, read_until, serving

UPLOAD = {"content-type": "application/octet-stream"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def empty(folder: Path, tmp_path: Path) -> Iterator[Running]:
    """A service with a store and nothing in it."""
    (tmp_path / "inbox").mkdir()
    settings = Settings(data_dir=folder, allowed_dirs=(tmp_path / "inbox",), max_upload_bytes=10_000_000)
    with bt.Store(folder, background=True) as store, serving(settings=settings, store=store) as running:
        yield running


def post(running: Running, **request: Any) -> Any:
    with running.client() as client:
        return client.post("/api/v1/tapes", **request)


def files(folder: Path) -> set[str]:
    """What the folder has of tapes."""
    # `os.walk` does not mind that what it finds may be gone when it looks into it.
    found = [entry for place in ("tapes", "spool") for entry in os.walk(folder / place)]
    return {os.path.relpath(Path(at, name), folder) for at, folders, names in found for name in (*folders, *names)}


def test_an_uploaded_file_is_a_tape_after_a_restart_too(empty: Running, folder: Path, tape_file: Path) -> None:
    answer = post(empty, params={"name": "small.mbo.dbn"}, content=tape_file.read_bytes(), headers=UPLOAD)
    assert answer.status_code == 201, answer.text
    uploaded = answer.json()
    reference = bt.open(tape_file)
    assert uploaded["id"] == reference.id
    assert uploaded["records"] == len(reference)
    assert [replay["tape"] for replay in empty.get("/api/v1/replays")] == [reference.id]
    again = post(empty, params={"name": "small.mbo.dbn"}, content=tape_file.read_bytes(), headers=UPLOAD)
    assert again.json()["id"] == reference.id
    whole = empty.stream(f"/api/v1/tapes/{reference.id}/stream")
    assert empty.service.store is not None
    assert empty.service.store.flush()
    empty.stop()
    empty.service.store.close()
    with bt.Store(folder, background=True) as store:
        known = [store.open(found.id) for found in store.registered()]
        assert [tape.id for tape in known] == [reference.id]
        with serving(iter(known), store=store) as running:  # type: ignore[arg-type]
            assert running.stream(f"/api/v1/tapes/{reference.id}/stream") == whole
            assert running.get("/api/v1/store")["rows"] == len(reference)


def test_a_compressed_upload_is_the_same_records(empty: Running, tape: bt.Tape, tmp_path: Path) -> None:
    tape.to_dbn(tmp_path / "packed.dbn.zst")
    content = (tmp_path / "packed.dbn.zst").read_bytes()
    uploaded = post(empty, params={"name": "packed.dbn.zst"}, content=content, headers=UPLOAD).json()
    assert uploaded["records"] == len(tape)
    audit = empty.get(f"/api/v1/tapes/{uploaded['id']}/audit")
    assert audit == tape.audit()


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"content": b"not market data", "headers": UPLOAD, "params": {"name": "x.dbn"}}, 400, "not a DBN file"),
        ({"content": b"", "headers": UPLOAD, "params": {"name": "x.dbn"}}, 400, ""),
        ({"content": b"DBN\x03", "headers": UPLOAD}, 400, "name"),
        ({"content": b"DBN\x03", "headers": UPLOAD, "params": {"name": "../../etc/x.dbn"}}, 400, "name"),
        ({"content": b"\0" * 10_000_001, "headers": UPLOAD, "params": {"name": "x.dbn"}}, 413, "10,000,000"),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "text/plain"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, ""),
        ({"json": {}}, 400, "one of path, synthesize and fetch"),
        ({"json": {"path": "a", "synthesize": {"messages": 1}}}, 400, "one of path, synthesize and fetch"),
        ({"json": {"path": "/etc/passwd"}}, 400, "passwd"),
        ({"json": {"path": "nothing.dbn"}}, 404, "nothing.dbn"),
        ({"json": {"synthesize": {"messages": 0}}}, 400, "messages"),
        ({"json": {"file": "x"}}, 400, "file"),
        ({"json": {"path": "x" * 2_000_000}}, 413, ""),
    ],
)
def test_what_is_no_tape_is_refused_and_leaves_nothing(
    empty: Running, folder: Path, request_: dict[str, Any], status: int, says: str
) -> None:
    before = files(folder)
    refused = post(empty, **request_)
    assert refused.status_code == status, refused.text
    assert says in refused.json()["detail"]
    assert files(folder) == before
    assert empty.get("/api/v1/tapes") == []


def test_an_upload_that_breaks_off_leaves_nothing(empty: Running, folder: Path, tape_file: Path) -> None:
    data = tape_file.read_bytes()
    before = files(folder)
    host, _ = empty.url.removeprefix("http://").split(":")
    with raw_connection(empty, "/health") as connection:
        read_until(connection, b"ok")
        head = (
            f"POST /api/v1/tapes?name=x.dbn HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        connection.sendall(head.encode() + data[: len(data) // 2])
    while empty.get("/health") and files(folder) != before:
        pass
    assert empty.get("/api/v1/tapes") == []


def test_an_upload_that_stalls_is_given_up(empty: Running, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PATIENCE_SECONDS", 0.2)
    before = files(folder)
    with raw_connection(empty, "/health") as connection:
        read_until(connection, b"ok")
        connection.sendall(
            b"POST /api/v1/tapes?name=x.dbn HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\nDBN"
        )
        assert b"408" in read_until(connection, b"no more of the body came")
    assert files(folder) == before


def test_a_named_file_stays_where_it_is_when_it_is_removed(empty: Running, tmp_path: Path, tape: bt.Tape) -> None:
    path = tmp_path / "inbox" / "named.dbn"
    tape.to_dbn(path)
    found = post(empty, json={"path": "named.dbn"})
    assert found.status_code == 201, found.text
    tape_id = found.json()["id"]
    with empty.client() as client, raw_connection(empty, f"/api/v1/tapes/{tape_id}/stream?speed=0.01") as watching:
        read_until(watching, b"data: ")
        assert client.delete(f"/api/v1/tapes/{tape_id}").status_code == 204
        assert b'"reason":"removed"' in read_to_end(watching)
        assert client.delete(f"/api/v1/tapes/{tape_id}").status_code == 404
        assert client.get(f"/api/v1/tapes/{tape_id}").status_code == 404
    assert path.is_file()
    assert empty.get("/api/v1/replays") == []
    assert empty.get("/api/v1/store")["tapes"] == []


def test_a_synthetic_tape_is_made_and_kept(empty: Running, folder: Path) -> None:
    made = post(empty, json={"synthesize": {"messages": 2_000, "instruments": 2, "seed": 5}})
    assert made.status_code == 201, made.text
    assert made.json()["records"] == 2_000
    assert any(made.json()["id"] in name for name in files(folder))
    with empty.client() as client:
        assert client.delete(f"/api/v1/tapes/{made.json()['id']}").status_code == 204
    assert not any(made.json()["id"] in name for name in files(folder))


def test_without_a_store_nothing_is_uploaded(running: Running) -> None:
    refused = post(running, params={"name": "x.dbn"}, content=b"DBN", headers=UPLOAD)
    assert refused.status_code == 409
    assert "without a store" in refused.json()["detail"]


def test_a_live_tape_streams_as_it_grows_and_goes_on_after_a_restart(folder: Path, tape: bt.Tape) -> None:
    records = tape.to_numpy()
    settings = Settings(data_dir=folder)
    with bt.Store(folder, background=True) as store:
        live = store.create_live("feed", dataset="GLBX.MDP3")
        with serving(iter([live]), settings=settings, store=store) as running:  # type: ignore[arg-type]
            path = f"/api/v1/tapes/{live.id}/stream"
            with running.client() as client, client.stream("GET", path) as response:
                body, chunks = b"", response.iter_bytes()
                feeder = live.feeder(tape, records_per_second=50_000)
                while f"id: {len(tape)}\n".encode() not in body:
                    body += next(chunks)
                feeder.wait()
            rows = [row for event in events(body[: body.rfind(b"\n\n") + 2]) for row in event.data]
            assert [row[0] for row in rows] == list(range(len(rows)))
            assert [int(row[7]) for row in rows] == records["order_id"][: len(rows)].tolist()
            assert running.get(f"/api/v1/tapes/{live.id}")["records"] == len(tape)
            audit = running.get(f"/api/v1/tapes/{live.id}/audit")
            assert audit["records"] == len(tape)
            assert store.flush()
            assert running.get("/api/v1/store")["rows"] == len(tape)
        live_id = live.id
        del live, feeder
    with bt.Store(folder, background=True) as store:
        again = store.open(live_id)
        assert isinstance(again, bt.LiveTape)
        with serving(iter([again]), settings=settings, store=store) as running:  # type: ignore[arg-type]
            assert running.get(f"/api/v1/tapes/{live_id}/audit") == audit
            again.close()
            closed = running.stream(f"/api/v1/tapes/{live_id}/stream", last_event_id=len(tape) - 3)
            assert [row[0] for event in events(closed) for row in event.data] == [4_997, 4_998, 4_999]
        del again


def test_of_a_shortened_tape_what_was_dropped_is_gone_and_its_replays_go_on(folder: Path, tape: bt.Tape) -> None:
    with bt.Store(folder, background=True) as store:
        live = bt.LiveTape(store._tapes.create_live("feed", sync="segment", segment_bytes=100_000))
        with serving(iter([live]), settings=Settings(data_dir=folder), store=store) as running:  # type: ignore[arg-type]
            path, replay = f"/api/v1/tapes/{live.id}", "/api/v1/replays/replay-1"
            live.feed(tape)
            live.feed(tape)
            assert live.retain(bytes=100_000) == (0, len(tape))
            live.feed(tape)
            first = live.tape().first_index
            while running.get(path)["first_index"] != first:
                pass  # the service is about to look at the tape
            with running.client() as client:
                asked = [f"{path}/{question}" for question in ("book?at=0", "records?from=0", "derive/trades?from=0")]
                asked += [f"{path}/stream?from=0", f"{path}/depth?from=0"]
                gone = [client.get(question) for question in asked]
                gone += [client.post("/api/v1/replays", json={"start": "0"}), client.patch(replay, json={"seek": "0"})]
                assert [answer.status_code for answer in gone] == [410] * len(gone)
                made = client.post("/api/v1/replays", json={"playing": False}).json()
                assert (made["index"], made["ts_recv"]) == (first, str(live.tape().start_ns))
                assert [each["index"] for each in client.get("/api/v1/replays").json()] == [first, first]
                with client.stream("GET", f"{replay}/stream") as response:
                    body, chunks = b"", response.iter_bytes()
                    while not (record := re.search(rb"data: \[\[(\d+),", body)):
                        body += next(chunks)
                assert int(record[1]) == first
        del live


def test_serve_without_files_serves_what_the_folder_knows(folder: Path, tape_file: Path) -> None:
    def served(*files: str) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "booktape", "serve", "--port", "0", *files]
        environment = {"BOOKTAPE_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].split()[0]
            found = subprocess.run(["curl", "-s", f"{url}/api/v1/tapes"], capture_output=True, check=True)
            busy = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            assert busy.returncode != 0
            assert f"process {process.pid}" in busy.stderr
            process.terminate()
        tapes: list[dict[str, Any]] = json.loads(found.stdout)
        return tapes

    named = served(str(tape_file))
    assert served() == named


def test_old_segments_go_with_their_rows_and_are_told_to_be_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "RETENTION_SECONDS", 0.05)
    source = bt.synthesize(messages=20_000, seed=4)
    settings = Settings(data_dir=folder, retention_bytes=200_000)
    with bt.Store(folder, background=True) as store:
        live = bt.LiveTape(store._tapes.create_live("feed", segment_bytes=65_536))
        live.feed(source)
        assert store.flush()
        with serving(iter([live]), settings=settings, store=store) as running:  # type: ignore[arg-type]
            path = f"/api/v1/tapes/{live.id}"
            while not (first := running.get(path)["first_index"]):
                pass
            with running.client() as client:
                for query in ("stream?from=0", "book?at=0", "records?from=0", "depth?from=0"):
                    gone = client.get(f"{path}/{query}")
                    assert gone.status_code == 410, query
                    assert str(first) in gone.json()["detail"].replace(",", "")
            while running.get("/api/v1/store")["tapes"][0]["first_index"] != first:
                pass
            live.close()
            rows = [row for event in events(running.stream(f"{path}/stream")) for row in event.data]
            assert [row[0] for row in rows] == list(range(first, len(source)))
            assert running.get(f"{path}/book")["bids"] == bt_levels(source)
        del live


def bt_levels(tape: bt.Tape) -> list[list[Any]]:
    with serving(tape) as running:
        levels: list[list[Any]] = running.get(f"/api/v1/tapes/{tape.id}/book")["bids"]
        return levels


def test_a_tape_whose_folder_is_gone_is_served_on_and_its_removal_refused(folder: Path, tape: bt.Tape) -> None:
    with bt.Store(folder, background=True) as store:
        live = store.create_live("feed", dataset="GLBX.MDP3")
        live.feed(tape)
        with serving(iter([live]), settings=Settings(data_dir=folder), store=store) as running:  # type: ignore[arg-type]
            path = f"/api/v1/tapes/{live.id}"
            shutil.rmtree(folder / "tapes" / live.id)
            with running.client() as client:
                refused = client.delete(path)
            assert refused.status_code == 503
            assert "No such file" in refused.json()["detail"]
            assert running.get(path)["records"] == len(tape)
            assert running.get(f"{path}/records?from={len(tape) - 1}")["records"]
        del live
