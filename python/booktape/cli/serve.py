"""`booktape serve`: tapes over HTTP, with the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booktape import Tape

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@click.command(short_help="Serve tapes over HTTP, with the page.")
@click.argument("files", nargs=-1, type=options.type_of_files, metavar="[FILE…]")
@options.host
@options.port
@options.tolerant
@options.max_decompressed
def serve(
    *, files: Sequence[str], host: str | None, port: int | None, tolerant: bool, max_decompressed: int | None
) -> None:
    """Serve DBN files: the page at /, the interface described at /docs. Each FILE is a tape of its own.

    Prints the address when it is ready. Ctrl-C stops, telling open streams.
    """
    tapes = [options.open_tape([file], tolerant=tolerant, max_decompressed=max_decompressed) for file in files]
    run_service(tapes, host=host, port=port, what=f"{len(tapes)} tape{'' if len(tapes) == 1 else 's'}")


def run_service(tapes: list[Tape], *, host: str | None, port: int | None, what: str) -> None:
    """Runs the service until it is told to stop; flags win over settings."""
    from booktape.service import run
    from booktape.settings import Settings

    settings = Settings()
    address = settings.host if host is None else host
    if address not in _LOOPBACK:
        warn(f"listening on {address}: whoever reaches this address can read the tapes")
    run(
        tapes,
        host=address,
        port=settings.port if port is None else port,
        settings=settings,
        on_ready=lambda url: click.echo(f"{what} at {url}  (page /, interface /docs, Ctrl-C stops)"),
    )
