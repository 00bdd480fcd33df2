"""Damaged DBN files by the thousand, each opened as anyone would: `python tests/hostile.py VERSION FORM SEED COUNT`.

Whatever the damage, opening ends in a tape whose books check, or in a `BooktapeError` that names the file. The first
case for which it does not is kept, and said. Run in a process of its own, with memory and time bounded, by
test_bad_input.py.
"""

import random
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import zstandard

import booktape as bt
from tests.dbn_files import metadata

RECORD = 56
MEMORY = 2 * 2**30
Damage = Callable[[random.Random, bytearray, int], str]


def flip_bits(chance: random.Random, data: bytearray, _: int) -> str:
    places = [chance.randrange(len(data)) for _ in range(chance.choice([1, 1, 2, 8, 64]))]
    for place in places:
        data[place] ^= 1 << chance.randrange(8)
    return f"bits flipped at {places}"


def damage_metadata(chance: random.Random, data: bytearray, head: int) -> str:
    place = chance.randrange(min(head, len(data)))
    data[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    return f"byte {place} of the metadata is {data[place]}"


def inflate_lengths(chance: random.Random, data: bytearray, head: int) -> str:
    """Four bytes that something may take for a length or a count."""
    place = chance.randrange(4, min(head, len(data) - 4))
    data[place : place + 4] = chance.choice([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x10"])
    return f"a length at {place}"


def truncate(chance: random.Random, data: bytearray, _: int) -> str:
    del data[chance.randrange(len(data)) :]
    return f"truncated to {len(data)}"


def damage_header(chance: random.Random, data: bytearray, head: int) -> str:
    """A record's length or type."""
    place = head + RECORD * chance.randrange((len(data) - head) // RECORD) + chance.randrange(2)
    data[place] = chance.choice(
        [0, 1, 2, 3, 13, 15, 16, 0x13, 0x14, 0x15, 0x16, 0x17, 0xA0, 0xFF, chance.randrange(256)]
    )
    return f"record byte {place} is {data[place]}"


def splice(chance: random.Random, data: bytearray, _: int) -> str:
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    piece = bytes(data[start:end])
    at = chance.randrange(len(data))
    if chance.random() < 0.5:
        del data[start:end]
    data[at:at] = piece
    return f"{start}:{end} spliced in at {at}"


def overwrite(chance: random.Random, data: bytearray, _: int) -> str:
    start = chance.randrange(len(data))
    data[start : start + chance.randrange(1, 200)] = chance.randbytes(chance.randrange(200))
    return f"noise at {start}"


DAMAGES: list[Damage] = [
    flip_bits,
    damage_metadata,
    inflate_lengths,
    truncate,
    damage_header,
    splice,
    overwrite,
]


def whole_file(version: int) -> tuple[bytes, int]:
    """A small sound file and the length of its metadata."""
    records = bt.synthesize(messages=150, seed=version).to_numpy().tobytes()
    head = metadata(version)
    return head + records, len(head)


def damaged(chance: random.Random, version: int, form: str) -> tuple[bytes, str]:
    """A file and what was done to it; compressed files are damaged before or after compression."""
    whole, head = whole_file(version)
    data = bytearray(whole)
    compress_first = form == "zstd" and chance.random() < 0.5
    if compress_first:
        data, head = bytearray(zstandard.compress(whole)), 64
    what = [
        chance.choice(DAMAGES)(chance, data, head)
        for _ in range(chance.choice([1, 1, 1, 2, 3]))
        if len(data) > head + 2 * RECORD
    ]
    if form == "zstd" and not compress_first:
        return zstandard.compress(bytes(data)), f"{'; '.join(what)}, then compressed"
    return bytes(data), "; ".join(what)


def survives(path: Path) -> bool:
    """Whether the file opens strictly; fails if it ends in anything but a sound tape or an error naming it."""
    strict = opened(path, tolerant=False)
    kept = opened(path, tolerant=True)
    if strict is not None:
        assert kept is not None
        assert len(kept) == len(strict)
        assert kept.left is None
    elif kept is not None:
        assert kept.left, "left something without saying so"
    return strict is not None


def opened(path: Path, *, tolerant: bool) -> bt.Tape | None:
    try:
        tape = bt.open(path, tolerant=tolerant)
    except bt.BooktapeError as error:
        if path.name not in str(error):
            raise AssertionError("the error does not name the file") from error
        return None
    market = bt.Market()
    market.apply(tape)
    for book in market.books():
        book.check()
        book.state(5, orders=True)
    tape.summary()
    repr(tape)
    return tape


def main(version: int, form: str, seed: int, count: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    good = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.dbn"
        for number in range(count):
            data, what = damaged(random.Random(f"{seed}-{number}"), version, form)
            path.write_bytes(data)
            try:
                good += survives(path)
            except BaseException:
                kept = Path(tempfile.gettempdir()) / f"hostile-v{version}-{form}-{seed}-{number}.dbn"
                kept.write_bytes(data)
                sys.stdout.write(f"{kept}: {what}\n")
                raise
    sys.stdout.write(f"{count} files, {good} of them opened\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
