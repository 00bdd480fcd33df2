"""`inspect`, `book` and `audit`: files in, answers out."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import booktape as bt
from booktape.cli.exits import Exit
from tests.cli.conftest import Run
from tests.cli.terminal import on_a_terminal
from tests.conformance.records import Record
from tests.dbn_files import INSTRUMENT, metadata
from tests.golden import check_clx5, check_esm4

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def two_file(two_instruments: bt.Tape, tmp_path: Path) -> Path:
    path = tmp_path / "two.dbn.zst"
    two_instruments.to_dbn(path)
    return path


def test_inspect_tells_what_a_file_is(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    outcome = run("inspect", tape_file)
    assert outcome.code == Exit.OK
    for word in ("GLBX.MDP3", "5,000", tape.instruments[0].symbol, "small.mbo.dbn"):
        assert str(word) in outcome.out
    assert not ESCAPE.search(outcome.out)


def test_inspect_as_json(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    told = json.loads(run("inspect", tape_file, "--json").out)
    assert told["records"] == 5_000
    assert told["start"] == str(tape.start_ns)
    assert told["dataset"] == "GLBX.MDP3"


def test_book_is_a_ladder(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    outcome = run("book", tape_file, "--depth", "3")
    book = tape.book_at(len(tape) - 1)
    shown = [line.split()[0] for line in outcome.out.splitlines() if re.match(r"\s+\d+\.\d+\s", line)]
    asks = [f"{level.price_f:.2f}" for level in reversed(book.asks(3))]
    assert [float(price) for price in shown[: len(asks)]] == [float(price) for price in asks]
    assert "█" in outcome.out


def test_book_at_a_moment_as_json(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    for at in ("2500", f"ns:{tape.to_numpy()['ts_recv'][2500]}"):
        told = json.loads(run("book", tape_file, "--at", at, "--json", "--orders", "--depth", "5").out)
        moment = 2500 if at == "2500" else None
        expected = tape.book_at(moment, ts=None if moment else int(at[3:])).state(5, orders=True)
        assert told == expected


def test_book_lists_orders(run: Run, tape: bt.Tape, tape_file: Path) -> None:
    outcome = run("book", tape_file, "--orders", "--view", "published")
    best = tape.book_at(len(tape) - 1).bids(1, view="published")[0]
    for order in tape.book_at(len(tape) - 1).queue("B", best.price):
        assert str(order.order_id) in outcome.out


def test_book_needs_to_know_which(run: Run, two_instruments: bt.Tape, two_file: Path) -> None:
    outcome = run("book", two_file)
    assert outcome.code == Exit.USAGE
    for instrument in two_instruments.instruments:
        assert f"{instrument.symbol} ({instrument.instrument_id})" in outcome.err
    for instrument in two_instruments.instruments:
        for name in (instrument.symbol, instrument.instrument_id):
            told = json.loads(
                run("book", two_file, "--instrument", name, "--publisher", "GLBX.MDP3.GLBX", "--json").out
            )
            assert told["instrument_id"] == instrument.instrument_id


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--instrument", "NOPE"), Exit.NOT_FOUND, "instrument 'NOPE' is not on the tape"),
        (("--publisher", "XNAS"), Exit.NOT_FOUND, "publisher 'XNAS' is not on the tape"),
        (("--at", "5000"), Exit.NOT_FOUND, "records 0 to 4,999"),
        (("--at", "1999-01-01"), Exit.NOT_FOUND, "the tape goes from"),
        (("--at", "noon"), Exit.USAGE, "an index, an ISO time"),
    ],
)
def test_what_is_not_there_is_named(run: Run, tape_file: Path, options: tuple[str, str], code: Exit, said: str) -> None:
    outcome = run("book", tape_file, *options)
    assert outcome.code == code
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_audit_of_clean_data_passes_strictly(run: Run, tape_file: Path) -> None:
    outcome = run("audit", tape_file, "--strict")
    assert outcome.code == Exit.OK
    assert "every record agreed with the book" in outcome.out


def test_audit_explains_anomalies_and_fails_strictly(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "planted.dbn"
    bt.synthesize(messages=30_000, seed=4, anomalies={"over_cancel": 3}).to_dbn(path)
    outcome = run("audit", path, "--strict")
    assert outcome.code == Exit.ANOMALIES
    assert re.search(r"over_cancel\s+3\s+cancel of more than rests; the order leaves", outcome.out)
    assert outcome.err == "booktape: planted.dbn: 3 anomalies of 1 kinds\n"
    assert run("audit", path).code == Exit.OK
    assert json.loads(run("audit", path, "--json").out) == bt.open(path).audit()


def test_golden_figures_of_clx5(run: Run, clx5: Path) -> None:
    check_clx5(json.loads(run("audit", clx5, "--json").out))


def test_golden_figures_of_esm4(run: Run, esm4: Path) -> None:
    check_esm4(json.loads(run("audit", esm4, "--json").out))


def test_real_files_are_shown(run: Run, clx5: Path) -> None:
    assert "1,224" in run("audit", clx5).out
    assert "38,212" in run("inspect", clx5).out
    told = run("book", clx5).out
    assert "crossed" in told
    assert "an auction would trade 11 at 64.80, 4 left on the ask side" in told


def test_truncated_files_are_refused_or_kept_up_to_the_damage(run: Run, tape_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.dbn"
    path.write_bytes(tape_file.read_bytes()[:-20])
    refused = run("inspect", path)
    assert refused.code == Exit.BAD_INPUT
    assert "cut.dbn" in refused.err
    assert "--tolerant" in refused.err
    kept = run("inspect", path, "--tolerant", "--json")
    assert kept.code == Exit.OK
    assert json.loads(kept.out)["records"] == 4_999
    assert kept.err.startswith("booktape: warning: ")
    assert len(kept.err.splitlines()) == 1


def test_a_bomb_is_refused_by_its_size(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.dbn.zst"
    bt.synthesize(messages=5_000, seed=1).to_dbn(path)
    refused = run("inspect", path, "--max-decompressed", "100K")
    assert refused.code == Exit.BAD_INPUT
    assert "102400" in refused.err.replace(",", "")
    assert run("inspect", path, "--max-decompressed", "1MiB").code == Exit.OK
    monkeypatch.setenv("BOOKTAPE_MAX_DECOMPRESSED", "100000")
    assert run("inspect", path).code == Exit.BAD_INPUT
    assert run("inspect", path, "--max-decompressed", "1MiB").code == Exit.OK
    monkeypatch.setenv("BOOKTAPE_MAX_DECOMPRESSED", "plenty")
    wrong = run("inspect", path)
    assert wrong.code == Exit.USAGE
    assert "BOOKTAPE_MAX_DECOMPRESSED = 'plenty'" in wrong.err


def test_several_files_are_one_tape(run: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "1.dbn", tmp_path / "2.dbn"
    tape = bt.synthesize(messages=2_000, seed=1)
    tape.to_dbn(first)
    metadata = first.read_bytes()[: -2_000 * 56]
    records = tape.to_numpy()
    first.write_bytes(metadata + records[:1_500].tobytes())
    second.write_bytes(metadata + records[1_500:].tobytes())
    assert json.loads(run("inspect", first, second, "--json").out)["records"] == 2_000
    together = json.loads(run("audit", first, second, "--json").out)
    assert together["books"] == tape.audit()["books"]


def test_terminals_get_colours_unless_they_do_not_want_them(tape_file: Path) -> None:
    coloured = on_a_terminal("book", tape_file)
    assert "\x1b[9" in coloured or "\x1b[38;5" in coloured
    plain = on_a_terminal("book", tape_file, NO_COLOR="1")
    assert "\x1b[9" not in plain
    assert "\x1b[38;5" not in plain
    assert "█" in plain


@pytest.mark.parametrize("symbol", ["CL[/]X5", "[red]CLX5", "\x1b[31mCLX5\x07\x08"])
def test_symbols_are_shown_as_they_are_and_never_obeyed(run: Run, tape: bt.Tape, tmp_path: Path, symbol: str) -> None:
    path = tmp_path / "[bold]named[dim].dbn"
    path.write_bytes(metadata(symbol=symbol) + _of_instrument(tape, INSTRUMENT))
    seen = "".join(character for character in symbol if character.isprintable())
    order = tape.records(1)[0]["order_id"]
    for command in (("inspect",), ("book",), ("audit",), ("order",)):
        outcome = run(*command, path, *([order] if command == ("order",) else []))
        assert outcome.code == Exit.OK, outcome.err
        assert seen in outcome.out
        assert outcome.out.replace("\n", "").isprintable()
    assert path.name in run("inspect", path).out
    gone = run("inspect", tmp_path / f"gone{symbol.replace('/', '')}")
    assert gone.code == Exit.BAD_INPUT
    assert gone.err.rstrip("\n").isprintable()


def _of_instrument(tape: bt.Tape, instrument_id: int) -> bytes:
    records = tape.to_numpy().copy()
    records["instrument_id"] = instrument_id
    return records.tobytes()


def test_time_that_goes_back_is_shown_so(run: Run, tape: bt.Tape, tmp_path: Path) -> None:
    records = tape.to_numpy()[:10].copy()
    records["ts_recv"] = 1_000_000_000_000 - 1_000_000_000 * np.arange(10)
    path = tmp_path / "back.dbn"
    path.write_bytes(metadata() + records.tobytes())
    assert "(-0:00:09)" in run("inspect", path).out


def test_a_suspect_book_says_so(run: Run, tmp_path: Path, tape_file: Path) -> None:
    path = tmp_path / "gap.dbn"
    metadata = tape_file.read_bytes()[: -5_000 * 56]
    path.write_bytes(metadata + Record("A", "B", 1, 64_000_000_000, 1, 128 | 4, ts_recv=1).pack())
    assert "suspect" in run("book", path).out
