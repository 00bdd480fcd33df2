"""What the store survives: a killed process, a full disk, damage."""

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import textwrap
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import booktape as bt
from tests.database import rows

KILLS = 20
RECORDS = 60_000
"""Enough that the indices are left out and built at the end."""


@pytest.fixture(scope="module")
def long_tape() -> bt.Tape:
    return bt.synthesize(messages=RECORDS, instruments=2, seed=4)


@pytest.fixture(scope="module")
def long_file(long_tape: bt.Tape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.dbn"
    long_tape.to_dbn(path)
    return path


def clean_load(folder: Path, file: Path) -> list[tuple[object, ...]]:
    with bt.Store(folder) as store:
        store.load(bt.open(file))
    return list(rows(folder))


def load_until_killed(folder: str, file: str, begun: Connection) -> None:
    tape = bt.open(file)
    begun.send(True)
    with bt.Store(folder) as store:
        store.load(tape)


def test_a_load_killed_at_any_moment_is_made_good(long_file: Path, tmp_path: Path) -> None:
    expected = clean_load(tmp_path / "clean", long_file)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["booktape"])
    chance, left = random.Random(7), []
    for number in range(KILLS):
        folder = tmp_path / str(number)
        begun, tell = context.Pipe(duplex=False)
        process = context.Process(target=load_until_killed, args=(str(folder), str(long_file), tell))
        process.start()
        assert begun.recv()
        process.join(chance.uniform(0, 0.5))
        process.kill()
        process.join()
        with bt.Store(folder) as store:
            store.verify()
            assert store.status().indexed
            before = sum(tape.rows for tape in store.tapes())
            assert store.load(bt.open(long_file)) == RECORDS - before
            left.append(before)
        assert list(rows(folder)) == expected
        shutil.rmtree(folder)
    assert any(before < RECORDS for before in left), "no load was killed before its end"


FULL_DISK = """
import sys
from pathlib import Path
import booktape as bt
folder, file = Path(sys.argv[1]), sys.argv[2]
tape = bt.open(file)
ballast = folder / "ballast"
with bt.Store(folder / "data") as store:
    ballast.write_bytes(bytes(27 * 2**20))
    try:
        store.load(tape)
    except bt.StoreError as error:
        assert "the disk is full" in str(error), error
    else:
        raise AssertionError("it was not full")
    store.follow(tape)
    while store.error is None:
        pass
    assert "the disk is full" in store.error, store.error
    ballast.unlink()
    assert store.flush(60)
    assert store.error is None
    store.verify()
    assert [stored.rows for stored in store.tapes()] == [len(tape)]
Path(sys.argv[3]).write_bytes((folder / "data" / "booktape.db").read_bytes())
"""


def test_a_full_disk_is_said_and_nothing_is_lost(long_file: Path, tmp_path: Path) -> None:
    mounted, copy = tmp_path / "small", tmp_path / "copy"
    mounted.mkdir()
    copy.mkdir()
    run = f'mount -t tmpfs -o size=32m tmpfs "$1" && exec {sys.executable} -c "$2" "$1" "$3" "$4"'
    shell = ["sh", "-c", run, "sh", str(mounted), textwrap.dedent(FULL_DISK), str(long_file), str(copy / "booktape.db")]
    command = ["unshare", "--map-root-user", "--mount", *shell]
    if shutil.which("unshare") is None or subprocess.run([*command[:3], "true"], check=False).returncode:
        pytest.skip("no unshare, or no right to a small disk of one's own")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found, expected = list(rows(copy)), clean_load(tmp_path / "clean", long_file)
    # The order in which indices were built is all that may differ.
    assert found == expected


def damage(chance: random.Random, data: bytearray) -> str:
    match chance.randrange(4):
        case 0:
            places = [chance.randrange(len(data)) for _ in range(chance.choice([1, 8, 64, 512]))]
            for place in places:
                data[place] ^= 1 << chance.randrange(8)
            return f"{len(places)} bits flipped, the first at {places[0]}"
        case 1:
            size = chance.randrange(len(data))
            del data[size:]
            return f"cut to {size}"
        case 2:
            start = chance.randrange(len(data))
            end = min(len(data), start + chance.randrange(1, 20_000))
            data[start:end] = chance.randbytes(end - start)
            return f"noise from {start} to {end}"
        case _:
            place = chance.randrange(100)
            data[place] = chance.randrange(256)
            return f"byte {place} of the head is {data[place]}"


@pytest.mark.parametrize("seed", range(60))
def test_damage_is_an_error_that_says_so_and_can_be_built_again(seed: int, tape: bt.Tape, tmp_path: Path) -> None:
    with bt.Store(tmp_path) as store:
        store.load(tape)
    database = tmp_path / "booktape.db"
    data = bytearray(database.read_bytes())
    what = damage(random.Random(seed), data)
    database.write_bytes(data)
    other = bt.synthesize(messages=500, seed=seed)
    if (why := fault_of(tmp_path, tape, other)) is None:
        return  # what was damaged is a value, or nothing: SQLite cannot know
    assert "booktape.db" in why, what
    if "nothing was changed" in why:  # a head that says another version or program: that is not ours to move
        assert database.read_bytes() == data, what
        return
    with bt.Store(tmp_path, rebuild=True) as store:
        assert store.set_aside, f"{what}: {why}"
        assert store.load(tape) == len(tape)
        store.verify()


def fault_of(folder: Path, tape: bt.Tape, other: bt.Tape) -> str | None:
    """What a store that is used in every way says is wrong with it."""
    try:
        with bt.Store(folder) as store:
            store.load(other)
            store.messages(instrument=tape.instruments[0].instrument_id)
            store.sql("SELECT sum(size), sum(order_id % 7) FROM mbo_messages")
            store.verify()
    except bt.StoreError as error:
        return str(error)
    return None


def test_a_folder_that_may_only_be_read_is_named(tmp_path: Path, tape: bt.Tape) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    with bt.Store(tmp_path) as store:
        store.load(tape)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(bt.StoreError, match="cannot be written"):
            bt.Store(tmp_path)
    finally:
        tmp_path.chmod(0o700)
