"""Files that clients may name: those below the allowed folders, and no other way to them.

Who names a file may not be who can read the machine, so a refusal never tells whether something outside exists. And
who can write below an allowed folder may not be who runs the service: names are resolved once, then opened folder by
folder without following links, and read from what was opened, whatever the name has come to mean since.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from booktape.errors import NotFoundError, ParameterError
from booktape.parameters import bad_parameter

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not waiting: a FIFO put where the file was would otherwise hold the service until somebody writes to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class AllowedFile:
    """A file that may be read."""

    path: Path
    """Where it is, without links."""
    opened: Path
    """A path of the same name that means this very file for as long as it is held."""


@contextmanager
def allowed(named: str, folders: Sequence[Path], scratch: Path) -> Iterator[AllowedFile]:
    """Holds a file that a client names by its path, absolute or from one of the folders.

    `scratch` is a folder of the service's own.

    Raises:
        ParameterError: the path leads out of the folders, or to something else than a file.
        NotFoundError: it leads to nothing inside of them.
    """
    folder, parts = _place(named, [Path(os.path.realpath(folder)) for folder in folders])
    with ExitStack() as held:
        file = _open(named, folder, parts, held)
        hidden = held.enter_context(TemporaryDirectory(prefix="named-", dir=scratch))
        opened = Path(hidden, parts[-1])
        opened.symlink_to(f"/dev/fd/{file}")
        yield AllowedFile(folder.joinpath(*parts), opened)


def _place(named: str, folders: Sequence[Path]) -> tuple[Path, tuple[str, ...]]:
    """The folder a path is below, and its way from there, without links."""
    if not folders:
        raise bad_parameter("path", named, "no file may be named here; BOOKTAPE_ALLOWED_DIRS says which folders may")
    if not _is_sound(named):
        raise _outside(named)
    inside = [
        (each, real.relative_to(each).parts)
        for real in (Path(os.path.realpath(folder / named)) for folder in folders)
        for each in folders
        if real != each and real.is_relative_to(each)
    ]
    if not inside:
        raise _outside(named)
    return next((way for way in inside if os.path.lexists(way[0].joinpath(*way[1]))), inside[0])


def _is_sound(named: str) -> bool:
    try:
        return b"\0" not in os.fsencode(named) and ".." not in Path(named).parts
    except UnicodeEncodeError:
        return False


def _open(named: str, folder: Path, parts: Sequence[str], held: ExitStack) -> int:
    try:
        place = _hold(os.open(folder, _FOLDER), held)
        for part in parts[:-1]:
            place = _hold(os.open(part, _FOLDER, dir_fd=place), held)
        _require_file(named, os.stat(parts[-1], dir_fd=place, follow_symlinks=False))
        file = _hold(os.open(parts[-1], _FILE, dir_fd=place), held)
    except FileNotFoundError:
        raise NotFoundError(f"no file {named}") from None
    except OSError as error:
        raise bad_parameter("path", named, error.strerror or "cannot be opened") from None
    _require_file(named, os.fstat(file))
    return file


def _hold(descriptor: int, held: ExitStack) -> int:
    held.callback(os.close, descriptor)
    return descriptor


def _require_file(named: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise bad_parameter("path", named, "not a file")


def _outside(named: str) -> ParameterError:
    return bad_parameter("path", named, "not below the folders that BOOKTAPE_ALLOWED_DIRS names")
