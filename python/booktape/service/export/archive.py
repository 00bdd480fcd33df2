"""A zip of everything that a tape holds and came to, made while it is sent."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

from booktape import Market, Tape, __version__
from booktape.service.downloads import Progress
from booktape.service.tapes.tree import MarketTree
from booktape.sink import Sink

README = """\
tape.dbn.zst opens with booktape.open("tape.dbn.zst"), `booktape serve tape.dbn.zst` or databento.DBNStore.from_file(\
"tape.dbn.zst"); records.* are its MBO records, for any program.
instruments.json says what is traded, books.json how every book stood at the end, audit.json what was wrong, \
manifest.json the size and SHA-256 of every file.
"""

ALL_LEVELS = 2**32 - 1

COMPRESSION = 1
"""The quickest: the largest member is compressed by itself, and text gains little from more."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive, made when its turn comes."""

    name: str
    about: str
    pieces: Callable[[], Iterator[bytes]]


def archive(tape: Tape, *, parquet: bool, progress: Progress) -> Iterator[bytes]:
    """The archive's bytes: the same for the same tape, since members carry no time but zip's first, 1980-01-01."""
    sink = Sink()
    files: list[dict[str, object]] = []
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as packed:
        for member in _members(tape, parquet=parquet, progress=progress):
            size, digest = 0, sha256()
            # Sizes are not known before, so any member may turn out to need 64 bits for them.
            with packed.open(member.name, "w", force_zip64=True) as unpacked:
                for piece in member.pieces():
                    size += len(piece)
                    digest.update(piece)
                    unpacked.write(piece)
                    yield sink.take()
            files.append({"name": member.name, "bytes": size, "sha256": digest.hexdigest(), "about": member.about})
        with packed.open("manifest.json", "w") as unpacked:
            unpacked.write(_json({"booktape": __version__, "tape": tape.summary(), "files": files}))
    yield sink.take()


def _members(tape: Tape, *, parquet: bool, progress: Progress) -> Iterator[Member]:
    yield Member("README.txt", "how to open the others", lambda: iter([README.encode()]))
    yield Member(
        "tape.dbn.zst",
        "the tape as it was read, DBN compressed with zstd",
        lambda: tape.pieces("dbn.zst", progress=progress),
    )
    yield Member("records.csv", "the MBO records as databento's to_csv", lambda: tape.pieces("csv", progress=progress))
    if parquet:
        yield Member("records.parquet", "the MBO records as columns", lambda: tape.pieces("parquet", progress=progress))
    yield Member(
        "instruments.json", "instruments with their publishers, most records first", lambda: iter([_instruments(tape)])
    )
    # One market for both: it is the same moment, and a while's work on a tape that has no index yet.
    market = tape.market_at(len(tape) - 1, progress=progress) if len(tape) else Market()
    yield Member("books.json", "every book as published at the end, all orders in queue order", lambda: _books(market))
    yield Member("audit.json", "what was wrong and where each book ended", lambda: iter([_json(market.audit())]))


def _instruments(tape: Tape) -> bytes:
    return msgspec.json.format(msgspec.json.encode(MarketTree(tape).instruments)) + b"\n"


def _books(market: Market) -> Iterator[bytes]:
    yield b"["
    for number, book in enumerate(market.books()):
        yield b",\n" if number else b"\n"
        yield book.state_json(ALL_LEVELS, view="published", orders=True)
    yield b"\n]\n"


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
