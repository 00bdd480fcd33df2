"""`booktape book`: a book at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, write_json
from booktape.errors import NotFoundError, ParameterError
from booktape.lookup import find_book
from booktape.moment import Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from booktape import Tape
    from booktape.values import View

Answer = TypeVar("Answer")


@click.command(short_help="A book at any moment.")
@click.option(
    "--at",
    metavar="TIME|INDEX",
    help="After the last record received at or before a time (ISO, UTC without a zone, or ns:…), or after the record "
    "with an index. The end of the tape if left out.",
)
@options.instrument
@options.publisher
@options.depth
@options.view
@click.option("--orders", is_flag=True, help="List the orders of every level, in the order they would trade.")
@options.as_json
@options.reads_tape
def book(
    *,
    tape: Tape,
    at: str | None,
    instrument: str | None,
    publisher: str | None,
    depth: int,
    view: View,
    orders: bool,
    as_json: bool,
) -> None:
    """Show an order book as a ladder: asks above, bids below, bars for size.

    [dim]booktape book session.mbo.dbn.zst --at 2025-09-24T21:59:59Z --depth 5[/]
    """
    meant = find_book(tape, instrument, publisher)
    moment = Moment(index=len(tape) - 1) if at is None else Moment.parse(at)
    options.index(tape)
    found = found_at(moment, lambda at: tape.book_at(at, meant.instrument_id, meant.publisher_id))
    if as_json:
        write_json(found.state_json(depth, view=view, orders=orders))
        return
    from booktape.cli.ladder import ladder, ladder_orders

    state = found.state(depth, view=view, orders=orders)
    console = answers()
    console.print(ladder(state))
    if orders:
        console.print(ladder_orders(state))


def found_at(moment: Moment, question: Callable[[Moment], Answer]) -> Answer:
    """What a tape answers about a moment; a moment outside the tape is not found."""
    try:
        return question(moment)
    except ParameterError as outside:
        raise NotFoundError(str(outside)) from None
