"""A service that is killed at any moment goes on from its data folder, and its clients go on where they stopped.

`BOOKTAPE_KILLS=50 pytest tests/service/test_killed.py` kills more often than the suite does.
"""

import filecmp
import io
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import databento
import httpx
import numpy as np

import booktape as bt
from booktape.service import run
from booktape.settings import Settings
from tests.database import rows
from tests.service.running import PATIENCE, events, serving

KILLS = int(os.environ.get("BOOKTAPE_KILLS", "4"))
FED = 15_000 * KILLS
"""Records of the live tape: more than come before the last kill."""
FED_PER_SECOND = 4_000
IN_FILE = 80_000 * KILLS
RECORD = 56


def head_size(dbn: bytes) -> int:
    """Bytes of the metadata that a DBN stream begins with."""
    return 8 + int.from_bytes(dbn[4:8], "little")


def serve(folder: str, fed: str, file: str, pace: str) -> None:
    """A process that serves what the data folder knows, while a live tape of it is fed: what is killed here."""
    with bt.Store(folder, background=True) as store:
        kinds = {known.kind for known in store.registered()}
        if "live" not in kinds:
            store.create_live("feed")
        if "file" not in kinds:
            store.register(file)
        tapes = [store.open(known.id) for known in store.registered()]
        [live] = [tape for tape in tapes if isinstance(tape, bt.LiveTape)]
        marks = {tape.id: tape.high_water_mark for tape in store.tapes()}
        say(json.dumps({"live": live.id, "records": len(live), "marks": marks}))
        threading.Thread(target=feed, args=(live, Path(fed).read_bytes(), int(pace) or None), daemon=True).start()
        settings = Settings(data_dir=Path(folder), port=0, log_level="error")
        run(tapes, settings=settings, store=store, on_ready=say)


def say(line: str) -> None:
    """Tells whoever has started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def feed(live: bt.LiveTape, dbn: bytes, pace: int | None) -> None:
    """Feeds what is not on the tape yet, as a source does that keeps what it has sent."""
    if not live.is_closed:
        head = head_size(dbn)
        rest = bt.open(dbn[:head] + dbn[head + RECORD * len(live) :])
        live.feeder(rest, records_per_second=pace).wait()
        live.close()


class Watcher:
    """A client that writes down what it is sent, and asks for what comes behind that when it was cut off."""

    def __init__(self, notes: Path, form: str) -> None:
        self.notes = notes
        self.form = form
        self.records = 0
        """How many of the tape it has seen."""
        self.head = b""
        self.resumed = 0
        self._left = b""

    def watch(self, url: str, tape_id: str) -> None:
        """Reads on, until the stream ends or breaks off."""
        query: dict[str, Any] = {"format": self.form}
        headers = {}
        if self.records:
            self.resumed += 1
            if self.form == "dbn":
                query["skip"] = self.records
            else:
                headers["Last-Event-ID"] = str(self.records)
        self.head, self._left = b"", b""
        request = httpx.stream("GET", f"{url}/api/v1/tapes/{tape_id}/stream", params=query, headers=headers, timeout=60)
        with suppress(httpx.TransportError), self.notes.open("ab") as notes, request as response:
            assert response.status_code == 200, response.read()
            for piece in response.iter_raw():
                for record in self._new(piece):
                    notes.write(record)
                    self.records += 1

    def _new(self, piece: bytes) -> Iterator[bytes]:
        """The records that are complete with the next bytes of the stream."""
        self._left += piece
        if self.form == "dbn":
            yield from self._of_dbn()
            return
        whole, end, self._left = self._left.rpartition(b"\n\n")
        for event in events(whole + end):
            if event.id is None:  # a goodbye
                continue
            said = event.data if self.form == "json" else [event.data]
            assert event.id == self.records + len(said)
            for record in said:
                yield json.dumps(record).encode() + b"\n"

    def _of_dbn(self) -> Iterator[bytes]:
        if not self.head:
            if len(self._left) < 8 or len(self._left) < head_size(self._left):
                return
            size = head_size(self._left)
            self.head, self._left = self._left[:size], self._left[size:]
        whole = len(self._left) // RECORD * RECORD
        records, self._left = self._left[:whole], self._left[whole:]
        for at in range(0, whole, RECORD):
            yield records[at : at + RECORD]


class Witnesses:
    """What everybody was told, which every process that comes later must know."""

    def __init__(self, folder: Path) -> None:
        self.watchers = [Watcher(folder / form, form) for form in ("full", "json", "dbn")]
        self.marks: dict[str, int] = {}
        """How far the store was, by tape."""
        self.live_ids: set[str] = set()
        self.left: list[int] = []
        """Rows that the store had not, at each start."""

    def check(self, line: str) -> str:
        """What a process has found in the folder; the id of its live tape."""
        found = json.loads(line)
        assert found["records"] >= max(watcher.records for watcher in self.watchers)
        assert all(found["marks"].get(tape, 0) >= mark for tape, mark in self.marks.items())
        self.live_ids.add(found["live"])
        self.left.append(IN_FILE + FED - sum(found["marks"].values()))
        return str(found["live"])

    def look(self, url: str) -> None:
        """Asks how far the store is, until nobody answers."""
        with suppress(httpx.TransportError), httpx.Client(timeout=PATIENCE) as client:
            while True:
                answer = client.get(f"{url}/api/v1/store")
                assert answer.status_code == 200, answer.text
                self.marks.update((tape["id"], tape["high_water_mark"]) for tape in answer.json()["tapes"])


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process that serves, and what it says."""
    command = [sys.executable, "-m", "tests.service.test_killed", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, process.stdout
        finally:
            process.kill()


def serve_until_killed(arguments: tuple[object, ...], witnesses: Witnesses, dice: random.Random) -> None:
    """One life: most are ended while clients are served, some before that."""
    with started(*arguments, FED_PER_SECOND) as (process, said), ThreadPoolExecutor() as threads:
        watching = []
        if dice.random() < 0.75:
            live_id = witnesses.check(said.readline())
            url = said.readline().strip()
            watching = [threads.submit(watcher.watch, url, live_id) for watcher in witnesses.watchers]
            watching.append(threads.submit(witnesses.look, url))
        with suppress(subprocess.TimeoutExpired):  # the moment at which it is killed
            process.wait(dice.uniform(0, 1.5))
        assert process.poll() is None
        process.kill()
        if not watching and (first := said.readline()):
            witnesses.check(first)
        for watch in watching:
            watch.result(PATIENCE)


def serve_to_the_end(arguments: tuple[object, ...], witnesses: Witnesses, source: bt.Tape, filed: bt.Tape) -> None:
    """The last life: all is fed, sent and stored."""
    with started(*arguments, 0) as (process, said), ThreadPoolExecutor() as threads:
        live_id = witnesses.check(said.readline())
        url = said.readline().strip()
        for watch in [threads.submit(watcher.watch, url, live_id) for watcher in witnesses.watchers]:
            watch.result()
        with httpx.Client(base_url=url, timeout=600) as client:
            assert client.get(f"/api/v1/tapes/{live_id}/audit").json() == source.audit()
            assert client.get(f"/api/v1/tapes/{filed.id}/audit").json() == filed.audit()
            while any(tape["lag"] for tape in client.get("/api/v1/store").json()["tapes"]):
                pass
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_killed_service_goes_on_and_so_do_its_clients(tmp_path: Path) -> None:
    fed, file, folder = tmp_path / "source.dbn", tmp_path / "filed.dbn", tmp_path / "data"
    source = bt.synthesize(messages=FED, instruments=3, seed=11)
    source.to_dbn(fed)
    bt.synthesize(messages=IN_FILE, instruments=2, seed=12).to_dbn(file)
    filed = bt.open(file)
    witnesses, dice = Witnesses(tmp_path), random.Random(5)
    for _ in range(KILLS):
        serve_until_killed((folder, fed, file), witnesses, dice)
    serve_to_the_end((folder, fed, file), witnesses, source, filed)
    full, compact, dbn = witnesses.watchers
    say(f"{KILLS} kills; rows to load at each start {witnesses.left}; resumed {full.resumed} times")
    [live_id] = witnesses.live_ids
    assert witnesses.left[-1] > 0

    with serving(source) as clean:
        for watcher in (full, compact):
            wanted = Watcher(tmp_path / f"clean-{watcher.form}", watcher.form)
            wanted.watch(clean.url, source.id)
            assert watcher.resumed
            assert watcher.records == wanted.records == FED
            assert filecmp.cmp(watcher.notes, wanted.notes, shallow=False)
    decoded = databento.DBNStore.from_bytes(io.BytesIO(dbn.head + dbn.notes.read_bytes()))
    assert np.array_equal(decoded.to_ndarray(schema="mbo"), source.to_numpy())

    with bt.Store(folder) as store, bt.Store(tmp_path / "clean") as clean_store:
        store.verify()
        assert store.status().indexed
        for stored in store.tapes():
            opened = store.open(stored.id)
            tape = opened.tape() if isinstance(opened, bt.LiveTape) else opened
            assert np.array_equal(tape.to_numpy(), (source if stored.id == live_id else filed).to_numpy())
            clean_store.load(tape)
    assert all(found == wanted for found, wanted in zip(rows(folder), rows(tmp_path / "clean"), strict=True))


if __name__ == "__main__":
    serve(*sys.argv[1:])
