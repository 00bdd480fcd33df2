"""`booktape fetch` from a gateway of our own: what it asks, says and keeps, however it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import zstandard

import booktape as bt
from booktape.cli.exits import Exit
from booktape.upstream import Databento, Fetch, Request
from tests.breaking import breaking
from tests.cli.conftest import Run
from tests.historical.gateway import KEY, PATIENCE, Gateway
from tests.small_disk import small_disk
from tests.upstream.between import COST, RANGE, UNPAID, Answer, Between

# The client leaves its files to be closed by themselves.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

DATASET = "GLBX.MDP3"


@pytest.fixture(autouse=True)
def _key(key: str) -> None:
    """It is in the environment."""


def day_of(tape: bt.Tape) -> str:
    return str(tape.start)[:10]


def command(source: bt.Tape, url: str, *others: object) -> list[str]:
    asked = ["fetch", "--dataset", DATASET, "--symbols", "ALL_SYMBOLS", "--start", day_of(source), "--gateway", url]
    return [*asked, *map(str, others)]


def in_a_process(arguments: list[str], cwd: Path | None = None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "booktape", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_it_tells_the_cost_and_fetches(run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "day.mbo.dbn.zst"
    done = run(*command(source, upstream.url, "-o", path, "--max-cost", 0, "--json"))
    assert done.code == Exit.OK, done.err
    size = path.stat().st_size
    assert json.loads(done.out) == {
        "output": str(path),
        "records": len(source),
        "expected": len(source),
        "bytes": size,
        "cost": 0.0,
        "drops": 0,
    }
    assert f"{len(source):,}" in done.err
    assert f"{len(source) * 56:,}" in done.err
    assert KEY not in done.out + done.err
    assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()


def test_the_file_is_named_after_what_is_asked_for(
    run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*command(source, upstream.url, "--yes", "--limit", 10)).code == Exit.OK
    (made,) = tmp_path.iterdir()
    assert made.name == f"glbx-mdp3-{day_of(source).replace('-', '')}-all_symbols.mbo.dbn.zst"
    assert len(bt.open(made)) == 10


def test_nothing_is_spent_where_nobody_agrees(run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "day.mbo.dbn.zst"
    refused = run(*command(source, upstream.url, "-o", path))
    assert refused.code == Exit.COST
    assert "--yes" in refused.err
    assert not list(tmp_path.iterdir())


def test_no_more_is_spent_than_was_agreed_to(run: Run, between_them: Between, source: bt.Tape, tmp_path: Path) -> None:
    between_them.answers[COST] = Answer(b"12.34567")
    path = tmp_path / "day.mbo.dbn.zst"
    arguments = command(source, between_them.url, "-o", path, "--json")
    refused = run(*arguments, "--max-cost", 12.34)
    assert refused.code == Exit.COST
    assert "it would cost 12.3457 US dollars, more than the 12.3400 allowed" in refused.err
    assert RANGE not in between_them.asked
    assert not list(tmp_path.iterdir())
    done = run(*arguments, "--max-cost", 12.35)
    assert (done.code, json.loads(done.out)["cost"]) == (Exit.OK, 12.34567)


def test_an_account_without_money_is_told(run: Run, between_them: Between, source: bt.Tape, tmp_path: Path) -> None:
    arguments = command(source, between_them.url, "--yes", "-o", tmp_path / "day.dbn.zst")
    for asked in (COST, RANGE):
        between_them.answers = {asked: UNPAID}
        refused = run(*arguments)
        assert refused.code == Exit.COST
        assert "Databento wants to be paid first: 402 account_insufficient_funds" in refused.err
        assert between_them.asked[-1] == asked  # which is not tried again
        assert not list(tmp_path.iterdir())


def test_money_that_ends_under_way_leaves_what_was_paid_for(
    run: Run, between_them: Between, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booktape.upstream.download.FIRST_WAIT", 0)
    path, half = (
        tmp_path / "day.dbn.zst",
        zstandard.compress(source._native.dbn_head + source.to_numpy()[:30_000].tobytes()),
    )
    between_them.once[RANGE], between_them.answers[RANGE] = Answer(half, missing=1), UNPAID
    arguments = command(source, between_them.url, "--yes", "-o", path)
    assert run(*arguments).code == Exit.COST
    assert [found.name for found in tmp_path.iterdir()] == ["day.dbn.zst.part"]
    between_them.answers = {}
    rest = run(*arguments)
    assert (rest.code, "still to come" in rest.err) == (Exit.OK, True)
    assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"--dataset": "XNAS.ITCH"}, Exit.USAGE),
        ({"--symbols": "NONE"}, Exit.USAGE),
        ({"--start": "2001-01-01"}, Exit.USAGE),
        ({"--start": "tomorrow"}, Exit.USAGE),
        ({"--end": "2001-01-01"}, Exit.USAGE),
        ({"-o": "day.csv"}, Exit.USAGE),
        ({"-o": "/nowhere/day.dbn.zst"}, Exit.BAD_INPUT),
        ({"--gateway": "https://127.0.0.1:1"}, Exit.UPSTREAM),
    ],
)
def test_what_is_wrong_is_said_and_leaves_no_file(
    change: dict[str, str],
    code: Exit,
    run: Run,
    upstream: Gateway,
    source: bt.Tape,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("booktape.upstream.download.FIRST_WAIT", 0)
    arguments = command(source, upstream.url, "--yes", "-o", "day.dbn.zst")
    for option, value in change.items():
        arguments += [option, value]
    done = run(*arguments)
    assert done.code == code, done.err
    assert "internal" not in done.err
    assert not list(tmp_path.iterdir())


def test_a_wrong_key_and_none(
    run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = command(source, upstream.url, "--yes", "-o", tmp_path / "day.dbn.zst")
    wrong = KEY.replace("0", "9")
    monkeypatch.setenv("DATABENTO_API_KEY", wrong)  # which is looked for first
    refused = run(*arguments)
    assert refused.code == Exit.CREDENTIALS
    assert wrong not in refused.err
    monkeypatch.delenv("DATABENTO_API_KEY")
    monkeypatch.delenv("DBN_KEY")
    missing = run(*arguments)
    assert missing.code == Exit.CREDENTIALS
    assert "DATABENTO_API_KEY" in missing.err


def test_a_certificate_that_is_not_trusted_is_said_at_once(
    run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    done = run(*command(source, upstream.url, "--yes", "-o", tmp_path / "day.dbn.zst"))
    assert done.code == Exit.UPSTREAM
    assert "not trusted" in done.err


def test_a_file_that_is_there_is_not_replaced(run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "day.dbn.zst"
    path.write_bytes(b"mine")
    assert run(*command(source, upstream.url, "--yes", "-o", path)).code == Exit.BAD_INPUT
    assert path.read_bytes() == b"mine"


def test_killed_in_the_middle_it_goes_on_from_there(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    path, stalled = tmp_path / "day.dbn.zst", threading.Event()
    with breaking(upstream.port) as proxy:
        arguments = command(source, f"https://127.0.0.1:{proxy.port}", "--yes", "-o", path, "--json")
        for budget in (300_000, 700_000):
            proxy.stalled = stalled
            proxy.budgets = [budget, 10**9, 10**9, 10**9]  # three questions first
            stalled.clear()
            process = in_a_process(arguments)
            assert stalled.wait(PATIENCE)
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE)
            assert not path.exists()
        proxy.budgets = []
        last = in_a_process(arguments)
        out, err = last.communicate(timeout=PATIENCE)
    assert last.returncode == Exit.OK, err
    assert b"still to come" in err
    told = json.loads(out)
    assert told["records"] == told["expected"] == len(source)
    assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()
    assert list(tmp_path.iterdir()) == [path]


def test_another_request_does_not_go_on_from_it(run: Run, upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    path = tmp_path / "day.dbn.zst"

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    with breaking(upstream.port) as proxy:
        request = Request.of(dataset=DATASET, start=day_of(source))
        with Fetch(path, request, Databento(KEY, f"https://127.0.0.1:{proxy.port}"), wait=stop) as going:
            agreed, proxy.budgets = going.estimate(), [500_000]
            with pytest.raises(KeyboardInterrupt):
                going.run(agreed=agreed)
            assert 0 < going.got.records < len(source)
            with pytest.raises(bt.ConflictError, match="another process"), Fetch(path, request, Databento(KEY)):
                pass
    other = run(*command(source, upstream.url, "--yes", "-o", path, "--limit", 5))
    assert other.code == Exit.BAD_INPUT
    assert "another request" in other.err
    assert run(*command(source, upstream.url, "--yes", "-o", path)).code == Exit.OK


def test_a_disk_that_fills_is_said_and_what_came_is_kept(upstream: Gateway, source: bt.Tape, tmp_path: Path) -> None:
    with small_disk(tmp_path, 1) as disk:
        path = disk / "day.dbn.zst"
        arguments = command(source, upstream.url, "--yes", "-o", path, "--json")
        full = in_a_process(arguments)
        _, err = full.communicate(timeout=PATIENCE)
        assert full.returncode == Exit.BAD_INPUT, err
        assert os.strerror(28).encode() in err
        assert not path.exists()
        assert list(disk.iterdir()) == [disk / "day.dbn.zst.part"]
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        more = in_a_process(arguments)
        _, err = more.communicate(timeout=PATIENCE)
        assert more.returncode == Exit.OK, err
        assert b"still to come" in err
        assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()
