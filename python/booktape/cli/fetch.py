"""`booktape fetch`: a file from Databento, for a price that is agreed to first."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from rich.table import Table

from booktape.cli.screen import answers, progress, questions, warn, write_json
from booktape.errors import CostError
from booktape.upstream import SCHEMAS, STYPES, Databento, Fetch, Request, require_affordable

if TYPE_CHECKING:
    from booktape.upstream import Estimate, Fetched


@click.command(short_help="Fetch a file from Databento, its cost shown first.")
@click.option("--dataset", required=True, metavar="CODE", help="Such as GLBX.MDP3.")
@click.option("--symbols", required=True, metavar="NAMES", help="Commas between; ALL_SYMBOLS for every instrument.")
@click.option("--start", required=True, metavar="TIME", help="First ts_recv: an ISO date or time (UTC), or ns.")
@click.option("--end", metavar="TIME", help="The ts_recv before which it ends; left out, as long as --start is exact.")
@click.option("--schema", type=click.Choice(SCHEMAS), default="mbo", show_default=True, help="What is fetched.")
@click.option("--stype-in", type=click.Choice(STYPES), default="raw_symbol", show_default=True, help="What NAMES are.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many records.")
@click.option(
    "--output", "-o", metavar="PATH", help="A name that ends in .dbn.zst; left out, made of what is asked for."
)
@click.option("--yes", is_flag=True, help="Agree to whatever it costs.")
@click.option("--max-cost", type=click.FloatRange(0), metavar="USD", help="Agree to so much, and no more.")
@click.option("--gateway", metavar="URL", help="Another server than Databento's, such as booktape's own.")
@click.option("--json", "as_json", is_flag=True, help="Tell what was fetched as JSON.")
def fetch(
    *,
    dataset: str,
    symbols: str,
    start: str,
    end: str | None,
    schema: str,
    stype_in: str,
    limit: int | None,
    output: str | None,
    yes: bool,
    max_cost: float | None,
    gateway: str | None,
    as_json: bool,
) -> None:
    """Fetch records from Databento's Historical API into a file that every command opens.

    Shows how many records there are, how large they are and what they cost, and asks; --yes and --max-cost answer
    before. The key is read from DATABENTO_API_KEY or DBN_KEY.

    What has come is kept in a folder beside the file, named as it with .part: whatever ends the command, the same
    command goes on from there and pays for the rest only. The file is there once it is whole.
    """
    request = Request.of(
        dataset=dataset, symbols=symbols, schema=schema, start=start, end=end, stype_in=stype_in, limit=limit
    )
    path = Path(output or _name(request))
    with Fetch(path, request, Databento(gateway=gateway)) as going:
        with progress("asking Databento"):
            estimate = going.estimate()
        _show(estimate, going)
        _agree(estimate, yes=yes, max_cost=max_cost)
        with progress(f"fetching {path.name}") as on_progress:
            fetched = going.run(agreed=estimate, progress=on_progress)
    _tell(fetched, as_json=as_json)


def _name(request: Request) -> str:
    """A name for what is asked for, such as glbx-mdp3-20250924-clx5.mbo.dbn.zst."""
    from booktape.moment import iso

    day = iso(request.span.start)[:10].replace("-", "")
    named = f"-{request.symbols[0].lower()}" if len(request.symbols) == 1 else ""
    safe = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in named)
    return f"{request.dataset.lower().replace('.', '-')}-{day}{safe}.{request.schema}.dbn.zst"


def _show(estimate: Estimate, going: Fetch) -> None:
    """What is still to come, on standard error: the answer of the command is the file."""
    table = Table(title="still to come" if going.got.records else None, title_justify="left", box=None)
    for title in ("records", "bytes", "US dollars"):
        table.add_column(title, justify="right")
    table.add_row(f"{estimate.records:,}", f"{estimate.bytes:,}", f"{estimate.cost:.4f}")
    questions().print(table)


def _agree(estimate: Estimate, *, yes: bool, max_cost: float | None) -> None:
    if max_cost is not None:
        require_affordable(estimate, max_cost)
    elif not yes and not estimate.records:
        return  # all of it has come, and was paid for
    elif not yes:
        if not sys.stdin.isatty():
            raise CostError("nobody is there to be asked whether to pay: agree with --yes, or --max-cost USD")
        if not click.confirm(f"Fetch it for {estimate.cost:.4f} US dollars?", err=True):
            raise CostError("not agreed to: nothing was fetched")


def _tell(fetched: Fetched, *, as_json: bool) -> None:
    if fetched.records != fetched.expected:
        warn(f"{fetched.records:,} records came, where Databento had counted {fetched.expected:,}")
    size = fetched.path.stat().st_size
    if as_json:
        told = {
            "output": str(fetched.path),
            "records": fetched.records,
            "expected": fetched.expected,
            "bytes": size,
            "cost": fetched.cost,
            "drops": fetched.drops,
        }
        write_json(json.dumps(told).encode())
    else:
        answers().print(f"{fetched.path}: {fetched.records:,} records, {size:,} bytes", soft_wrap=True)
