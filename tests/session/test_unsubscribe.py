"""What is wanted no longer does not come, and comes as before where it is wanted again."""

from random import Random

import pytest

import booktape as bt
from booktape import _native
from tests.session.reading import native, records_of, taken

SCHEMAS = ("mbo", "mbp-1", "trades", "tbbo", "bbo-1s", "ohlcv-1s")


def of(data: bytes, ids: set[int]) -> bytes:
    """The records of some instruments."""
    return b"".join(record for record in records_of(data) if int.from_bytes(record[4:8], "little") in ids)


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("everything", [True, False])
def test_an_instrument_that_was_left_can_be_taken_up_again(schema: str, everything: bool) -> None:
    tape = native(bt.synthesize(messages=6_000, instruments=3, seed=8))
    ids = {row[2] for row in tape.instruments()}
    gone = min(ids)
    leave, back = sorted(Random(schema).sample(range(len(tape)), 2))
    always, now_and_then = _native.SessionFrames(), _native.SessionFrames()
    for frames in (always, now_and_then):
        frames.subscribe(tape, schema, None if everything else sorted(ids), position=0)
    assert taken(now_and_then, tape, 0, leave) == taken(always, tape, 0, leave)
    now_and_then.unsubscribe(schema, [gone, 999_999])
    between = taken(always, tape, leave, back)
    assert taken(now_and_then, tape, leave, back) == of(between, ids - {gone})
    now_and_then.subscribe(tape, schema, [gone], position=back)
    assert taken(now_and_then, tape, back, len(tape)) == taken(always, tape, back, len(tape))
    assert now_and_then.finish() == always.finish()


@pytest.mark.parametrize("schema", SCHEMAS)
def test_nothing_comes_once_all_was_left(schema: str) -> None:
    tape = native(bt.synthesize(messages=2_000, instruments=2, seed=9))
    frames = _native.SessionFrames()
    frames.subscribe(tape, schema, None, position=0)
    frames.unsubscribe(schema, None)
    assert taken(frames, tape, 0, len(tape)) + frames.finish() == b""
