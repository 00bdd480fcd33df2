"""A book as a ladder of prices: asks above, bids below, bars for size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from booktape.moment import iso
from booktape.prices import decimals, price_text

if TYPE_CHECKING:
    from rich.console import RenderableType

BID, ASK = "bright_blue", "orange3"
_WIDEST = 18


def ladder(state: dict[str, Any]) -> RenderableType:
    """A book's state, as `Book.state` gives it, to be printed."""
    bids, asks = state["bids"], state["asks"]
    places = decimals(int(level["price"]) for level in bids + asks)
    largest = max((level["size"] for level in bids + asks), default=1) or 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name, width in (("orders", 7), ("bid", _WIDEST + 8), ("price", 12), ("ask", _WIDEST + 8), ("orders", 7)):
        table.add_column(name, justify="left" if name == "ask" else "right", min_width=width, no_wrap=True)
    for level in reversed(asks):
        table.add_row("", "", _price(level, places), _size(level, largest, ASK, bar_first=True), f"{level['count']:,}")
    if bids and asks:
        table.add_section()
    for level in bids:
        table.add_row(f"{level['count']:,}", _size(level, largest, BID, bar_first=False), _price(level, places), "", "")
    if not bids and not asks:
        table.add_row("", "", Text("empty", style="dim"), "", "")
    return Group(_heading(state), table, _footing(state))


def _price(level: dict[str, Any], places: int) -> Text:
    return Text(price_text(int(level["price"]), places), style="bold")


def _size(level: dict[str, Any], largest: int, colour: str, *, bar_first: bool) -> Text:
    bar = "█" * max(1, round(_WIDEST * level["size"] / largest)) if level["size"] else ""
    size = f"{level['size']:>7,}" if bar_first else f"{level['size']:,}"
    parts = ((f"{size} ", ""), (bar, colour)) if bar_first else ((bar, colour), (f" {size:>7}", ""))
    return Text.assemble(*parts)


def _heading(state: dict[str, Any]) -> Text:
    symbol = state["symbol"] or "instrument"
    when = iso(int(state["ts_recv"])) if state["ts_recv"] else "before the first record"
    heading = Text.assemble(
        (f"{symbol} ({state['instrument_id']})", "bold"),
        (f"  {state['publisher']}  {when}  after {state['index']:,} records  {state['view']} view", "dim"),
    )
    for badge in ("crossed", "locked"):
        if state[badge]:
            heading.append(f"  {badge}", style="bold magenta")
    if state["suspect"]:
        heading.append(f"\nsuspect: {state['suspect']}", style="bold magenta")
    return heading


def _footing(state: dict[str, Any]) -> Text:
    parts = [
        f"{state['order_count']:,} orders on {state['bid_levels']:,} bid and {state['ask_levels']:,} ask levels",
    ]
    if state["executions"]["count"]:
        parts.append(
            f"the overlap trades {state['executions']['size']:,} in {state['executions']['count']:,} executions"
        )
    if uncross := state["uncross"]:
        left = f", {uncross['imbalance']:,} left on the {'bid' if uncross['side'] == 'B' else 'ask'} side"
        price = price_text(int(uncross["price"]))
        parts.append(f"an auction would trade {uncross['size']:,} at {price}{left if uncross['imbalance'] else ''}")
    return Text("; ".join(parts), style="dim")


def ladder_orders(state: dict[str, Any]) -> RenderableType:
    """The orders of every shown level, first to trade first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for name in ("side", "price", "order", "size", "queue"):
        table.add_column(name, justify="left" if name == "side" else "right")
    for side, levels, colour in (("bid", state["bids"], BID), ("ask", state["asks"], ASK)):
        for level in levels:
            for place, order in enumerate(level["orders"]):
                guess = " ~" if order["priority_approximate"] else ""
                row = (
                    price_text(int(level["price"])),
                    str(order["order_id"]),
                    f"{order['size']:,}",
                    f"{place + 1}{guess}",
                )
                table.add_row(Text(side, style=colour), *row)
    return table
