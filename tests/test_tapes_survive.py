"""What live tapes survive: a process that is killed at any moment, a disk that is full, readers that hold on.

`BOOKTAPE_KILLS=500 pytest tests/test_tapes_survive.py` kills more often than the suite does.
"""

import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import booktape as bt
from booktape import _native
from tests.small_disk import small_disk

KILLS = int(os.environ.get("BOOKTAPE_KILLS", "20"))
MESSAGES = 100_000 + 8_000 * KILLS
SEEN = struct.Struct("<Q56s")


def source() -> bt.Tape:
    return bt.synthesize(messages=MESSAGES, instruments=3, seed=4)


def opened(folder: str) -> tuple[_native.Tapes, _native.LiveTape]:
    """The one live tape of a folder, in segments so small that many begin."""
    tapes = _native.Tapes(folder)
    if not tapes.list():
        return tapes, tapes.create_live("feed", segment_bytes=60_000)
    [(identity, *_)] = tapes.list()
    live = tapes.open(identity, in_memory=0, segment_bytes=60_000)
    assert isinstance(live, _native.LiveTape)
    return tapes, live


def appending(folder: str, dbn_file: str, seed: int) -> None:
    """A process that appends fragments cut anywhere, says what can be seen, and drops old ones; it is killed."""
    _tapes, live = opened(folder)
    dbn = Path(dbn_file).read_bytes()
    head = len(dbn) - 56 * MESSAGES

    def say() -> None:
        index = len(live) - 1
        sys.stdout.buffer.write(SEEN.pack(index, bytes(live.head().buffer(index))))
        sys.stdout.buffer.flush()

    live.on_growth(say)
    at = head + 56 * len(live)
    live.append(dbn[:head])
    dice = random.Random(seed)
    while at < len(dbn):
        size = dice.choice((1, 40, 56, 112, 700))
        live.append(dbn[at : at + size])
        at += size
        if dice.random() < 0.02:
            live.retain(bytes=400_000)


def books(tape: bt.Tape, index: int) -> list[tuple[int, list[bt.Level], list[bt.Level]]]:
    found = tape.market_at(index).books()
    return [(book.instrument_id, book.bids(1_000_000), book.asks(1_000_000)) for book in found]


def test_what_was_seen_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    tape = source()
    dbn = tmp_path / "source.dbn"
    tape.to_dbn(dbn)
    records = tape.to_numpy()
    dice = random.Random(7)
    identities, seen_last, first = set(), -1, 0
    for kill in range(KILLS):
        folder = str(tmp_path / "data")
        command = [sys.executable, "-m", "tests.test_tapes_survive", folder, str(dbn), str(kill)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for _ in range(dice.randrange(1, 300)):
                said = process.stdout.read(SEEN.size)
                assert len(said) == SEEN.size
                index, record = SEEN.unpack(said)
                assert record == records[index].tobytes()
                assert index > seen_last
                seen_last = index
            process.kill()
            # What it said until it was dead was seen, too.
            rest = process.stdout.read()
            for place in range(0, len(rest) - len(rest) % SEEN.size, SEEN.size):
                seen_last, record = SEEN.unpack_from(rest, place)
                assert record == records[seen_last].tobytes()
        tapes, live = opened(folder)
        identities.add(live.id)
        there = bt.Tape(live.head())
        assert len(there) > seen_last
        assert there.first_index >= first
        first = there.first_index
        assert np.array_equal(there.to_numpy(), records[first : len(there)])
        if len(there):
            assert books(there, len(there) - 1) == books(tape, len(there) - 1)
        del tapes, live
    assert len(identities) == 1
    assert first > 0
    assert seen_last > 10 * KILLS


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with small_disk(tmp_path, megabytes=1) as disk:
        yield disk


@pytest.mark.parametrize("sync", ["segment", "batch", "1"])
def test_a_full_disk_fails_the_append_and_nothing_else(disk: Path, tmp_path: Path, sync: str) -> None:
    tape = source()
    tape.to_dbn(tmp_path / "source.dbn")
    dbn = (tmp_path / "source.dbn").read_bytes()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    live = _native.Tapes(str(disk / "data")).create_live("feed", segment_bytes=150_000, sync=sync)
    identity, at = live.id, 0
    failed = ""
    while not failed:
        try:
            live.append(dbn[at : at + 7_001])
        except bt.InputError as error:
            failed = str(error)
        else:
            at += 7_001
    assert "No space left" in failed
    shown = len(live)
    assert 5_000 < shown == (at - (len(dbn) - 56 * MESSAGES)) // 56
    for _ in range(3):
        with pytest.raises(bt.InputError, match="No space left"):
            live.append(dbn[at : at + 7_001])
    assert np.array_equal(bt.Tape(live.head()).to_numpy(), tape.to_numpy()[:shown])
    # What could not be written left nothing behind: whoever opens the folder now sees the same.
    folder = disk / "data" / "tapes" / identity
    assert np.array_equal(bt.open(sorted(folder.glob("*.dbn"))).to_numpy(), tape.to_numpy()[:shown])
    ballast.unlink()
    for _ in range(20):
        live.append(dbn[at : at + 7_001])
        at += 7_001
    assert len(live) > shown
    expected = bt.Tape(live.head()).to_numpy()
    assert np.array_equal(expected, tape.to_numpy()[: len(expected)])
    del live
    [(again, *_)] = (tapes := _native.Tapes(str(disk / "data"))).list()
    assert again == identity
    reopened = tapes.open(identity, in_memory=0)
    assert isinstance(reopened, _native.LiveTape)
    assert np.array_equal(bt.Tape(reopened.head()).to_numpy(), expected)


if __name__ == "__main__":
    appending(sys.argv[1], sys.argv[2], int(sys.argv[3]))
