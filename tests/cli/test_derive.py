"""`derive` and `export`: rows to files and to other programs, and nothing half done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import databento
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.conftest import Run
from tests.cli.terminal import on_a_terminal

BOOKTAPE = [sys.executable, "-m", "booktape"]


@pytest.fixture
def two_file(two_instruments: bt.Tape, tmp_path: Path) -> Path:
    path = tmp_path / "two.dbn"
    two_instruments.to_dbn(path)
    return path


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.dbn"
    bt.synthesize(messages=1_000_000, seed=3).to_dbn(path)
    return path


def table_of(path: Path) -> pa.Table:
    if path.suffix in {".parquet", ".pq"}:
        return parquet.read_table(path)
    with ipc.open_file(path) as file:
        return file.read_all()


@pytest.mark.parametrize("name", ["rows.parquet", "rows.pq", "rows.arrow", "rows.feather"])
def test_derive_writes_the_tables_the_library_makes(
    run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path, name: str
) -> None:
    outcome = run("derive", tape_file, "--schema", "mbp-10", "-o", tmp_path / name)
    assert outcome.code == Exit.OK
    expected = pa.table(tape.derive("mbp-10"))
    assert table_of(tmp_path / name).equals(expected)
    assert f"{expected.num_rows:,} rows of mbp-10" in outcome.out


@pytest.mark.parametrize("name", ["rows.dbn", "rows.dbn.zst"])
def test_derive_writes_dbn(run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path, name: str) -> None:
    assert run("derive", tape_file, "-s", "ohlcv-1s", "-o", tmp_path / name).code == Exit.OK
    bars = databento.DBNStore.from_bytes((tmp_path / name).read_bytes()).to_ndarray()
    assert np.array_equal(bars["close"], tape.derive("ohlcv-1s").to_numpy()["close"])


def test_derive_takes_the_rows_that_are_asked_for(
    run: Run, two_instruments: bt.Tape, two_file: Path, tmp_path: Path
) -> None:
    only = two_instruments.instruments[1]
    path = tmp_path / "rows.csv"
    asked = ("--instrument", only.symbol, "--publisher", "GLBX.MDP3.GLBX", "--start", 1_000, "--end", 4_000)
    outcome = run("derive", two_file, "-s", "mbp-1", *asked, "--prices", "int", "--no-symbols", "-o", path)
    assert outcome.code == Exit.OK
    expected = two_instruments.derive("mbp-1", instrument_id=only.instrument_id, start=1_000, end=4_000, prices="int")
    found = pl.read_csv(path)
    assert "symbol" not in found.columns
    assert found["instrument_id"].unique().to_list() == [only.instrument_id]
    assert found["bid_px_00"].to_list() == expected.to_numpy()["bid_px_00"].tolist()


def test_derive_tells_as_json(run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    outcome = run("derive", tape_file, "-s", "trades", "-o", path, "--format", "csv", "--json")
    told = json.loads(outcome.out)
    rows = len(tape.derive("trades").to_numpy())
    assert told == {
        "output": str(path),
        "format": "csv",
        "schema": "trades",
        "rows": rows,
        "bytes": path.stat().st_size,
    }


def test_standard_output_is_for_other_programs(run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path) -> None:
    tape.derive("trades").to_csv(tmp_path / "expected.csv")
    assert run("derive", tape_file, "-s", "trades", "-o", "-").out == (tmp_path / "expected.csv").read_text()
    asked = [*BOOKTAPE, "derive", str(tape_file), "-s", "mbp-10", "-o", "-", "--format"]
    dbn = subprocess.run([*asked, "dbn"], stdout=subprocess.PIPE, check=True).stdout
    tape.derive("mbp-10").to_dbn(tmp_path / "expected.dbn")
    assert dbn == (tmp_path / "expected.dbn").read_bytes()
    arrow = subprocess.run([*asked, "arrow"], stdout=subprocess.PIPE, check=True).stdout
    assert ipc.open_stream(arrow).read_all().equals(pa.table(tape.derive("mbp-10")))


@pytest.mark.parametrize("form", ["csv", "dbn", "arrow"])
def test_a_reader_that_has_enough_is_no_error(long_file: Path, form: str) -> None:
    command = [*BOOKTAPE, "derive", str(long_file), "-s", "mbp-10", "-o", "-", "-f", form]
    writing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writing.stdout is not None
    assert writing.stderr is not None
    writing.stdout.read(10)
    writing.stdout.close()
    assert writing.stderr.read() == b""
    writing.stderr.close()
    assert writing.wait(timeout=60) == Exit.OK


def test_export_keeps_a_whole_tape_as_it_is(run: Run, esm4: Path, tmp_path: Path) -> None:
    assert run("export", esm4, "-o", tmp_path / "copy.dbn").code == Exit.OK
    original, copy = bt.open(esm4), bt.open(tmp_path / "copy.dbn")
    assert np.array_equal(copy.to_numpy(), original.to_numpy())
    assert copy.other_records == original.other_records
    assert copy.symbols == original.symbols


def test_export_of_a_part_is_a_tape(run: Run, two_instruments: bt.Tape, two_file: Path, tmp_path: Path) -> None:
    only = two_instruments.instruments[0]
    asked = ("--start", 500, "--instrument", only.instrument_id)
    assert run("export", two_file, *asked, "-o", tmp_path / "part.dbn.zst").code == Exit.OK
    records = two_instruments.to_numpy()[500:]
    part = bt.open(tmp_path / "part.dbn.zst")
    assert np.array_equal(part.to_numpy(), records[records["instrument_id"] == only.instrument_id])
    assert part.symbols[only.instrument_id] == only.symbol
    assert run("export", two_file, *asked, "-o", tmp_path / "part.parquet").code == Exit.OK
    assert parquet.read_table(tmp_path / "part.parquet").num_rows == len(part)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("-o", "rows.xlsx"), Exit.USAGE, "by its end: .dbn, .dbn.zst, .csv"),
        (("-o", "-", "-f", "parquet"), Exit.USAGE, "parquet cannot be streamed"),
        (("-o", "-", "--json"), Exit.USAGE, "standard output is for the rows"),
        (("-o", "rows.csv", "--start", "5001"), Exit.NOT_FOUND, "records 0 to 4,999"),
        (("-o", "rows.csv", "--end", "1999-01-01"), Exit.NOT_FOUND, "the tape goes from"),
        (("-o", "rows.csv", "--start", "noon"), Exit.USAGE, "an ISO time"),
        (("-o", "rows.csv", "--start", "20", "--end", "10"), Exit.NOT_FOUND, "before start"),
        (("-o", "rows.csv", "--instrument", "NOPE"), Exit.NOT_FOUND, "instrument 'NOPE' is not on the tape"),
        (("-o", "rows.csv", "--publisher", "XNAS"), Exit.NOT_FOUND, "publisher 'XNAS' is not on the tape"),
        (("-o", "nowhere/rows.csv"), Exit.BAD_INPUT, "nowhere/rows.csv: No such file"),
        (("-o", "/dev/full", "-f", "csv"), Exit.BAD_INPUT, "/dev/full: No space left"),
        (("-o", "/dev/full", "-f", "parquet"), Exit.BAD_INPUT, "/dev/full: No space left"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_file(
    run: Run,
    tape_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    code: Exit,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("export", tape_file, *options)
    assert outcome.code == code
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_unknown_schema_names_the_choices(run: Run, tape_file: Path) -> None:
    outcome = run("derive", tape_file, "-s", "mbp-2", "-o", "rows.csv")
    assert outcome.code == Exit.USAGE
    assert "'mbp-10'" in outcome.err
    assert "'ohlcv-1d'" in outcome.err


def test_files_are_replaced_only_if_forced(run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("before")
    refused = run("derive", tape_file, "-s", "trades", "-o", path)
    assert refused.code == Exit.USAGE
    assert "--force" in refused.err
    assert path.read_text() == "before"
    assert run("derive", tape_file, "-s", "trades", "-o", path, "--force").code == Exit.OK
    assert len(path.read_text().splitlines()) == 1 + len(tape.derive("trades").to_numpy())


def test_what_is_read_is_not_replaced_even_if_forced(run: Run, two_file: Path) -> None:
    before = two_file.read_bytes()
    refused = run("export", two_file, "-o", two_file.parent / ".." / two_file.parent.name / two_file.name, "--force")
    assert refused.code == Exit.USAGE
    assert "the file to be read" in refused.err
    assert two_file.read_bytes() == before


@pytest.mark.parametrize("name", ["rows.dbn", "rows.dbn.zst", "rows.csv", "rows.parquet", "rows.arrow"])
def test_ctrl_c_stops_a_long_derive_and_leaves_what_was_there(long_file: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("before")
    command = [*BOOKTAPE, "derive", str(long_file), "-s", "mbp-10", "-o", str(path), "--force"]
    writing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while list(tmp_path.iterdir()) == [path]:
        assert writing.poll() is None, "it ended before it began to write"
    writing.send_signal(signal.SIGINT)
    out, err = writing.communicate(timeout=60)
    assert (writing.returncode, out, err.strip()) == (Exit.INTERRUPTED, "", "booktape: stopped")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["rows.dbn", "rows.dbn.zst", "rows.csv", "rows.parquet", "rows.arrow"])
def test_a_full_disk_leaves_what_was_there(long_file: Path, tmp_path: Path, name: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root, where mounts are allowed")
    try:
        path = disk / name
        path.write_text("before")
        command = [*BOOKTAPE, "derive", str(long_file), "-s", "mbp-10", "-o", str(path), "--force"]
        finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert finished.returncode == Exit.BAD_INPUT
        assert finished.stderr.startswith(f"booktape: {path}: No space left on device")
        assert len(finished.stderr.splitlines()) == 1
        assert path.read_text() == "before"
        assert list(disk.iterdir()) == [path]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("name", ["rows.dbn", "rows.csv", "rows.parquet"])
def test_a_file_that_may_not_grow_leaves_nothing(long_file: Path, tmp_path: Path, name: str) -> None:
    command = [*BOOKTAPE, "derive", str(long_file), "-s", "mbp-10", "-o", str(tmp_path / name)]
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *command]
    finished = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=120)
    assert finished.returncode == Exit.BAD_INPUT
    assert f"{name}: File too large" in finished.stderr
    assert not list(tmp_path.iterdir())


def test_a_terminal_sees_how_far_it_is(long_file: Path, tmp_path: Path) -> None:
    told = on_a_terminal("derive", long_file, "-s", "mbp-1", "-o", tmp_path / "rows.parquet")
    assert "writing rows.parquet" in told
    assert "/1000000" in told
    assert "rows of mbp-1 as parquet" in told
