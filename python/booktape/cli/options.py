"""Options that commands share, each written once."""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

import booktape
from booktape.cli.screen import ByteSize, progress, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booktape import Tape

type_of_files = click.Path(path_type=str)
"""A file; whether it can be read is for the library to say, so that every caller gets the same words."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, prices in units of 1e-9 as strings.")
instrument = click.option("--instrument", "-i", metavar="ID|SYMBOL", help="Which instrument, where there are several.")
publisher = click.option("--publisher", "-p", metavar="ID|NAME", help="Which publisher, where there are several.")
depth = click.option(
    "--depth", "-d", metavar="N", type=click.IntRange(0, 100_000), default=10, show_default=True, help="Levels a side."
)
view = click.option(
    "--view",
    type=click.Choice(["matched", "published"]),
    default="matched",
    show_default=True,
    help="The book after its overlap has traded, or as the venue sent it.",
)
tolerant = click.option(
    "--tolerant", is_flag=True, help="Keep the good records of a damaged file, and say what was left."
)
max_decompressed = click.option(
    "--max-decompressed", type=ByteSize(), metavar="SIZE", help="What a compressed file may become, such as 8GiB."
)
host = click.option("--host", metavar="ADDRESS", help="Address to listen on; 127.0.0.1 if left out.")
port = click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one; 8000 if left out."
)


def reads_tape(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command FILES with the options to open them, and calls it with the `tape` they are."""

    @click.argument("files", nargs=-1, required=True, type=type_of_files, metavar="FILE…")
    @tolerant
    @max_decompressed
    @wraps(command)
    def opened(*, files: Sequence[str], tolerant: bool, max_decompressed: int | None, **others: Any) -> None:
        command(tape=open_tape(files, tolerant=tolerant, max_decompressed=max_decompressed), **others)

    return opened


def open_tape(files: Sequence[str], *, tolerant: bool, max_decompressed: int | None) -> Tape:
    """Opens files, in time order, as one tape, with progress, and warns of what was left."""
    title = Path(files[0]).name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    limit = _limit() if max_decompressed is None else max_decompressed
    with progress(f"reading {title}", unit="bytes") as on_progress:
        tape = booktape.open(files, tolerant=tolerant, max_decompressed=limit, progress=on_progress)
    if tape.left:
        warn(tape.left)
    return tape


def _limit() -> int | None:
    """What settings allow a compressed file to become."""
    if "BOOKTAPE_MAX_DECOMPRESSED" not in os.environ and not Path(".env").is_file():
        return None  # settings take longer to import than most files take to read
    from booktape.settings import Settings

    return Settings().max_decompressed
