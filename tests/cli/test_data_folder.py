"""What `serve` says of a data folder that it cannot use, or not all of."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.test_serving import get, serving

NOBODY = 65_534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of commands."""
    monkeypatch.setenv("BOOKTAPE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def kept(folder: Path, tape_file: Path) -> Path:
    """The same, with a tape."""
    with bt.Store(folder) as store:
        store.load(store.register(tape_file))
    return folder


def run(*arguments: object, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    command = [*before, sys.executable, "-m", "booktape", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def rows(address: str) -> int:
    """Rows in the store of a service."""
    with urllib.request.urlopen(f"{address}/api/v1/store", timeout=30) as answer:
        return int(json.load(answer)["rows"])


def refused(*before: str) -> str:
    """The line with which `serve` ends, because of its store."""
    finished = run("serve", "--port", 0, before=before)
    assert finished.returncode == Exit.STORE, finished
    assert finished.stdout == ""
    [line] = finished.stderr.splitlines()
    return line


def test_a_damaged_database_is_built_again_as_the_message_says(kept: Path, tape: bt.Tape) -> None:
    database = kept / "booktape.db"
    data = bytearray(database.read_bytes())
    data[:20_000] = b"\xff" * 20_000
    database.write_bytes(data)
    said = refused()
    assert str(database) in said
    assert "`booktape store rebuild`" in said
    assert database.read_bytes() == data
    assert run("store", "rebuild").returncode == Exit.OK
    with serving("serve", "--port", 0) as (_, address):
        [served] = get(f"{address}/api/v1/tapes")
        assert served["records"] == len(tape)
        while rows(address) < len(tape):
            pass


def test_a_later_schema_is_left_as_it_is(kept: Path) -> None:
    database = kept / "booktape.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 999")
    before = database.read_bytes()
    said = refused()
    assert "version 999" in said
    assert "nothing was changed" in said
    assert database.read_bytes() == before


def test_files_that_are_gone_or_changed_are_named_and_the_rest_is_served(folder: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.dbn" for name in ("gone", "changed", "left")]
    with bt.Store(folder) as store:
        for seed, path in enumerate(paths):
            bt.synthesize(messages=1_000, seed=seed).to_dbn(path)
        ids = [store.register(path).id for path in paths]
    gone, changed, _ = paths
    gone.unlink()
    bt.synthesize(messages=1_000, seed=9).to_dbn(changed)
    with serving("serve", "--port", 0) as (running, address):
        assert [tape["id"] for tape in get(f"{address}/api/v1/tapes")] == ids[2:]
        running.terminate()
        _, said = running.communicate(timeout=60)
        assert running.returncode == Exit.OK
    warnings = [line for line in said.splitlines() if "is not served" in line]
    assert [ids[place] in line for place, line in enumerate(warnings)] == [True, True]
    assert str(gone) in warnings[0]
    assert str(changed) in warnings[1]
    bt.synthesize(messages=1_000, seed=0).to_dbn(gone)
    with serving("serve", "--port", 0) as (_, address):
        assert [tape["id"] for tape in get(f"{address}/api/v1/tapes")] == [ids[0], ids[2]]


@pytest.fixture
def read_only(kept: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """Makes the data folder one that may only be read; what a command must begin with to be run by somebody else."""
    if os.geteuid():
        before: tuple[str, ...] = ()
        kept.chmod(0o500)
        yield before
        kept.chmod(0o700)
        return
    setpriv = shutil.which("setpriv")
    before = (str(setpriv), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    if setpriv is None or subprocess.run([*before, sys.executable, "-c", "import booktape"], check=False).returncode:
        pytest.skip("root may write anywhere, and nobody else can be asked to run this")
    with tempfile.TemporaryDirectory() as parent:  # pytest's own folders are for their owner alone
        Path(parent).chmod(0o755)
        shutil.copytree(kept, Path(parent) / "data")
        monkeypatch.setenv("BOOKTAPE_DATA_DIR", str(Path(parent) / "data"))
        yield before


def test_a_folder_that_may_only_be_read_is_named(read_only: tuple[str, ...]) -> None:
    said = refused(*read_only)
    assert os.environ["BOOKTAPE_DATA_DIR"] in said
    assert "cannot be written" in said
    assert "BOOKTAPE_DATA_DIR" in said
