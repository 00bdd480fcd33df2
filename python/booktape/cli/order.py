"""`booktape order`: the life of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import answers, progress, write_json
from booktape.lookup import find_ids

if TYPE_CHECKING:
    from booktape import Life, OrderLife, OrderRecord, Tape

_SHOWN = 200


@click.command(short_help="The life of an order.")
@options.instrument
@options.publisher
@options.as_json
@options.reads_tape
@click.argument("order_id", type=click.IntRange(1, 2**64 - 1), metavar="ORDER_ID")
def order(*, tape: Tape, order_id: int, instrument: str | None, publisher: str | None, as_json: bool) -> None:
    """Show every record of an order, its place in the queue after each, and how it ended.

    [dim]booktape order session.mbo.dbn.zst 6413150893741[/]
    """
    instrument_id, publisher_id = find_ids(tape, instrument, publisher)
    with progress(f"following order {order_id}") as on_progress:
        told = tape.order(order_id, instrument_id, publisher_id, progress=on_progress)
    if as_json:
        write_json(told.to_json())
        return
    _show(told)


def _show(told: OrderLife) -> None:
    from rich.text import Text

    console = answers()
    named = f"{told.symbol} ({told.instrument_id})" if told.symbol else str(told.instrument_id)
    console.print(Text.assemble((f"order {told.order_id}", "bold"), (f"  {named} at {told.publisher}", "dim")))
    for number, life in enumerate(told.lives, start=1):
        if len(told.lives) > 1:
            console.print(f"\nlife {number} of {len(told.lives) + told.lives_omitted}", style="bold")
        _show_life(life)
    if told.lives_omitted:
        console.print(f"and {told.lives_omitted:,} more lives", style="dim")


def _show_life(life: Life) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from booktape.moment import elapsed
    from booktape.order import MEANING
    from booktape.prices import decimals

    console = answers()
    lasted = "" if life.alive_ns is None else f" after {elapsed(life.alive_ns)}"
    cleared = f" ({life.cleared_by})" if life.cleared_by else ""
    console.print(Text.assemble((life.outcome, "bold"), f"{cleared}{lasted}: {MEANING[life.outcome]}"))
    amounts = ("traded", "size", "raised", "filled", "cancelled", "cleared", "left", "refreshes")
    told = ", ".join(f"{name} {getattr(life, name):,}" for name in amounts if getattr(life, name))
    if told:
        console.print(told, style="dim")
    if life.entry and not life.entry.book_complete:
        console.print("the book was not known to be complete: unseen orders may have stood ahead", style="dim")
    shown = life.records[:_SHOWN]
    places = decimals(record.place.price for record in shown if record.place)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("index", "received", "record", "price", "left", "ahead", "size ahead", ""):
        table.add_column(name, justify="left" if name in {"received", "record", ""} else "right")
    for record in shown:
        table.add_row(*_row(record, places))
    console.print(table)
    if more := len(life.records) - len(shown) + life.records_omitted:
        console.print(f"and {more:,} more records; --json lists more", style="dim")


def _row(record: OrderRecord, places: int) -> tuple[str, ...]:
    from booktape.moment import iso
    from booktape.prices import price_text

    said = f"{record.action} {record.size:,}"
    if record.place is None:
        standing = ("", "", "", "")
    else:
        place = record.place
        guess = " ~" if place.priority_approximate else ""
        ahead = f"{place.orders_ahead:,}{guess}"
        standing = (price_text(place.price, places), f"{place.size:,}", ahead, f"{place.size_ahead:,}")
    notes = ["to the back"] * record.took_place + [record.anomaly] * (record.anomaly is not None)
    return (f"{record.index:,}", iso(record.ts_recv), said, *standing, ", ".join(map(str, notes)))
