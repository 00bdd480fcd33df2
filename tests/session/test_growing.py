"""Sessions on tapes that grow, and whose beginning is dropped."""

from pathlib import Path

import pytest

import booktape as bt
from booktape import _native
from tests.dbn_files import metadata
from tests.session.mixed import BESIDE
from tests.session.reading import native, records_of, rows_of, session, taken


def test_a_growing_tape_gives_the_same(mixed_file: tuple[bytes, bytes], tmp_path: Path) -> None:
    data, expected = mixed_file
    live = _native.Tapes(str(tmp_path)).create_live("live", segment_bytes=100_000)
    frames = session(live.head(), "mbo", *BESIDE)
    position, got = 0, [taken(frames, live.head(), 0, 0)]
    for start in range(0, len(data), 7_919):
        live.append(data[start : start + 7_919])
        head = live.head()
        got.append(taken(frames, head, position, len(head)))
        position = len(head)
    # What the id means nobody knew when the client subscribed.
    told, *sent = records_of(b"".join(got))
    assert told[1] == 0x16
    assert b"".join(sent) == expected


def test_what_comes_behind_the_last_record_does_not_wait_for_the_next(
    mixed_file: tuple[bytes, bytes], tmp_path: Path
) -> None:
    data, expected = mixed_file
    live = _native.Tapes(str(tmp_path)).create_live("live")
    live.append(data[:-40])
    frames, before = session(live.head(), "mbo", *BESIDE), live.head()
    sent = taken(frames, before, 0, len(before))
    live.append(data[-40:])
    head = live.head()
    assert len(head) == len(before)
    assert sent + taken(frames, head, len(head), len(head)) == expected
    assert taken(frames, head, len(head), len(head)) == b""


def test_names_that_come_with_the_first_records_are_told(tmp_path: Path) -> None:
    live = _native.Tapes(str(tmp_path)).create_live("live")
    frames = session(live.head(), "mbo")
    flow = bt.synthesize(messages=10, seed=1).to_numpy().tobytes()
    live.append(metadata() + flow)
    head = live.head()
    told = taken(frames, head, 0, len(head))
    assert told.endswith(flow)
    assert (told[1], told[4:8]) == (0x16, (1).to_bytes(4, "little"))


def test_a_tape_whose_beginning_was_dropped(tmp_path: Path) -> None:
    flow = bt.synthesize(messages=30_000, seed=3)
    live = _native.Tapes(str(tmp_path)).create_live("live", segment_bytes=100_000)
    for piece in flow.pieces("dbn"):
        for start in range(0, len(piece), 20_000):
            live.append(piece[start : start + 20_000])
    assert live.retain(bytes=400_000)
    head = bt.Tape(live.head())
    first = head.first_index
    assert first > 10_000
    for schema in ("mbo", "mbp-1", "bbo-1s", "ohlcv-1s"):
        frames = _native.SessionFrames()
        frames.subscribe(native(head), schema, None, position=first)
        assert taken(frames, native(head), first, len(head)) + frames.finish() == rows_of(head, schema)
    frames = _native.SessionFrames()
    with pytest.raises(bt.GoneError, match=f"keeps records from index {first} on"):
        frames.next(native(head), first - 1, first)
    with pytest.raises(bt.GoneError, match=f"keeps records from index {first} on"):
        frames.snapshot(native(head), first - 1, None)
