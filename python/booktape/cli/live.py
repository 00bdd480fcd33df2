"""A ladder that moves on a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live

from booktape.cli.ladder import ladder
from booktape.cli.screen import answers
from booktape.lookup import present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from booktape import Market
    from booktape.values import Instrument, View


@contextmanager
def moving_ladder(meant: Instrument, depth: int, view: View) -> Iterator[Callable[[Market], None]]:
    """Gives what draws a market's book over the picture before."""
    with Live(console=answers(), auto_refresh=False, vertical_overflow="crop") as picture:

        def show(market: Market) -> None:
            if (book := present(market, meant)) is not None:
                picture.update(ladder(book.state(depth, view=view)), refresh=True)

        yield show
