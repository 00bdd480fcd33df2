"""How books, markets, tapes and orders show themselves in a notebook, and in one line."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from booktape.moment import elapsed, iso
from booktape.prices import decimals, price_text

if TYPE_CHECKING:
    from booktape.book import Book
    from booktape.market import Market
    from booktape.order import Life, OrderLife
    from booktape.tape import Tape
    from booktape.values import Level

_DEPTH = 10
_RECORDS = 50
_BID, _ASK = "rgba(37, 99, 235, .22)", "rgba(234, 88, 12, .22)"
_TABLE = "font-variant-numeric: tabular-nums; border-collapse: collapse"
_NUMBER = "text-align: right; padding: 1px 8px"


def book_name(book: Book) -> str:
    """Symbol or number of the instrument, and its publisher."""
    state = book.state(0)
    instrument = f"{state['symbol']} ({state['instrument_id']})" if state["symbol"] else str(state["instrument_id"])
    return f"{instrument} at {state['publisher']}"


def book_line(book: Book) -> str:
    """A book in one line: what it is of, best prices, orders."""
    bid, ask = book.bbo()
    return f"{book_name(book)}: {_level_line(bid)} / {_level_line(ask)}, {book.order_count:,} orders"


def book_html(book: Book) -> str:
    """A ladder: asks above, bids below, best prices in the middle, bars for size."""
    bids, asks = book.bids(_DEPTH), book.asks(_DEPTH)
    places = decimals(level.price for level in bids + asks)
    widest = max((level.size for level in bids + asks), default=1)
    rows = [_rung(level, places, widest, ask=True) for level in reversed(asks)]
    rows += [_rung(level, places, widest, ask=False) for level in bids]
    notes = [f"{book.order_count:,} orders", "matched view"]
    notes += ["crossed"] * book.is_crossed + ["locked"] * book.is_locked
    notes += [f"suspect: {book.suspect}"] if book.suspect else []
    return (
        f"<div><strong>{escape(book_name(book))}</strong> · {escape(' · '.join(notes))}</div>"
        f'<table style="{_TABLE}"><thead><tr>{_cells("th", "orders", "bid", "price", "ask", "orders")}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def market_html(market: Market) -> str:
    """The books of a market with their best prices."""
    rows = [
        _cells("td", book_name(book), _level_line(bid), _level_line(ask), f"{book.order_count:,}")
        for book in market.books()
        for bid, ask in [book.bbo()]
    ]
    head = _cells("th", "book", "bid", "ask", "orders")
    return f"<div><strong>{market.records:,} records applied</strong></div>" + _table(head, rows)


def tape_html(tape: Tape) -> str:
    """What a tape is and what is on it."""
    span = "empty"
    if tape.start_ns is not None and tape.end_ns is not None:
        span = f"{iso(tape.start_ns)} to {iso(tape.end_ns)} ({elapsed(tape.end_ns - tape.start_ns)})"
    left = f"<div>{escape(tape.left)}</div>" if tape.left else ""
    rows = [
        _cells("td", found.instrument_id, found.symbol or "", found.publisher, f"{found.records:,}")
        for found in tape.instruments[:_DEPTH]
    ]
    more = len(tape.instruments) - len(rows)
    rest = f"<div>and {more:,} more</div>" if more else ""
    title = f"<div><strong>{escape(tape.name)}</strong> · {escape(tape.dataset)} · {len(tape):,} records · {span}</div>"
    return title + left + _table(_cells("th", "instrument", "symbol", "publisher", "records"), rows) + rest


def derived_html(about: str, columns: list[str]) -> str:
    """What rows are of, and their columns."""
    return f"<div><strong>{escape(about)}</strong></div><div>{escape(' · '.join(columns))}</div>"


def order_html(order: OrderLife) -> str:
    """How each life of an order ended, and its records with the order's place after each."""
    named = f"{order.symbol} ({order.instrument_id})" if order.symbol else str(order.instrument_id)
    title = f"<div><strong>order {order.order_id}</strong> · {escape(f'{named} at {order.publisher}')}</div>"
    lives = "".join(map(_life_html, order.lives[:_DEPTH]))
    more = len(order.lives) - len(order.lives[:_DEPTH]) + order.lives_omitted
    return title + lives + (f"<div>and {more:,} more lives</div>" if more else "")


def _life_html(life: Life) -> str:
    facts = [life.outcome.replace("_", " ") + (f" by {life.cleared_by}" if life.cleared_by else "")]
    facts += [] if life.alive_ns is None else [f"after {elapsed(life.alive_ns)}"]
    facts += [f"{life.filled:,} filled of {life.size + life.raised:,}"] if life.entry else []
    shown = life.records[:_RECORDS]
    places = decimals(record.place.price for record in shown if record.place)
    rows = []
    for record in shown:
        place = record.place
        stands = (price_text(place.price, places), f"{place.size:,}") if place else ("", "")
        ahead = (f"{place.orders_ahead:,}", f"{place.size_ahead:,}") if place else ("", "")
        rows.append(_cells("td", f"{record.index:,}", iso(record.ts_recv), record.action, record.size, *stands, *ahead))
    more = len(life.records) - len(shown) + life.records_omitted
    rest = f"<div>and {more:,} more records</div>" if more else ""
    head = _cells("th", "index", "received", "action", "size", "price", "left", "orders ahead", "size ahead")
    return f"<div>{escape(' · '.join(facts))}</div>" + _table(head, rows) + rest


def _rung(level: Level, places: int, widest: int, *, ask: bool) -> str:
    share = round(100 * level.size / max(widest, 1))
    side, colour = ("left", _ASK) if ask else ("right", _BID)
    bar = f"background: linear-gradient(to {'right' if ask else 'left'}, {colour} {share}%, transparent {share}%)"
    size = f'<td style="{_NUMBER}; text-align: {side}; min-width: 7em; {bar}">{level.size:,}</td>'
    count, empty = _cells("td", f"{level.count:,}"), _cells("td", "")
    price = _cells("td", price_text(level.price, places))
    return f"<tr>{empty}{empty}{price}{size}{count}</tr>" if ask else f"<tr>{count}{size}{price}{empty}{empty}</tr>"


def _table(head: str, rows: list[str]) -> str:
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cells(tag: str, *values: object) -> str:
    return "".join(f'<{tag} style="{_NUMBER}">{escape(str(value))}</{tag}>' for value in values)


def _level_line(level: Level | None) -> str:
    return f"{price_text(level.price)} x {level.size:,}" if level else "none"
