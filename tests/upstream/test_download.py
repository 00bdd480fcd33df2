"""Fetching from a gateway by the official client, with a network that breaks."""

import random
from pathlib import Path

import pytest

import booktape as bt
from booktape.upstream import Databento, Fetch, Fetched, Request
from tests.breaking import breaking
from tests.historical.gateway import KEY, Gateway

# The client leaves its files to be closed by themselves.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

DATASET = "GLBX.MDP3"
DAYS = {"CLX5": "2025-09-24", "ESM4": "2024-05-08"}


def request(symbol: str) -> Request:
    return Request.of(dataset=DATASET, symbols=symbol, start=DAYS[symbol])


def fetch(path: Path, symbol: str, running: Gateway) -> Fetched:
    return bt.fetch(path, dataset=DATASET, symbols=symbol, start=DAYS[symbol], max_cost=0, key=KEY, gateway=running.url)


@pytest.mark.parametrize("symbol", DAYS)
def test_what_is_fetched_is_the_source(symbol: str, on_real: Gateway, real: dict[str, bt.Tape], tmp_path: Path) -> None:
    path, source = tmp_path / "some.mbo.dbn.zst", real[symbol]
    estimate = bt.estimate(dataset=DATASET, symbols=symbol, start=DAYS[symbol], key=KEY, gateway=on_real.url)
    assert estimate == (len(source), len(source) * 56, 0.0)
    assert fetch(path, symbol, on_real) == (path, len(source), len(source), 0.0, 0)
    tape = bt.open(path)
    assert tape.to_numpy().tobytes() == source.to_numpy().tobytes()
    assert tape.symbols == source.symbols
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("symbol", DAYS)
def test_a_network_that_breaks_anywhere_costs_no_record_and_repeats_none(
    symbol: str, on_real: Gateway, real: dict[str, bt.Tape], tmp_path: Path
) -> None:
    chance = random.Random(symbol)
    whole = fetch(tmp_path / "whole.dbn.zst", symbol, on_real).path
    most = whole.stat().st_size
    # In the handshake, before any record, among the records; once much of the way, or nearly to the end.
    budgets = [int(chance.choice([4_000, most // 16]) * chance.random()) for _ in range(24)]
    budgets.insert(20, int(most * (0.5 if symbol == "CLX5" else 0.97)))
    path, source, fetched = tmp_path / "some.mbo.dbn.zst", real[symbol], None
    with breaking(on_real.port) as proxy:
        databento = Databento(KEY, f"https://127.0.0.1:{proxy.port}")
        while fetched is None:
            with Fetch(path, request(symbol), databento, wait=lambda _seconds: None) as going:
                agreed, proxy.budgets = going.estimate(), budgets
                try:
                    fetched = going.run(agreed=agreed)
                except bt.UpstreamError:  # too often in a row; what has come stays for the next time
                    assert not path.exists()
                proxy.budgets = []
    assert proxy.resets >= 20
    tape = bt.open(path)
    assert tape.to_numpy().tobytes() == source.to_numpy().tobytes()
    assert fetched.records == fetched.expected == len(tape)
    assert sorted(tmp_path.iterdir()) == [path, whole]


@pytest.mark.parametrize("damage", [b"garbage", b"\x28\xb5\x2f\xfd garbage"])
def test_a_part_that_is_damaged_is_named_and_can_be_had_again(
    damage: bytes, on_made: Gateway, made: bt.Tape, tmp_path: Path
) -> None:
    path = tmp_path / "some.mbo.dbn.zst"
    day = str(made.start)[:10]
    going = Fetch(path, Request.of(dataset=DATASET, start=day), Databento(KEY, on_made.url))
    piece = tmp_path / "some.mbo.dbn.zst.part" / "piece-000000.dbn.zst"
    piece.parent.mkdir()
    piece.write_bytes(damage)
    with pytest.raises(bt.InputError, match="piece-000000"), going:
        pass
    assert piece.read_bytes() == damage
    piece.unlink()
    with going:
        assert going.run(agreed=going.estimate()).records == len(made)
