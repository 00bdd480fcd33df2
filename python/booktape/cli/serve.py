"""`booktape serve`: tapes over HTTP, with the page."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import rich_click as click

from booktape.cli import options
from booktape.cli.screen import progress, warn
from booktape.cli.upstream import asks_upstream, symbols_of, upstream_of
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from booktape import LiveTape, Store, Tape
    from booktape.service.app import Companion
    from booktape.settings import Settings


@click.command(short_help="Serve tapes over HTTP, with the page.")
@click.argument("files", nargs=-1, type=options.type_of_files, metavar="[FILE…]")
@options.host
@options.port
@click.option(
    "--gateway-port",
    type=click.IntRange(0, 65_535),
    help="Port for clients of Databento Live as well; 0 takes a free one; none if left out.",
)
@options.insecure
@options.tolerant
@options.max_decompressed
@options.historical_port
@options.historical_http
@click.option(
    "--live",
    multiple=True,
    metavar="DATASET:SYMBOL,…",
    help="Record this from Databento meanwhile, as `booktape record` does; repeat it.",
)
@asks_upstream
@click.option("--no-store", is_flag=True, help="Keep nothing but indexes: no tables, no uploads.")
def serve(
    *,
    files: Sequence[str],
    host: str | None,
    port: int | None,
    gateway_port: int | None,
    insecure: bool,
    tolerant: bool,
    max_decompressed: int | None,
    historical_port: int | None,
    historical_http: bool,
    no_store: bool,
    live: tuple[str, ...],
    stype_in: str,
    snapshot: bool,
    upstream: tuple[str, int] | None,
) -> None:
    """Serve DBN files: the page at /, the interface described at /docs. Each FILE is a tape of its own.

    The data folder (BOOKTAPE_DATA_DIR) remembers them, and gets their records as SQLite tables in the background.
    Without FILE, everything that it remembers is served again: files named before, uploads, live tapes.

    Prints the address when it is ready. Ctrl-C stops it, after a goodbye on every stream. Without API keys (`booktape
    keys new`), only this machine may reach the service. Settings are environment variables; `booktape doctor` lists
    them.
    """
    settings = settings_with(host=host, port=port, gateway_port=gateway_port, insecure=insecure)
    if no_store and live:
        raise bad_parameter("live", live[0], "what is recorded needs the store; leave --no-store out")
    beside = [
        *options.historical_gateway(historical_port, settings.host, http=historical_http),
        *(_recording(live, stype_in, upstream, snapshot=snapshot) if live else ()),
    ]
    if no_store:
        tapes: list[Tape | LiveTape] = [
            options.open_tape([file], tolerant=tolerant, max_decompressed=max_decompressed) for file in files
        ]
        run_service(tapes, settings, what=_count(len(tapes)), beside=beside)
        return
    from booktape import Store

    with Store(settings.data_dir, synchronous=settings.synchronous, sync=settings.sync, background=True) as store:
        if files:
            opened: Iterable[Tape | LiveTape] = [
                _register(store, file, tolerant=tolerant, max_decompressed=max_decompressed) for file in files
            ]
            run_service(opened, settings, store=store, what=_count(len(files)), beside=beside)
        else:
            known = len(store.registered())
            run_service(_known(store), settings, store=store, what=_count(known), beside=beside)


def settings_with(*, host: str | None, port: int | None, insecure: bool, gateway_port: int | None = None) -> Settings:
    """The settings, but for what flags say."""
    from booktape.settings import Settings

    flags = {"host": host, "port": port, "gateway_port": gateway_port, "allow_open": insecure or None}
    return Settings().model_copy(update={name: value for name, value in flags.items() if value is not None})


def run_service(
    tapes: Iterable[Tape | LiveTape],
    settings: Settings,
    *,
    what: str,
    store: Store | None = None,
    beside: Sequence[Companion] = (),
) -> None:
    """Runs the service until it is told to stop, with a gateway for clients of Databento Live if settings say so."""
    from booktape.service import run

    with ExitStack() as listening:
        companions, gateway = [*beside], ""
        if settings.gateway_port is not None:
            from booktape.gateway import GatewayOptions
            from booktape.gateway.run import address_of, gateway_on
            from booktape.service.server import listen

            patience = settings.slow_client_seconds
            listener = listen(settings.host, settings.gateway_port, slow_client_seconds=patience)
            listening.enter_context(listener)
            companions.append(gateway_on(listener, settings, GatewayOptions(shared=True)))
            gateway = ", live gateway {}:{}".format(*address_of(listener))
        run(
            tapes,
            settings=settings,
            store=store,
            beside=companions,
            on_ready=lambda url: click.echo(f"{what} at {url}  (page /, interface /docs{gateway}, Ctrl-C stops)"),
        )


def _recording(
    live: tuple[str, ...], stype_in: str, upstream: tuple[str, int] | None, *, snapshot: bool
) -> Sequence[Companion]:
    from booktape.ingest import Subscription
    from booktape.ingest.companion import recording

    subscriptions = []
    for named in live:
        dataset, colon, symbols = named.partition(":")
        if not colon:
            raise bad_parameter("live", named, "DATASET:SYMBOL,… such as GLBX.MDP3:ESM4")
        subscriptions.append(Subscription(dataset, symbols_of(symbols), stype_in, snapshot=snapshot))
    return [recording(subscriptions, upstream_of(upstream))]


def _register(store: Store, file: str, *, tolerant: bool, max_decompressed: int | None) -> Tape:
    with progress(f"reading {file}", unit="bytes") as on_progress:
        tape = store.register(file, tolerant=tolerant, max_decompressed=max_decompressed, progress=on_progress)
    if tape.left:
        warn(tape.left)
    return tape


def _known(store: Store) -> Iterator[Tape | LiveTape]:
    """Every tape of the data folder that can be opened; the others are named."""
    from booktape import BooktapeError

    for known in store.registered():
        try:
            yield store.open(known.id)
        except BooktapeError as why:
            warn(f"{known.id} is not served: {why}")


def _count(tapes: int) -> str:
    return f"{tapes} tape{'' if tapes == 1 else 's'}"
