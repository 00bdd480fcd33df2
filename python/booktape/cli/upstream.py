"""Options of commands that record from an upstream."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import rich_click as click

from booktape.parameters import LIVE_PORT, bad_parameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from booktape.ingest import Upstream


class _Address(click.ParamType[tuple[str, int]]):
    """A host, and a port behind a colon where it is not the usual one."""

    name = "host[:port]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        host, colon, port = str(value).rpartition(":")
        if not colon:
            return str(value), LIVE_PORT
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            self.fail(str(bad_parameter("upstream", value, "HOST or HOST:PORT")), param, ctx)
        return host.strip("[]"), int(port)


def asks_upstream(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options for how to ask an upstream."""

    @click.option(
        "--stype-in",
        default="raw_symbol",
        show_default=True,
        help="What symbols are: raw_symbol, instrument_id, parent or continuous.",
    )
    @click.option("--snapshot", is_flag=True, help="Begin books with a snapshot, where nothing can be gone on from.")
    @click.option(
        "--upstream", type=_Address(), metavar="HOST[:PORT]", help="Who is asked; Databento's gateway if left out."
    )
    @wraps(command)
    def asked(**given: Any) -> None:
        command(**given)

    return asked


def upstream_of(asked: tuple[str, int] | None) -> Upstream:
    """Who is asked, with the key of the environment."""
    from booktape.ingest import Upstream
    from booktape.upstream.client import key_of_environment

    host, port = asked or (None, LIVE_PORT)
    return Upstream(key_of_environment(), host, port)


def symbols_of(text: str) -> tuple[str, ...]:
    """Symbols with commas between."""
    return tuple(symbol.strip() for symbol in text.split(","))
