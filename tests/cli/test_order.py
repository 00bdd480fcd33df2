"""`booktape order` tells what the library tells."""

import json
from pathlib import Path

import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.conftest import Run


@pytest.fixture
def order_id(tape: bt.Tape) -> int:
    """An order that was filled."""
    for record in tape.records(1_000, 1_000):
        if record["action"] == "F" and tape.order(int(record["order_id"])).outcome == "filled":
            return int(record["order_id"])
    raise AssertionError("no order of this stretch is filled")


def test_an_order_is_shown(run: Run, tape: bt.Tape, tape_file: Path, order_id: int) -> None:
    outcome = run("order", tape_file, order_id)
    assert outcome.code == Exit.OK
    assert outcome.out.startswith(f"order {order_id}  ESH6 (")
    assert "filled after 0:00:" in outcome.out
    assert "to the back" in outcome.out
    for record in tape.order(order_id).records:
        assert f"{record.index:,} " in outcome.out


def test_json_is_the_librarys(run: Run, tape: bt.Tape, tape_file: Path, order_id: int) -> None:
    outcome = run("order", tape_file, order_id, "--json")
    assert json.loads(outcome.out) == json.loads(tape.order(order_id).to_json())
    named = run("order", tape_file, order_id, "--json", "--instrument", "ESH6", "--publisher", "GLBX.MDP3.GLBX")
    assert named.out == outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("17",), Exit.NOT_FOUND, "order 17 is not on the tape"),
        (("0",), Exit.USAGE, "0 is not in the range"),
        (("abc",), Exit.USAGE, "abc"),
        (("17", "--instrument", "NOPE"), Exit.NOT_FOUND, "instrument 'NOPE' is not on the tape"),
        (("17", "--publisher", "NOPE"), Exit.NOT_FOUND, "publisher 'NOPE' is not on the tape"),
    ],
)
def test_what_is_not_there_is_named(
    run: Run, tape_file: Path, arguments: tuple[str, ...], code: Exit, said: str
) -> None:
    outcome = run("order", tape_file, *arguments)
    assert outcome.code == code
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_several_lives_are_shown_apart(run: Run, tape: bt.Tape, tmp_path: Path, order_id: int) -> None:
    path = tmp_path / "twice.dbn"
    tape.to_dbn(path)
    # The same flow once more, a day later: every id lives again, and the orders alive before are added again.
    again = tape.to_numpy().copy()
    again["ts_recv"] += 86_400_000_000_000
    path.write_bytes(path.read_bytes() + again.tobytes())
    outcome = run("order", path, order_id)
    assert "life 1 of 2" in outcome.out
    assert "life 2 of 2" in outcome.out
