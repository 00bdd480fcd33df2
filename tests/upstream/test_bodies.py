"""What comes from Databento, as it may come: in several frames, cut off between them, or made to do harm."""

import struct
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import zstandard

import booktape as bt
from booktape.cli.exits import Exit
from booktape.spans import Span
from booktape.upstream.scanner import Got, Scanner
from tests.cli.conftest import Run
from tests.dbn_files import metadata
from tests.historical.gateway import PATIENCE
from tests.upstream.between import RANGE, Answer, Between

# The client leaves its files to be closed by themselves.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

BLOCK = 2**17
"""Bytes of zeros that a block of four bytes stands for."""
SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"words"
EVER = Span(0, 2**64 - 1)


def frame(*contents: bytes) -> bytes:
    """A frame of zstd, as a compressor makes it while records come."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join(map(packer.compress, contents)) + packer.flush()


def zeros(begin: bytes, blocks: int, window_log: int = 17) -> bytes:
    """A frame by hand: some bytes as they are, then so many blocks of zeros, in no more than four bytes each."""
    head = struct.pack("<IBB", 0xFD2FB528, 0, (window_log - 10) << 3)
    raw = (len(begin) << 3).to_bytes(3, "little") + begin
    more, last = ((BLOCK << 3 | 0b10 | is_last).to_bytes(3, "little") + b"\0" for is_last in (0, 1))
    return head + raw + more * (blocks - 1) + last


def fetched(run: Run, server: Between, source: bt.Tape, path: Path) -> tuple[int, str]:
    asked = ["--dataset", "GLBX.MDP3", "--symbols", "ALL_SYMBOLS", "--start", str(source.start)[:10]]
    done = run("fetch", *asked, "--gateway", server.url, "--yes", "-o", path)
    return done.code, done.err


@pytest.fixture(autouse=True)
def _ready(key: str, at_once: None) -> None:
    """A key, and no time to lose."""


def test_metadata_and_records_may_be_frames_of_their_own(
    run: Run, between_them: Between, source: bt.Tape, tmp_path: Path
) -> None:
    records = source.to_numpy().tobytes()
    parts = [records[:56_010], records[56_010:2_000_000], records[2_000_000:]]  # one of them ends within a record
    body = frame(source._native.dbn_head) + SKIPPABLE + b"".join(map(frame, parts))
    between_them.answers[RANGE] = Answer(body)
    path = tmp_path / "day.dbn.zst"
    assert fetched(run, between_them, source, path)[0] == Exit.OK
    assert path.read_bytes() == body
    assert bt.open(path).to_numpy().tobytes() == records


@pytest.mark.parametrize("records", [0, 1, 30_000])
def test_what_breaks_off_between_two_frames_is_not_whole(
    records: int, run: Run, between_them: Between, source: bt.Tape, tmp_path: Path
) -> None:
    first = source.to_numpy()[:records].tobytes()
    body = frame(source._native.dbn_head) + (frame(first) if first else b"")
    between_them.once[RANGE] = Answer(body, missing=1)
    path = tmp_path / "day.dbn.zst"
    assert fetched(run, between_them, source, path)[0] == Exit.OK
    assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()
    assert list(tmp_path.iterdir()) == [path]


def test_all_that_is_there_needs_nothing_more(
    run: Run, between_them: Between, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process ends after the last record, and before the file has its name."""
    path = tmp_path / "day.dbn.zst"
    with monkeypatch.context() as patch:
        patch.setattr("booktape.upstream.part.Part.finish", _ends)
        with pytest.raises(KeyboardInterrupt):
            bt.fetch(path, dataset="GLBX.MDP3", start=str(source.start)[:10], max_cost=0, gateway=between_them.url)
    asked = len(between_them.asked)
    assert fetched(run, between_them, source, path)[0] == Exit.OK
    assert len(between_them.asked) == asked
    assert bt.open(path).to_numpy().tobytes() == source.to_numpy().tobytes()


def _ends(*_: object) -> None:
    raise KeyboardInterrupt


HEAD = metadata(3)
BOMBS = {
    "not DBN": zeros(b"\0", 2**14),
    "metadata without end": zeros(b"DBN\x03" + (2**26).to_bytes(4, "little"), 2**14),
    "the first record that came from Databento is damaged": zeros(HEAD, 2**14),
    "damaged: zstd decompressor error: Frame requires too much memory": zeros(HEAD, 2**14, window_log=30),
    "damaged: zstd decompressor error: Unknown frame descriptor": frame(HEAD) + b"\0" * 1_000,
}


@pytest.mark.parametrize("says", BOMBS)
def test_gigabytes_of_nothing_are_refused(
    says: str, run: Run, between_them: Between, source: bt.Tape, tmp_path: Path
) -> None:
    assert len(BOMBS[says]) < 70_000
    between_them.answers[RANGE] = Answer(BOMBS[says])
    code, err = fetched(run, between_them, source, tmp_path / "day.dbn.zst")
    assert (code, says in err) == (Exit.BAD_INPUT, True), err
    assert [path.name for path in tmp_path.iterdir()] == ["day.dbn.zst.part"]


def test_more_than_was_counted_is_refused(run: Run, between_them: Between, source: bt.Tape, tmp_path: Path) -> None:
    day = source.to_numpy().tobytes()
    between_them.answers[RANGE] = Answer(frame(source._native.dbn_head, *repeat(day, 50)))
    code, err = fetched(run, between_them, source, tmp_path / "day.dbn.zst")
    assert (code, "more than 120,000 records came" in err) == (Exit.BAD_INPUT, True), err


def test_a_body_without_end_is_left(
    run: Run, between_them: Between, source: bt.Tape, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames without anything in them: nothing is wrong with any, and they fill the disk."""
    monkeypatch.setattr("booktape.upstream.download._METADATA", 2**20)
    between_them.answers[RANGE] = Answer(frame(b"") * 10_000, is_endless=True)
    code, err = fetched(run, between_them, source, tmp_path / "day.dbn.zst")
    assert (code, "bytes came, where Databento had counted far fewer" in err) == (Exit.BAD_INPUT, True), err
    assert between_them.gone.wait(PATIENCE)


def test_what_unpacks_without_end_is_refused_in_little_memory(source: bt.Tape) -> None:
    same = source.to_numpy()[:1].tobytes() * 2**14
    packed = frame(HEAD, *repeat(same, 2**9))
    assert len(packed) < 2**18
    blocks: list[int] = []
    with pytest.raises(bt.InputError, match="unpack without end"):
        blocks += map(len, Scanner("mbo", EVER, Got()).feed(packed))
    assert 0 < sum(blocks) < 2**29
    assert max(blocks) < 2**26


def test_records_of_one_time_are_recognised_however_many_they_are(source: bt.Tape) -> None:
    """As in a snapshot; nothing of them is kept but what they come to."""
    records = source.to_numpy()[30_000:33_000].copy()
    records["ts_recv"][1_000:] = records["ts_recv"][1_000]
    records["ts_recv"][:1_000] -= 1

    def seen(before: Got, some: np.ndarray) -> tuple[Got, bytes]:
        scanner = Scanner("mbo", EVER, before)
        new = b"".join(_fed(scanner, frame(HEAD, some.tobytes())))
        assert scanner.is_whole
        return scanner.got, new

    got, _ = seen(Got(), records[:1_500])
    assert (got.records, got.repeated) == (1_500, 500)
    got, new = seen(got, records[1_000:2_500])
    assert (got.records, got.repeated, new) == (2_500, 1_500, records[1_500:2_500].tobytes())
    got, new = seen(got, records[1_000:])
    assert (got.records, new) == (3_000, records[2_500:].tobytes())
    other = records[1_000:].copy()
    other["order_id"][1_234] += 1
    with pytest.raises(bt.InputError, match="other records than before"):
        seen(got, other)


def _fed(scanner: Scanner, data: bytes) -> Iterator[bytes]:
    for begin in range(0, len(data), 7_001):
        yield from scanner.feed(data[begin : begin + 7_001])
