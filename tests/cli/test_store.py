"""`booktape store`: what it prints, and how it ends."""

import json
from pathlib import Path

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.conftest import Run


def test_files_are_loaded_each_as_a_tape_and_asked_about(
    run: Run, tape: bt.Tape, tape_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.mbo.dbn.zst"
    bt.synthesize(messages=1_000, seed=5).to_dbn(other)
    folder = tmp_path / "data"
    first = run("store", "load", "--folder", folder, tape_file, other)
    assert first.code == Exit.OK
    assert "5,000 of 5,000 records added" in first.out
    again = run("store", "load", "--folder", folder, tape_file, "--json")
    opened = bt.open(tape_file)
    assert json.loads(again.out) == [{"id": opened.id, "rows_added": 0, "records": 5_000}]

    info = json.loads(run("store", "info", "--folder", folder, "--verify", "--json").out)
    assert [tape["rows"] for tape in info["tapes"]] == [5_000, 1_000]
    assert "6,000 rows" in run("store", "info", "--folder", folder).out

    counted = run("store", "sql", "--folder", folder, "SELECT count(*) AS n, 'x' AS t, NULL, x'ff' FROM mbo_messages")
    assert counted.out.split() == ["n", "t", "NULL", "x'ff'", *counted.out.split()[4:-3], "6000", "x", "ff"]
    exact = run("store", "sql", "--folder", folder, "--json", f"SELECT {2**53}, {2**53 + 1}, 1.5")
    assert json.loads(exact.out)["rows"] == [[2**53, str(2**53 + 1), 1.5]]
    cut = run("store", "sql", "--folder", folder, "--limit", 2, "SELECT id FROM mbo_messages")
    assert "there are more rows than 2" in cut.err

    assert run("store", "remove", "--folder", folder, opened.id).code == Exit.OK
    assert run("store", "remove", "--folder", folder, opened.id).code == Exit.NOT_FOUND
    assert len(tape) == 5_000


def test_a_wrong_query_and_a_store_in_use_have_an_exit_code(run: Run, tmp_path: Path) -> None:
    wrong = run("store", "sql", "--folder", tmp_path, "SELEC")
    assert (wrong.code, "syntax error" in wrong.err) == (Exit.STORE, True)
    with bt.Store(tmp_path):
        taken = run("store", "info", "--folder", tmp_path)
    assert (taken.code, "in use" in taken.err) == (Exit.STORE, True)


def test_a_damaged_store_is_rebuilt_when_asked(run: Run, tape_file: Path, tmp_path: Path) -> None:
    run("store", "load", "--folder", tmp_path, tape_file)
    assert "nothing is damaged" in run("store", "rebuild", "--folder", tmp_path).out
    database = tmp_path / "booktape.db"
    data = bytearray(database.read_bytes())
    middle = len(data) // 2 // 8_192 * 8_192
    data[middle : middle + 512] = b"\xff" * 512
    database.write_bytes(data)
    assert run("store", "info", "--folder", tmp_path, "--verify").code == Exit.STORE
    assert run("store", "load", "--folder", tmp_path, tape_file).code == Exit.STORE
    assert "booktape.db.damaged-1" in run("store", "rebuild", "--folder", tmp_path).out
    assert run("store", "load", "--folder", tmp_path, tape_file).code == Exit.OK
