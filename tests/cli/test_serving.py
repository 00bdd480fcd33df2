"""`serve` and `demo` as processes: ready, answering, stopped."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from booktape.cli.exits import Exit


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running command and the address that it printed."""
    command = [sys.executable, "-m", "booktape", *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, (line, running.stderr and running.stderr.read())
        yield running, address[0].rstrip("/")
    finally:
        running.kill()
        running.communicate()


def get(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def test_the_demo_moves_and_stops() -> None:
    with serving("demo", "--messages", 20_000, "--port", 0) as (running, address):
        (tape,) = get(f"{address}/api/v1/tapes")
        assert tape["records"] == 20_000
        instrument = get(f"{address}/api/v1/tapes/{tape['id']}/instruments")[0]["instrument_id"]
        depth = f"{address}/api/v1/tapes/{tape['id']}/depth?instrument={instrument}"
        with urllib.request.urlopen(depth, timeout=30) as told:
            assert told.readline().startswith(b"id: ")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
        assert running.returncode == Exit.INTERRUPTED


def test_serve_has_a_tape_for_each_file(tape_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.dbn"
    other.write_bytes(tape_file.read_bytes()[:-56])
    with serving("serve", tape_file, other, "--port", 0) as (_, address):
        tapes = get(f"{address}/api/v1/tapes")
        assert [tape["records"] for tape in tapes] == [5_000, 4_999]


def test_a_port_in_use_is_an_exit_code_and_a_line(tape_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "booktape", "serve", str(tape_file), "--port", str(taken.getsockname()[1])]
        finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == Exit.PORT_IN_USE
    assert len(finished.stderr.splitlines()) == 1
    assert "--port 0" in finished.stderr


def test_a_bad_file_is_refused_before_anything_listens(tmp_path: Path) -> None:
    path = tmp_path / "bad.dbn"
    path.write_bytes(b"not market data")
    command = [sys.executable, "-m", "booktape", "serve", str(path), "--port", "0"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == Exit.BAD_INPUT
    assert "bad.dbn" in finished.stderr
    assert finished.stdout == ""
