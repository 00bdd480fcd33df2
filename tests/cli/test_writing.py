"""`synth` and `replay`: tapes made and played."""

import json
from pathlib import Path

import numpy as np
import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.conftest import Run


@pytest.mark.parametrize("name", ["made.dbn", "made.dbn.zst"])
def test_synth_writes_what_the_library_makes(run: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    outcome = run("synth", path, "--messages", 3_000, "--instruments", 2, "--seed", 5, "--anomaly", "unknown_cancel=4")
    assert outcome.code == Exit.OK
    assert "3,000 records of 2 instruments, seed 5" in outcome.out
    made = bt.open(path)
    expected = bt.synthesize(messages=3_000, instruments=2, seed=5, anomalies={"unknown_cancel": 4})
    assert np.array_equal(made.to_numpy(), expected.to_numpy())
    assert made.audit()["anomalies"]["unknown_cancel"] == 4


def test_synth_says_where_it_cannot_write(run: Run, tmp_path: Path) -> None:
    outcome = run("synth", tmp_path / "nowhere" / "made.dbn", "--messages", 10)
    assert outcome.code == Exit.BAD_INPUT
    assert "nowhere" in outcome.err


def test_synth_says_what_does_not_fit(run: Run, tmp_path: Path) -> None:
    outcome = run("synth", tmp_path / "made.dbn", "--messages", 10, "--anomaly", "over_cancel=1000")
    assert outcome.code == Exit.USAGE
    assert not list(tmp_path.iterdir())


def test_replay_as_json_is_every_record(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    lines = run("replay", tape_file, "--speed", "max", "--json").out.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["index"] for record in records] == list(range(5_000))
    assert records[1_234] == tape.records(1_234, 1)[0]


def test_replay_from_a_moment_of_one_instrument(run: Run, two_instruments: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "two.dbn"
    two_instruments.to_dbn(path)
    only = two_instruments.instruments[1]
    outcome = run("replay", path, "--speed", "max", "--json", "--from", 4_000, "--instrument", only.symbol)
    indexes = [json.loads(line)["index"] for line in outcome.out.splitlines()]
    records = two_instruments.to_numpy()
    expected = np.flatnonzero(records["instrument_id"] == only.instrument_id)
    assert indexes == [index for index in expected if index >= 4_000]


def test_replay_in_a_pipe_is_lines_of_best_prices(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    outcome = run("replay", tape_file, "--speed", "max")
    assert outcome.code == Exit.OK
    last = outcome.out.splitlines()[-1]
    bid = tape.book_at(len(tape) - 1).bbo().bid
    assert bid is not None
    assert f"x {bid.size:,} ({bid.count:,}) /" in last
    assert "5,000" in last


def test_replay_outside_the_tape_is_not_found(run: Run, tape_file: Path) -> None:
    assert run("replay", tape_file, "--from", 5_000, "--speed", "max").code == Exit.NOT_FOUND
