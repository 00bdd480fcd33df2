"""`booktape demo`: a synthetic market, moving, in a browser."""

from __future__ import annotations

import rich_click as click

import booktape
from booktape.cli import options
from booktape.cli.screen import progress
from booktape.cli.serve import run_service, settings_with


@click.command(short_help="A synthetic market, moving, in a browser.")
@click.option("--messages", "-n", type=click.IntRange(1), default=1_000_000, show_default=True, help="Records to make.")
@click.option("--instruments", type=click.IntRange(1), default=4, show_default=True, help="Instruments.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=7, show_default=True, help="Same seed, same market.")
@options.host
@options.port
@options.insecure
def demo(*, messages: int, instruments: int, seed: int, host: str | None, port: int | None, insecure: bool) -> None:
    """Make a synthetic market, serve it, and print where to look: the page plays it in a loop.

    Needs no data and no key, and opens nothing by itself.
    """
    title = f"making {messages:,} records of {instruments} instruments"
    click.echo(f"booktape: {title} …", err=True)
    with progress(title) as on_progress:
        tape = booktape.synthesize(messages=messages, instruments=instruments, seed=seed, progress=on_progress)
    run_service([tape], settings_with(host=host, port=port, insecure=insecure), what="The demo market moves")
