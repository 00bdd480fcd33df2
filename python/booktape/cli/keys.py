"""`booktape keys`: API keys made, and tried."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, write_json
from booktape.errors import NotFoundError

if TYPE_CHECKING:
    from booktape.keys import KeyScope


@click.group(short_help="Make and check API keys.")
def keys() -> None:
    """Make and check API keys, for a service that others reach. It keeps hashes alone, so its settings open nothing."""


@keys.command(short_help="Make a key.")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["read", "control"]),
    multiple=True,
    default=["read"],
    show_default=True,
    help="What it opens; control opens reading too. May be given twice.",
)
@click.option("--requests-per-second", type=click.FloatRange(0, min_open=True), help="Its own limit.")
@click.option("--streams", type=click.IntRange(1), help="Its own limit of open streams.")
@options.as_json
def new(
    *, name: str, scopes: tuple[KeyScope, ...], requests_per_second: float | None, streams: int | None, as_json: bool
) -> None:
    """Make a key for NAME. It is shown once and kept nowhere; the entry beside it goes into BOOKTAPE_API_KEYS."""
    from booktape.keys import new_key

    key, entry = new_key(name, scopes, requests_per_second=requests_per_second, streams=streams)
    if as_json:
        write_json(json.dumps({"key": key, "entry": json.loads(entry.entry())}).encode())
        return
    screen = answers()
    for line in (
        f"key    {key}",
        f"entry  {entry.entry()}",
        "",
        f"The key is for {name} and is not shown again. The entry belongs into the list in BOOKTAPE_API_KEYS, or into",
        "the file that BOOKTAPE_API_KEYS_FILE names. Clients send the key as Authorization: Bearer, or as X-API-Key.",
    ):
        screen.print(line, soft_wrap=True)


@keys.command(short_help="Whose a key is.")
@options.as_json
def check(*, as_json: bool) -> None:
    """Read a key from standard input, or ask for it, and say which of the configured entries it belongs to."""
    from booktape.keys import KeyRing
    from booktape.settings import Settings

    settings = Settings()
    ring = KeyRing.of(settings.api_keys, settings.api_keys_file)
    # Never an argument: those are seen in lists of processes, and kept by shells.
    key = click.prompt("key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if (entry := ring.find(key.strip())) is None:
        raise NotFoundError("no entry of BOOKTAPE_API_KEYS, or of the file named beside it, is of this key")
    if as_json:
        write_json(entry.entry().encode())
        return
    limits = {"requests a second": entry.requests_per_second, "streams": entry.streams}
    own = "".join(f", {limit:g} {what}" for what, limit in limits.items() if limit is not None)
    answers().print(f"{entry.name}: {', '.join(entry.scopes)}{own}")
