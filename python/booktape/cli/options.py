"""Options that commands share, each written once."""

from __future__ import annotations

import math
import os
import warnings
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import rich_click as click

import booktape
from booktape.cli.screen import ByteSize, progress, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booktape import Tape
    from booktape.service.app import Companion

_LONG = 1_000_000
"""Records beyond which an index is worth building for one question: it is kept for the next."""


class Speed(click.ParamType[float]):
    """A factor of real time; infinite where it is `max`."""

    name = "factor"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The factor from text."""
        text = str(value)
        try:
            speed = math.inf if text == "max" else float(text.removesuffix("x"))
        except ValueError:
            speed = math.nan
        if not speed > 0:
            self.fail(f"{value!r} is not a factor of real time such as 10, or max", param, ctx)
        return speed


type_of_files = click.Path(path_type=str)
"""A file; whether it can be read is for the library to say, so that every caller gets the same words."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON; prices are strings, in units of 1e-9.")
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
    "--max-decompressed", type=ByteSize(), metavar="SIZE", help="Bytes a compressed file may unpack to, such as 8GiB."
)
host = click.option("--host", metavar="ADDRESS", help="Address to listen on; 127.0.0.1 if left out.")
insecure = click.option(
    "--insecure",
    is_flag=True,
    help="Listen beyond this machine without API keys: whoever reaches the address may do everything.",
)
port = click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one; 8000 if left out."
)
historical_port = click.option(
    "--historical-port",
    type=click.IntRange(0, 65_535),
    help="Serve Databento's Historical API, too, on a port of its own; 0 takes a free one.",
)
historical_http = click.option(
    "--historical-http", is_flag=True, help="Serve it over plain HTTP: the Python client needs TLS, others do not."
)


def historical_gateway(port: int | None, host: str, *, http: bool) -> list[Companion]:
    """The historical gateway beside a service, if it is asked for; it tells where it is once it listens."""
    if port is None:
        return []
    from booktape.historical import companion

    def tell(url: str, authority: Path | None) -> None:
        trusted = "" if authority is None else f"  (REQUESTS_CA_BUNDLE={authority})"
        click.echo(f"Historical API at {url}{trusted}")

    return [companion(port, host=host, http=http, on_ready=tell)]


def reads_tape(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command FILES with the options to open them, and calls it with the `tape` they are."""

    @click.argument("files", nargs=-1, required=True, type=type_of_files, metavar="FILE…")
    @tolerant
    @max_decompressed
    @wraps(command)
    def opened(*, files: Sequence[str], tolerant: bool, max_decompressed: int | None, **others: Any) -> None:
        command(tape=open_tape(files, tolerant=tolerant, max_decompressed=max_decompressed), **others)

    return opened


class _Limits(TypedDict, total=False):
    max_decompressed: int | None
    max_in_memory: int
    data_dir: Path


def open_tape(files: Sequence[str], *, tolerant: bool, max_decompressed: int | None) -> Tape:
    """Opens files, in time order, as one tape, with progress, and warns of what was left."""
    title = Path(files[0]).name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    allowed = _limits()
    if max_decompressed is not None:
        allowed["max_decompressed"] = max_decompressed
    with progress(f"reading {title}", unit="bytes") as on_progress, warnings.catch_warnings(record=True) as caught:
        tape = booktape.open(files, tolerant=tolerant, progress=on_progress, **allowed)
    for line in [*(str(warning.message) for warning in caught), *([tape.left] if tape.left else [])]:
        warn(line)
    return tape


def index(tape: Tape) -> None:
    """Indexes a long tape once and for all, with progress; a short one answers as fast without."""
    if len(tape) > _LONG:
        with progress(f"indexing {tape.name}", unit="records") as on_progress:
            tape.build_index(progress=on_progress)


def store_folder() -> Path | None:
    """The data folder that settings name; None where the library's default does."""
    return _limits().get("data_dir")


def _limits() -> _Limits:
    """What settings allow files to take."""
    if not Path(".env").is_file() and not os.environ.keys() & {
        "BOOKTAPE_MAX_DECOMPRESSED",
        "BOOKTAPE_MAX_IN_MEMORY",
        "BOOKTAPE_DATA_DIR",
    }:
        return {}  # settings take longer to import than most files take to read
    from booktape.settings import Settings

    settings = Settings()
    return {
        "max_decompressed": settings.max_decompressed,
        "max_in_memory": settings.max_in_memory,
        "data_dir": settings.data_dir,
    }
