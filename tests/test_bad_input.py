"""Whatever a file is, it opens or is refused by name; nothing crashes, hangs or eats the memory."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zstandard

import booktape as bt
from booktape.cli.exits import Exit
from tests import hostile
from tests.dbn_files import metadata

ROOT = Path(__file__).resolve().parents[1]
RECORD = 56


@pytest.fixture
def sound(tape: bt.Tape) -> bytes:
    """A sound plain file of version 3, of 5,000 records."""
    return metadata(3) + tape.to_numpy().tobytes()


def kept(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("form", ["plain", "zstd"])
def test_a_thousand_damaged_files_open_or_are_refused_by_name(version: int, form: str) -> None:
    count = 750
    finished = subprocess.run(
        [sys.executable, "-m", "tests.hostile", str(version), form, "1", str(count)],
        cwd=ROOT,
        env={**os.environ, "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.startswith(f"{count} files")
    opened = int(finished.stdout.split()[2])
    assert 0 < opened < count, "damage that never or always shows tests nothing"


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("form", ["plain", "zstd"])
def test_sound_files_of_every_version_open(version: int, form: str, tmp_path: Path) -> None:
    data, head = hostile.whole_file(version)
    tape = bt.open(kept(tmp_path / "sound.dbn", zstandard.compress(data) if form == "zstd" else data))
    assert tape.to_numpy().tobytes() == data[head:]
    assert tape.dbn_version == version
    assert tape.left is None


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"DB", "not a DBN file|truncated|metadata"),
        (b"not market data", "not a DBN file"),
        (b"PK\x03\x04" + bytes(100), "not a DBN file"),
        (b"DBN\x04" + bytes(500), "DBN version 4; this build reads versions 1 to 3"),
        (b"DBN\x00" + bytes(500), "DBN version 0"),
        (b"DBN\x03\xff\xff\xff\xff", "metadata"),
        (b"\x28\xb5\x2f\xfd", "zstd|truncated|damaged"),
        (zstandard.compress(b"not market data"), "not a DBN file"),
        (zstandard.compress(b""), "empty"),
    ],
)
@pytest.mark.parametrize("tolerant", [False, True])
def test_what_is_no_tape_is_refused_saying_why(tmp_path: Path, data: bytes, why: str, tolerant: bool) -> None:
    with pytest.raises(bt.InputError, match=rf"bad\.dbn: .*({why})"):
        bt.open(kept(tmp_path / "bad.dbn", data), tolerant=tolerant)


@pytest.mark.parametrize(
    ("begin", "way_out"),
    [
        (b"\x1f\x8b\x08\x00", "as gzip does: unpack it first"),
        (zstandard.compress(b"DBN"), "as zstd does: it is compressed twice, unpack it once"),
        (b"PAR1", "as Parquet does: request the data as DBN"),
        (b'{"hd":{', "as JSON does: request the data as DBN"),
    ],
)
def test_what_people_take_for_dbn_is_named(tmp_path: Path, begin: bytes, way_out: str) -> None:
    data = zstandard.compress(begin) if "twice" in way_out else begin + bytes(100)
    with pytest.raises(bt.InputError, match=rf"other\.dbn: not a DBN file: .*, {way_out}"):
        bt.open(kept(tmp_path / "other.dbn", data))


@pytest.mark.parametrize("kind", [0, 15])
def test_frames_without_data_are_passed_over(tape: bt.Tape, sound: bytes, tmp_path: Path, kind: int) -> None:
    skippable = (0x184D2A50 + kind).to_bytes(4, "little") + (20).to_bytes(4, "little") + bytes(20)
    half = len(sound) // 2
    frames = [skippable, zstandard.compress(sound[:half]), skippable, zstandard.compress(sound[half:]), skippable]
    path = kept(tmp_path / "seekable.dbn.zst", b"".join(frames))
    for in_memory in (None, 1):
        opened = bt.open(path, max_in_memory=in_memory, data_dir=tmp_path)
        assert np.array_equal(opened.to_numpy(), tape.to_numpy())


def test_whoever_asked_for_all_is_told_how_to_get_some(sound: bytes, tmp_path: Path) -> None:
    path = kept(tmp_path / "zeros.dbn", sound + bytes(8))
    with pytest.raises(bt.InputError, match=r"tolerant=True \(--tolerant\) to keep the 5000 records before it$"):
        bt.open(path)
    left = bt.open(path, tolerant=True).left
    assert left
    assert "tolerant" not in left


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(bt.InputError, match=r"gone\.dbn: .*[Nn]o such file"):
        bt.open(tmp_path / "gone.dbn")
    with pytest.raises(bt.InputError, match=f"{tmp_path.name}.*directory"):
        bt.open(tmp_path)


@pytest.mark.parametrize("cut", [1, 20, RECORD - 1, RECORD + 3, 100 * RECORD + 30])
def test_a_cut_file_is_kept_up_to_its_last_whole_record(tape: bt.Tape, sound: bytes, tmp_path: Path, cut: int) -> None:
    path = kept(tmp_path / "cut.dbn", sound[:-cut])
    whole = len(tape) - 1 - cut // RECORD
    with pytest.raises(bt.InputError, match=rf"cut\.dbn: truncated: record {whole} at byte \d+ needs 56 bytes"):
        bt.open(path)
    partial = bt.open(path, tolerant=True)
    assert np.array_equal(partial.to_numpy(), tape.to_numpy()[:whole])
    assert partial.left is not None
    assert str(whole) in partial.left


@pytest.mark.parametrize("length", [0, 1, 3, 13, 255])
def test_a_record_of_impossible_length_ends_what_can_be_read(
    tape: bt.Tape, sound: bytes, tmp_path: Path, length: int
) -> None:
    data = bytearray(sound)
    data[len(data) - 100 * RECORD] = length
    path = kept(tmp_path / "length.dbn", bytes(data))
    with pytest.raises(bt.InputError, match=rf"length\.dbn: record 4900 at byte \d+: length {4 * length} "):
        bt.open(path)
    partial = bt.open(path, tolerant=True)
    assert np.array_equal(partial.to_numpy(), tape.to_numpy()[:4_900])
    assert partial.left


def test_a_record_of_no_known_type_is_named(sound: bytes, tmp_path: Path) -> None:
    data = bytearray(sound)
    data[len(data) - 100 * RECORD + 1] = 0x77
    with pytest.raises(bt.InputError, match=r"record 4900 at byte .*0x77"):
        bt.open(kept(tmp_path / "type.dbn", bytes(data)))


def test_another_schema_is_refused_by_its_name(tmp_path: Path) -> None:
    data = bytearray(metadata(3))
    at = data.index((0).to_bytes(2, "little"), 24)  # mbo is 0, after the sixteen bytes of the dataset
    data[at : at + 2] = (4).to_bytes(2, "little")
    with pytest.raises(bt.InputError, match=r"the schema is trades; booktape reads mbo"):
        bt.open(kept(tmp_path / "trades.dbn", bytes(data)))


def test_damaged_compression_is_kept_up_to_the_damage(tape: bt.Tape, sound: bytes, tmp_path: Path) -> None:
    data = zstandard.ZstdCompressor(write_checksum=True).compress(sound)
    path = kept(tmp_path / "damaged.dbn.zst", data[: len(data) * 3 // 4])
    with pytest.raises(bt.InputError, match=r"damaged\.dbn\.zst"):
        bt.open(path)
    partial = bt.open(path, tolerant=True)
    assert 0 < len(partial) < len(tape)
    assert np.array_equal(partial.to_numpy(), tape.to_numpy()[: len(partial)])
    assert partial.left


def test_a_bomb_is_refused_before_it_fills_the_memory(sound: bytes, tmp_path: Path) -> None:
    first = sound[-5_000 * RECORD :][:RECORD]
    bomb = zstandard.compress(metadata(3) + first * 6_000_000, level=19)
    assert len(bomb) < 300_000
    path = kept(tmp_path / "bomb.dbn.zst", bomb)
    with pytest.raises(bt.InputError, match=r"decompresses to more than \d+ bytes; raise max_decompressed"):
        bt.open(path)
    with pytest.raises(bt.InputError, match="decompresses to more than 1000000 bytes"):
        bt.open(path, max_decompressed=1_000_000)


@pytest.mark.parametrize("limit", [-1, 0, 2**64, "8G"])
def test_a_limit_is_a_number_of_bytes(sound: bytes, limit: object) -> None:
    with pytest.raises(bt.ParameterError, match="max_decompressed = "):
        bt.open(sound, max_decompressed=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["inspect", "book", "audit", "replay", "serve"])
def test_the_command_line_refuses_in_one_line(command: str, sound: bytes, tmp_path: Path) -> None:
    path = kept(tmp_path / "cut.dbn", sound[:-1])
    finished = subprocess.run(
        [sys.executable, "-m", "booktape", command, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == Exit.BAD_INPUT
    assert finished.stderr.startswith(f"booktape: {path}: truncated")
    assert len(finished.stderr.splitlines()) == 1
    assert finished.stdout == ""
