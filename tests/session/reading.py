"""What a session gives, read as its client reads it."""

from collections.abc import Iterator, Sequence

import booktape as bt
from booktape import _native


def native(tape: bt.Tape) -> _native.Tape:
    return tape._native


def session(
    tape: _native.Tape, *schemas: str, ids: Sequence[int] | None = None, ts_out: bool = False
) -> _native.SessionFrames:
    frames = _native.SessionFrames(ts_out=ts_out)
    for schema in schemas:
        frames.subscribe(tape, schema, ids, position=0)
    return frames


def taken(frames: _native.SessionFrames, tape: _native.Tape, start: int, stop: int, *, ts_out: int = 0) -> bytes:
    """Everything of [start, stop), piece by piece."""
    pieces = []
    while True:
        piece, position = frames.next(tape, start, stop, ts_out=ts_out)
        pieces.append(piece)
        if position >= stop:
            return b"".join(pieces)
        assert piece or position > start
        start = position


def whole(tape: _native.Tape, *schemas: str, ids: Sequence[int] | None = None) -> bytes:
    frames = session(tape, *schemas, ids=ids)
    return taken(frames, tape, 0, len(tape)) + frames.finish()


def records_of(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        yield data[at : (at := at + data[at] * 4)]


def rows_of(tape: bt.Tape, schema: str, **wanted: object) -> bytes:
    return tape.derive(schema, **wanted).to_numpy().tobytes()  # type: ignore[arg-type]
