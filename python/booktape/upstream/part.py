"""What has come of a file so far: a folder beside it, with what was asked for and every piece as it came.

Nothing in it is ever changed, so whatever ends the process, and when: what is whole in the pieces is all that counts.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from booktape._native import WholeFile
from booktape.errors import ConflictError, InputError
from booktape.upstream.scanner import Got, Scanner, scanned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from booktape.upstream.request import Request

ENDING = ".part"
"""What the folder's name has more than the file's."""
_ABOUT = "request.json"
_ALL = "all"
"""Is there when all pieces are."""
_LEVEL = 3
"""How hard what came in pieces is compressed: as zstd does by itself."""


class Part:
    """The pieces of one request, held by one process at a time."""

    def __init__(self, path: Path, request: Request) -> None:
        self.path = path
        self.folder = path.with_name(path.name + ENDING)
        self._all = self.folder / _ALL
        self._request = request

    @classmethod
    @contextmanager
    def held(cls, path: Path, request: Request) -> Iterator[Self]:
        """The part of a file, with what is in it from before.

        Raises:
            ConflictError: it is of another request, or another process is at it.
            OSError: it cannot be written.
        """
        part = cls(path, request)
        part.folder.mkdir(exist_ok=True)
        with ExitStack() as held:
            lock = os.open(part.folder, os.O_RDONLY | os.O_DIRECTORY)
            held.callback(os.close, lock)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(f"{part.folder}: another process is fetching it") from None
            part._require_same()
            try:
                yield part
            finally:
                if part.folder.exists() and not part.pieces:
                    shutil.rmtree(part.folder)

    @property
    def pieces(self) -> list[Path]:
        """What has come, in order."""
        return sorted(self.folder.glob("piece-*.dbn.zst"))

    def next_piece(self) -> Path:
        """Where the next piece goes."""
        taken = set(self.pieces)
        names = (self.folder / f"piece-{number:06}.dbn.zst" for number in count())
        return next(name for name in names if name not in taken)

    def got(self) -> Got:
        """What has come, by looking through all of it."""
        got, pieces = Got(), self.pieces
        for piece in pieces:
            scanner = self.scanner(got)
            try:
                for _ in scanned(piece, scanner):
                    pass
            except InputError as why:
                raise InputError(f"{piece}: {why}; remove it, and those behind it, to have them again") from None
            is_last = piece == pieces[-1] and scanner.is_whole and self._all.exists()
            got = self.settled(piece, scanner.got, got, is_last=is_last)
        return got

    def scanner(self, before: Got, most: int | None = None) -> Scanner:
        """Looks through a piece that goes on from what has come; there may be so many records in all."""
        return Scanner(self._request.schema, self._request.span, before, most)

    def settled(self, piece: Path, got: Got, before: Got, *, is_last: bool) -> Got:
        """What has come with a piece. One that brought nothing new is removed, unless it is the last.

        That it is the last is kept beside it: what ends between two frames looks as if it were whole.
        """
        if is_last:
            _sync(piece)
            self._all.touch()
            return replace(got, complete=True)
        if got.records == before.records:
            piece.unlink(missing_ok=True)
            return before
        return got

    def finish(self, look: Callable[[], object]) -> None:
        """Makes the file of the pieces, and removes them. It is there when it is whole, and not before.

        `look` is called now and then; what it raises ends the work.
        """
        pieces = self.pieces
        if len(pieces) == 1:
            _sync(pieces[0])
            pieces[0].replace(self.path)
            _sync(self.path.parent)
        else:
            import zstandard

            packer = zstandard.ZstdCompressor(level=_LEVEL)
            with WholeFile(os.fspath(self.path)) as whole, packer.stream_writer(Path(whole).open("wb")) as packed:
                for block in self._joined(pieces):
                    look()
                    packed.write(block)
        shutil.rmtree(self.folder)

    def _joined(self, pieces: list[Path]) -> Iterator[bytes]:
        """The metadata of the first, then every record once."""
        got = Got()
        for number, piece in enumerate(pieces):
            scanner = self.scanner(got)
            is_first = number == 0
            for block in scanned(piece, scanner):
                if is_first and scanner.metadata:
                    yield scanner.metadata
                    is_first = False
                yield block
            got = scanner.got

    def _require_same(self) -> None:
        about, asked = self.folder / _ABOUT, self._request.to_json()
        try:
            kept = about.read_bytes()
        except FileNotFoundError:
            with WholeFile(os.fspath(about)) as whole:
                Path(whole).write_bytes(asked)
            return
        if kept != asked:
            raise ConflictError(f"{self.folder} is of another request; remove it, or choose another name")


def _sync(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
