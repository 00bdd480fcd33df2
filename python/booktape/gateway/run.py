"""A gateway alone, without the service's routes."""

from __future__ import annotations

import asyncio
import math
import signal
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from booktape.gateway.server import Gateway
from booktape.service import log
from booktape.service.access.exposure import GATEWAY_KEYS, require_keys_beyond_this_machine
from booktape.service.app import Companion, Service
from booktape.service.server import allow_files, listen

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence

    from booktape import LiveTape, Tape
    from booktape.gateway.options import GatewayOptions
    from booktape.settings import Settings


def address_of(listener: socket.socket) -> tuple[str, int]:
    """The host and port of a listening socket."""
    host, port = listener.getsockname()[:2]
    return host, port


def gateway_on(listener: socket.socket, settings: Settings, options: GatewayOptions) -> Companion:
    """The gateway on a listening socket, to be run beside a service.

    Raises:
        ParameterError: others than this machine could reach the address, and there are no keys.
    """
    require_keys_beyond_this_machine(listener, settings, has_keys=bool(settings.gateway_keys), how=GATEWAY_KEYS)
    return partial(Gateway, listener=listener, options=options)


def run(
    tapes: Iterable[Tape | LiveTape],
    *,
    settings: Settings,
    options: GatewayOptions,
    on_ready: Callable[[Service, str, int], object],
    beside: Sequence[Companion] = (),
) -> None:
    """Serves tapes to clients of the live protocol until a signal says stop.

    Listens at the host and port of the settings. `on_ready` is called with the service, the host and the port once all
    tapes are loaded. What is `beside` runs for as long.

    Raises:
        ParameterError: others than this machine could reach the address, and there are no keys.
        OSError: the address cannot be listened on, with the address in its message.
        BooktapeError: a tape cannot be opened.
        KeyboardInterrupt: after a clean stop by Ctrl-C.
    """
    with listen(settings.host, settings.port, slow_client_seconds=settings.slow_client_seconds) as listener:
        log.configure(settings)
        allow_files(2 * settings.gateway_sessions + 256)
        service = Service(tapes, settings, loops=False, beside=(gateway_on(listener, settings, options), *beside))
        loop_factory = uvicorn.Config(lambda: None, log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            ready = partial(_begin, service, options, lambda: on_ready(service, *address_of(listener)))
            stopped_by = runner.run(_until_stopped(service, ready))
    if service.lifecycle.failure is not None:
        raise service.lifecycle.failure
    if stopped_by == signal.SIGINT:
        raise KeyboardInterrupt


def _begin(service: Service, options: GatewayOptions, on_ready: Callable[[], object]) -> None:
    """All tapes are loaded: brings their replays, which sessions may share, to where and how they are to be played."""
    for replay in service.stage:
        replay.set(speed=options.speed, longest_wait=math.inf)
        if options.start is not None:
            replay.seek(options.start.first(replay.tape.head))
    on_ready()


async def _until_stopped(service: Service, on_ready: Callable[[], object]) -> signal.Signals | None:
    """Runs a service until a signal comes, which it gives, or its tapes cannot be loaded."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[signal.Signals] = loop.create_future()

    def stop(by: signal.Signals) -> None:
        if not stopped.done():
            stopped.set_result(by)

    for by in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(by, stop, by)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(service.running())
        loaded = asyncio.ensure_future(service.lifecycle.loaded.wait())
        await asyncio.wait((loaded, stopped), return_when=asyncio.FIRST_COMPLETED)
        loaded.cancel()
        if service.lifecycle.failure is not None:
            return None
        if not stopped.done():
            on_ready()
        return await stopped
