"""Listening, serving, and stopping at once with streams open."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any

import uvicorn
from litestar.types import ASGIApp

from booktape import LiveTape, Store, Tape
from booktape.service import log, tracing
from booktape.service.access.exposure import require_keys_beyond_this_machine
from booktape.service.app import Companion, Service
from booktape.service.connection import Connection
from booktape.settings import Settings

SEND_BUFFER_BYTES = 128 * 1024
"""Kernel buffer of a connection. Left to the kernel, a client that stopped reading is given megabytes."""
BACKLOG = 2_048
GRACE_SECONDS = 0.2
"""Time for clients to take the last event when the service stops; then connections are cut."""

PATIENCE_SECONDS = 5
"""Time for answers that are being worked out; then they are given up."""


def config(app: ASGIApp, service: Service, **own: Any) -> uvicorn.Config:
    """How uvicorn serves an application of ours; what is its `own` comes on top."""
    connection = Connection.bounded(service.settings.slow_client_seconds, service.traffic)
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        **own,
    )


class CuttingServer(uvicorn.Server):
    """uvicorn, with a way to stop that does not wait for clients."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets go of clients that only keep their connection, and after a moment of those that are being answered."""
        cut = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cut)
        await super().shutdown(sockets)
        cut.cancel()
        self._cut()
        await asyncio.sleep(0)  # connections are closed when the loop runs next

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class Server(CuttingServer):
    """The service's, which tells when everything is loaded, and has streams say goodbye."""

    def __init__(self, service: Service, on_ready: Callable[[], object] = lambda: None) -> None:
        super().__init__(
            config(
                service.asgi(),
                service,
                lifespan="on",
                proxy_headers=bool(service.settings.trusted_proxies),
                forwarded_allow_ips=list(service.settings.trusted_proxies),
                timeout_graceful_shutdown=PATIENCE_SECONDS,
            )
        )
        self._service = service
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, and tells when everything is loaded."""
        await super().startup(sockets)
        self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        lifecycle = self._service.lifecycle
        await lifecycle.loaded.wait()
        if lifecycle.failure is None:
            # What is there now stays: looking through it again and again held streams up for tens of milliseconds.
            gc.collect()
            gc.freeze()
            self._on_ready()
        else:
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells streams to say goodbye, before what is still open is cut."""
        self._service.lifecycle.drain()
        self._telling.cancel()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops on a signal. Only Ctrl-C is raised again afterwards: being told to terminate is not a failure."""
        if sig == signal.SIGINT:
            super().handle_exit(sig, frame)
        else:
            self.should_exit = True


def run(
    tapes: Iterable[Tape | LiveTape],
    *,
    settings: Settings,
    on_ready: Callable[[str], object],
    store: Store | None = None,
    beside: Sequence[Companion] = (),
) -> None:
    """Serves tapes until a signal says stop. They are taken while requests are answered already, in a thread.

    With a `store` they are kept there, and more can be added; whoever opened it closes it. `on_ready` is called with
    the URL once all are loaded; port 0 takes any free one. What is `beside` runs for as long.

    Raises:
        ParameterError: others than this machine could reach the address, and there are no API keys.
        OSError: the address cannot be listened on, with the address in its message.
        BooktapeError: a tape cannot be opened; nothing is served any longer.
        KeyboardInterrupt: after a clean stop by Ctrl-C.
    """
    with listen(settings.host, settings.port, slow_client_seconds=settings.slow_client_seconds) as listener:
        log.configure(settings)
        allow_files(settings.max_streams + 256)
        service = Service(tapes, settings, store=store, beside=beside)
        require_keys_beyond_this_machine(listener, settings, has_keys=bool(service.keys))
        with tracing.exporting():
            Server(service, lambda: on_ready(url_of(listener))).run(sockets=[listener])
    if service.lifecycle.failure is not None:
        raise service.lifecycle.failure


def listen(host: str, port: int, *, slow_client_seconds: float) -> socket.socket:
    """A listening socket whose connections buffer little and do not outlive a client that takes nothing.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit both from the socket that accepts them. The kernel is the second who gives a client up.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2 * slow_client_seconds * 1_000))
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of a listening socket.

    >>> with listen("127.0.0.1", 0, slow_client_seconds=30) as listener:
    ...     url_of(listener).startswith("http://127.0.0.1:")
    True
    """
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def allow_files(wanted: int) -> None:
    """Raises the limit of open files as far as the system allows: every stream is one, and the usual limit is 1,024."""
    try:
        import resource
    except ImportError:  # not a POSIX system: nothing to raise
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
