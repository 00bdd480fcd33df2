"""Where tapes come from: files, bytes, and a maker of synthetic flow."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from booktape import _native, places
from booktape.parameters import COUNT_RANGE, ID_RANGE, bad_parameter, within
from booktape.tape import Path, Progress, Tape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def open(  # noqa: A001 - `booktape.open` is what people say, as for files and archives
    source: Path | bytes | Sequence[Path],
    *,
    tolerant: bool = False,
    max_decompressed: int | None = None,
    max_in_memory: int | None = None,
    data_dir: Path | None = None,
    progress: Progress | None = None,
) -> Tape:
    """Opens a DBN file (versions 1 to 3, plain or zstd), its bytes, or several files in time order as one tape.

    `tolerant` keeps the good records before a damaged or missing end and says in `Tape.left` what it left;
    `max_decompressed` bounds the bytes that a compressed file may become. Raises `InputError` naming file, record and
    offset.

    A file of up to `max_in_memory` bytes of records is read into memory (``BOOKTAPE_MAX_IN_MEMORY``, 256 MiB). A larger
    one is read by position through a bounded cache; if it is compressed, it is first unpacked into `data_dir`
    (``BOOKTAPE_DATA_DIR``), where the indexes of large files are kept, too.

    >>> import booktape as bt
    >>> bt.open(b"not market data")
    Traceback (most recent call last):
    ...
    booktape.InputError: bytes: not a DBN file: ...
    """
    if max_decompressed is not None:
        max_decompressed = within("max_decompressed", max_decompressed, range(1, 2**63), "bytes, from 1")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Tape(_native.Tape.from_bytes(bytes(source), tolerant=tolerant, max_decompressed=max_decompressed))
    native = _native.Tape.open(
        _paths(source),
        data_dir=places.data_dir(data_dir),
        in_memory=places.max_in_memory(max_in_memory),
        tolerant=tolerant,
        max_decompressed=max_decompressed,
        progress=progress,
    )
    if native.index_refused:
        warnings.warn(native.index_refused, stacklevel=2)
    return Tape(native)


def synthesize(
    *,
    messages: int,
    instruments: int = 1,
    seed: int = 0,
    anomalies: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> Tape:
    """Makes a tape of realistic futures flow: a snapshot, an auction that crosses and uncrosses, continuous trading.

    The same arguments give the same bytes on every machine. `messages` is the number of records; `anomalies` plants so
    many of each kind, for tests that need to know the true counts.

    >>> import booktape as bt
    >>> tape = bt.synthesize(messages=20_000, seed=3, anomalies={"unknown_cancel": 5})
    >>> tape.audit()["anomalies"]["unknown_cancel"]
    5
    """
    planted = {kind: within(f"anomalies[{kind!r}]", count, ID_RANGE) for kind, count in (anomalies or {}).items()}
    return Tape(
        _native.Tape.synthesize(
            messages=within("messages", messages, COUNT_RANGE),
            instruments=within("instruments", instruments, ID_RANGE),
            seed=within("seed", seed, range(2**64)),
            anomalies=planted,
            progress=progress,
        )
    )


def _paths(source: object) -> list[str]:
    listed = source if isinstance(source, (list, tuple)) else [source]
    if not listed:
        raise bad_parameter("source", source, "at least one file")
    names = []
    for path in listed:
        if not isinstance(path, (str, os.PathLike)):
            raise bad_parameter("source", path, "a path, several paths in time order, or the bytes of one file")
        names.append(os.fsdecode(path))
    return names
