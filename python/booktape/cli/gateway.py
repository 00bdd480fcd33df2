"""`booktape gateway`: files for programs that are written for Databento Live."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.book import found_at
from booktape.cli.serve import settings_with
from booktape.moment import Moment
from booktape.parameters import LIVE_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from booktape import Tape
    from booktape.service.app import Service

_ANY_KEY = "k" * 32


@click.command(short_help="Let programs written for Databento Live run against files.")
@click.argument("files", nargs=-1, required=True, type=options.type_of_files, metavar="FILE…")
@options.host
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=LIVE_PORT,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--speed", type=options.Speed(), default="1", show_default=True, help="Factor of real time, or max.")
@click.option("--from", "start", metavar="TIME|INDEX", help="Where playback begins. The first record if left out.")
@click.option("--shared", is_flag=True, help="One playback for all who connect, rather than one for each.")
@click.option("--stay", is_flag=True, help="Keep sessions open when all was sent, rather than close them.")
@click.option("--dataset", metavar="CODE", help="Answer to this dataset, such as GLBX.MDP3, whatever the files say.")
@click.option("--verbatim", is_flag=True, help="Send a file's metadata and records as they are, whatever is asked for.")
@options.insecure
@options.tolerant
@options.max_decompressed
@options.historical_port
@options.historical_http
def gateway(
    *,
    files: Sequence[str],
    host: str | None,
    port: int,
    speed: float,
    start: str | None,
    shared: bool,
    stay: bool,
    dataset: str | None,
    verbatim: bool,
    insecure: bool,
    tolerant: bool,
    max_decompressed: int | None,
    historical_port: int | None,
    historical_http: bool,
) -> None:
    """Serve DBN files as Databento's live gateway does: its official clients connect unchanged, but for host and port.

    Each FILE is a tape of its own; a session follows the first that knows a symbol it subscribes to. Any key of 32
    characters is accepted, unless BOOKTAPE_GATEWAY_KEYS names those that are. Every client has a playback of its own
    from the beginning, in real time; --speed max sends as fast as it reads. Ctrl-C stops.
    """
    from booktape.gateway import GatewayOptions
    from booktape.gateway.run import run

    tapes = [options.open_tape([file], tolerant=tolerant, max_decompressed=max_decompressed) for file in files]
    begin = None if start is None else Moment.parse(start, "from")
    if begin is not None:
        for tape in tapes:
            found_at(begin, tape.first_at)
    settings = settings_with(host=host, port=port, insecure=insecure)
    run(
        tapes,
        settings=settings,
        options=GatewayOptions(
            speed=None if math.isinf(speed) else speed,
            start=begin,
            shared=shared,
            stay=stay,
            dataset=dataset,
            verbatim=verbatim,
        ),
        on_ready=lambda service, host, port: click.echo(_ready(tapes, service, dataset, host, port)),
        beside=options.historical_gateway(historical_port, settings.host, http=historical_http),
    )


def _ready(tapes: Sequence[Tape], service: Service, dataset: str | None, host: str, port: int) -> str:
    """Where it is, what it has, and a line to copy."""
    datasets = [dataset] if dataset else list(dict.fromkeys(tape.dataset for tape in tapes))
    symbols = len({symbol for tape in tapes for symbol in tape.symbols.values()})
    key = "one of BOOKTAPE_GATEWAY_KEYS" if service.settings.gateway_keys else _ANY_KEY
    return (
        f"{', '.join(datasets)} with {symbols:,} symbol{'' if symbols == 1 else 's'} at {host}:{port}  (Ctrl-C stops)\n"
        f'databento.Live(key="{key}", gateway="{host}", port={port})'
    )
