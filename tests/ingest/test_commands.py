"""`booktape record` and `booktape serve --live`, as processes: killed, stopped, told no."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.terminal import on_a_terminal
from tests.ingest.upstream import KEY, Fault, Upstream, records_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

PATIENCE = 60


@pytest.fixture(scope="module")
def source() -> np.ndarray:
    return bt.synthesize(messages=20_000, instruments=3, seed=4).to_numpy()


def _record(folder: Path, server: Upstream, *more: str, key: str = KEY) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "booktape", "record", "--dataset", "GLBX.MDP3", "--start", "0", "--name", "feed"]
    return subprocess.Popen(
        [*command, "--upstream", f"127.0.0.1:{server.port}", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"BOOKTAPE_DATA_DIR": str(folder), "DATABENTO_API_KEY": key},
    )


def _tape(folder: Path) -> bt.Tape:
    with bt.Store(folder) as store:
        [known] = store.registered()
        live = store.open(known.id)
        assert isinstance(live, bt.LiveTape)
        return live.tape()


def test_a_recording_says_what_it_did(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source) as server:
        out, err = _record(tmp_path, server, "--once", "--json").communicate(timeout=PATIENCE)
    told = json.loads(out)
    assert told.pop("tape").startswith("feed-")
    assert told == {
        "name": "feed",
        "records": 20_000,
        "others": 0,
        "repeated": 0,
        "gaps": 0,
        "sessions": 1,
        "first": 0,
        "next": 20_000,
    }
    assert err == ""


def test_a_recording_that_is_killed_goes_on_where_it_was(tmp_path: Path, source: np.ndarray) -> None:
    for records in (4_321, 11_000):
        with Upstream(source, stalls_after=56 * records + 20) as server:
            recording = _record(tmp_path, server)
            assert server.stalled.wait(PATIENCE)
            recording.kill()
            recording.communicate()
    with Upstream(source) as server:
        _, err = _record(tmp_path, server, "--once").communicate(timeout=PATIENCE)
    assert err == ""
    tape = _tape(tmp_path)
    assert records_of(tape) == source.tobytes()
    assert tape.gaps == []


def test_ctrl_c_ends_a_recording_in_good_order(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source, stalls_after=56 * 7_000) as server:
        recording = _record(tmp_path, server, "--json")
        assert server.stalled.wait(PATIENCE)
        recording.send_signal(signal.SIGINT)
        out, _ = recording.communicate(timeout=PATIENCE)
    assert recording.returncode == Exit.OK
    kept = json.loads(out)["next"]
    assert records_of(_tape(tmp_path)) == source[:kept].tobytes()


def test_a_recording_ends_after_the_time_it_was_given(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source, stalls_after=56 * 100) as server:
        recording = _record(tmp_path, server, "--for", "1", "--json")
        out, _ = recording.communicate(timeout=PATIENCE)
    assert recording.returncode == Exit.OK
    assert json.loads(out)["sessions"] == 1


def test_a_folder_has_one_recorder(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source) as server, bt.Store(tmp_path):
        recording = _record(tmp_path, server, "--once")
        _, err = recording.communicate(timeout=PATIENCE)
    assert recording.returncode == Exit.STORE
    assert "the data folder is in use" in err


def test_a_key_that_is_refused_ends_the_command_and_is_not_shown(tmp_path: Path, source: np.ndarray) -> None:
    wrong = "db-another-made-up-key-012345678"
    with Upstream(source) as server:
        recording = _record(tmp_path, server, key=wrong)
        out, err = recording.communicate(timeout=PATIENCE)
    assert recording.returncode == Exit.CREDENTIALS
    assert err == "booktape: the gateway refused: User authentication failed\n"
    assert wrong not in out + err


def test_warnings_are_lines_and_the_summary_is_for_people(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source, deque([Fault(56 * 900)])) as server:
        out, err = _record(tmp_path, server, "--once").communicate(timeout=PATIENCE)
    assert err.startswith("booktape: warning: ")
    assert err.count("\n") == 1
    assert "20,000 in all" in out


def test_a_terminal_shows_how_it_does(tmp_path: Path, source: np.ndarray) -> None:
    with Upstream(source) as server:
        seen = on_a_terminal(
            *("record", "--dataset", "GLBX.MDP3", "--start", "0", "--once"),
            *("--upstream", f"127.0.0.1:{server.port}"),
            BOOKTAPE_DATA_DIR=str(tmp_path),
            DATABENTO_API_KEY=KEY,
        )
    assert "20,000 records, " in seen
    assert "lag 0.000 s" in seen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--upstream", "host:port"), "upstream = 'host:port': HOST or HOST:PORT"),
        (("--start", "17"), "start = '17': an ISO time"),
        (("--schema", "trades"), "schema = 'trades': mbo, and beside it"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: tuple[str, str], message: str) -> None:
    with Upstream(bt.synthesize(messages=10).to_numpy()) as server:
        recording = _record(tmp_path, server, *options)
        _, err = recording.communicate(timeout=PATIENCE)
    assert recording.returncode == Exit.USAGE
    assert message in err


def test_the_service_records_while_it_serves(tmp_path: Path, source: np.ndarray) -> None:
    import httpx

    with Upstream(source, stalls_after=56 * 20_000) as server:
        serving = subprocess.Popen(
            [
                *(sys.executable, "-m", "booktape", "serve", "--port", "0"),
                *("--live", "GLBX.MDP3:A,B", "--upstream", f"127.0.0.1:{server.port}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"BOOKTAPE_DATA_DIR": str(tmp_path), "DBN_KEY": KEY},
        )
        giving_up = threading.Timer(PATIENCE, serving.kill)
        giving_up.start()
        try:
            assert serving.stdout is not None
            ready = next(line for line in serving.stdout if " at http" in line)
            url = ready.split(" at ")[1].split()[0]
            assert server.stalled.wait(PATIENCE)
            with httpx.Client(base_url=url, verify=False, timeout=PATIENCE) as client:
                [tape] = client.get("/api/v1/tapes").json()
                with client.stream("GET", f"/api/v1/tapes/{tape['id']}/stream", params={"from": "0"}) as stream:
                    assert any(line.startswith("data: ") for line in stream.iter_lines())
        finally:
            giving_up.cancel()
            serving.send_signal(signal.SIGTERM)
            serving.communicate(timeout=PATIENCE)
    assert tape["name"] == "GLBX.MDP3-A+B"
    assert tape["growing"]
    assert records_of(_tape(tmp_path)) == source.tobytes()
