"""`booktape audit`: what is wrong with the data, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.exits import Exit, complain
from booktape.cli.screen import answers, progress, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from booktape import Tape
    from booktape.audit import Audit, AuditBook, AuditLevel

_SHOWN = 20


@click.command(short_help="What is wrong with the data, and what became of it.")
@click.option("--strict", is_flag=True, help="Exit with 5 if there is any anomaly.")
@options.as_json
@options.reads_tape
@click.pass_context
def audit(context: click.Context, *, tape: Tape, strict: bool, as_json: bool) -> None:
    """Apply every record and tell what was wrong with it, by kind, and where each book stood at the end."""
    with progress(f"auditing {tape.name}") as on_progress:
        found = tape.audit(progress=on_progress)
    if as_json:
        import json

        write_json(json.dumps(found).encode())
    else:
        _show(tape, found)
    total = sum(found["anomalies"].values())
    if strict and total:
        kinds = sum(1 for count in found["anomalies"].values() if count)
        complain(f"{tape.name}: {total:,} anomalies of {kinds} kinds")
        context.exit(Exit.ANOMALIES)


def _show(tape: Tape, found: Audit) -> None:
    from rich.text import Text

    console = answers()
    counts = f"  {found['records']:,} records, {found['event_ends']:,} event ends"
    console.print(Text.assemble((tape.name, "bold"), counts))
    crossed, locked = found["crossed_event_ends"], found["locked_event_ends"]
    fills = found["fills"]
    console.print(
        f"crossed at {crossed:,} event ends, locked at {locked:,}; {fills['groups']:,} groups of fills, of which "
        f"{fills['out_of_turn']:,} passed over an order; {fills['iceberg_refreshes']:,} iceberg refreshes",
        style="dim",
    )
    console.print(_anomalies(found))
    if found["crossed_periods"]:
        console.print(_periods(found))
    console.print(_books(found))
    if len(found["books"]) > _SHOWN:
        console.print(f"and {len(found['books']) - _SHOWN:,} more books; --json lists all", style="dim")


def _table(*columns: str, left: tuple[str, ...] = ()) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right")
    return table


def _anomalies(found: Audit) -> Table:
    from rich.text import Text

    from booktape.audit import MEANING

    table = _table("anomaly", "count", "what it means", left=("anomaly", "what it means"))
    first = {one["kind"]: f"\nfirst: record {one['index']:,}, {one['message']}" for one in found["first_anomalies"]}
    for kind, count in found["anomalies"].items():
        if count:
            table.add_row(kind, Text(f"{count:,}", "bold"), Text.assemble(MEANING[kind], (first.get(kind, ""), "dim")))
    if not table.row_count:
        table.add_row("none", "0", Text("every record agreed with the book", "dim"))
    return table


def _periods(found: Audit) -> Table:
    from booktape.moment import iso

    table = _table("crossed", "from", "to", "event ends", "trades", left=("crossed", "from", "to"))
    for period in found["crossed_periods"][:_SHOWN]:
        span = iso(int(period["start"])), iso(int(period["end"]))
        table.add_row(str(period["instrument_id"]), *span, f"{period['event_ends']:,}", f"{period['trades']:,}")
    return table


def _books(found: Audit) -> Table:
    columns = "book", "orders", "levels", "bid", "ask", "matched", "auction", "trust"
    table = _table(*columns, left=("book", "trust"))
    for book in found["books"][:_SHOWN]:
        table.add_row(
            f"{book['symbol'] or ''} ({book['instrument_id']})".strip(),
            f"{book['orders']:,}",
            f"{book['bid_levels']:,} / {book['ask_levels']:,}",
            _level(book["bid"]),
            _level(book["ask"]),
            _matched(book),
            _auction(book),
            _trust(book),
        )
    return table


def _level(level: AuditLevel | None) -> str:
    from booktape.prices import price_text

    return f"{price_text(int(level['price']))} x {level['size']:,} ({level['count']:,})" if level else "none"


def _matched(book: AuditBook) -> str:
    from booktape.prices import price_text

    sides = (book["matched_bid"], book["matched_ask"])
    return " / ".join(price_text(int(level["price"])) if level else "none" for level in sides)


def _auction(book: AuditBook) -> str:
    from booktape.prices import price_text

    uncross = book["uncross"]
    return f"{uncross['size']:,} at {price_text(int(uncross['price']))}" if uncross else ""


def _trust(book: AuditBook) -> str:
    from booktape.moment import iso

    if book["suspect"]:
        return f"suspect: {book['suspect']}"
    since = book["confidence"]["complete_since"]
    if since:
        return f"complete since {iso(int(since['ts_recv']))} ({since['cause']})"
    return f"never known complete; {book['confidence']['size_seen_entering']:.0%} of its size was seen entering"
