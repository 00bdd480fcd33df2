"""The gateway as an application, and as a companion of a service whose tapes it serves."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from pydantic import SecretStr

from booktape import BooktapeError
from booktape.historical.certificate import Certificate
from booktape.historical.controller import MetadataController, SymbologyController, TimeseriesController
from booktape.historical.metrics import DownloadFigures
from booktape.historical.refusals import Refusal, unknown_key
from booktape.service.access.callers import Caller
from booktape.service.access.exposure import GATEWAY_KEYS, require_keys_beyond_this_machine
from booktape.service.access.hosts import Hosts
from booktape.service.app import Companion, Service, given
from booktape.service.downloads import Downloads
from booktape.service.edge import Edge
from booktape.service.metrics.requests import RequestMetrics
from booktape.service.server import CuttingServer, config, listen, url_of

LONGEST_FORM = 2**20
"""Bytes of a request: 2,000 symbols are far fewer."""
_BASIC = "basic "
_RENEWAL_SECONDS = 86_400.0

log = structlog.get_logger(__name__)


def companion(
    port: int,
    *,
    host: str = "127.0.0.1",
    http: bool = False,
    on_ready: Callable[[str, Path | None], object] = lambda _url, _authority: None,
) -> Companion:
    """The gateway beside a service, on a port of its own; 0 takes any free one.

    Over TLS, with the certificate of the data folder, unless `http`. `on_ready` is called with the URL, and the file
    that clients have to trust, once it listens.

    Raises, when it is entered:
        ParameterError: others than this machine could reach the address, and there are no gateway keys.
        OSError: the address cannot be listened on.
    """

    @asynccontextmanager
    async def running(service: Service) -> AsyncIterator[None]:
        settings = service.settings
        certificate = None if http else await asyncio.to_thread(Certificate.kept_in, settings.data_dir)
        with listen(host, port, slow_client_seconds=settings.slow_client_seconds) as listener:
            require_keys_beyond_this_machine(listener, settings, has_keys=bool(settings.gateway_keys), how=GATEWAY_KEYS)
            server = _Server(service, certificate)
            # From here on connections wait to be accepted, which they are when the loop runs again.
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            renewing = asyncio.create_task(server.renew(settings.data_dir))
            try:
                url = url_of(listener)
                on_ready(
                    url if http else url.replace("http", "https", 1),
                    None if certificate is None else certificate.authority,
                )
                yield
            finally:
                renewing.cancel()
                server.should_exit = True
                await asyncio.gather(serving, renewing, return_exceptions=True)

    return running


def application(service: Service) -> ASGIApp:
    """The routes, on the tapes of a service, whose metrics and log tell of the requests."""
    downloads = Downloads(service.lifecycle)
    service.registry.register(DownloadFigures(downloads))
    metrics = RequestMetrics(service.registry, "mbo_historical", "mbo_historical_sent_bytes")
    return Edge(_litestar(service, downloads), metrics, [])


def _litestar(service: Service, downloads: Downloads) -> Litestar:
    settings = service.settings
    hosts = Hosts([settings.host, *settings.allowed_hosts], settings.cors_origins)
    return Litestar(
        route_handlers=[MetadataController, SymbologyController, TimeseriesController],
        dependencies={"deck": given(service.deck), "downloads": given(downloads)},
        exception_handlers={Exception: _refused},
        middleware=[_Door(settings.gateway_keys, hosts), service.exports],
        request_max_body_size=LONGEST_FORM,
        openapi_config=None,
        logging_config=None,
    )


class _Door(ASGIMiddleware):
    """Lets in those who bring one of the keys as the user's name; where there are none, this machine's own programs."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, keys: tuple[SecretStr, ...], hosts: Hosts) -> None:
        self._keys = [key.get_secret_value().encode() for key in keys]
        self._hosts = hosts

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Runs a request that may come in."""
        headers = Headers.from_scope(scope)
        if self._keys:
            given = _user_of(headers)
            if not any(hmac.compare_digest(given, key) for key in self._keys):
                raise unknown_key()
        else:
            self._hosts.check(headers)
        client = scope.get("client")
        scope["auth"] = Caller.at(client[0] if client else "unknown")
        await next_app(scope, receive, send)


def _user_of(headers: Headers) -> bytes:
    authorization = headers.get("authorization", "")
    if authorization[: len(_BASIC)].lower() != _BASIC:
        return b""
    try:
        return base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).partition(b":")[0]
    except binascii.Error:
        return b""


class _Server(CuttingServer):
    """Without signals, which are the service's."""

    def __init__(self, service: Service, certificate: Certificate | None) -> None:
        super().__init__(
            config(
                application(service),
                service,
                lifespan="off",
                ssl_certfile=None if certificate is None else certificate.server,
                timeout_graceful_shutdown=1,
            )
        )
        self._certificate = certificate
        self.config.load()

    async def renew(self, data_dir: Path) -> None:
        """Replaces the certificate before it ends, however long the service runs."""
        while self._certificate is not None:
            await asyncio.sleep(_RENEWAL_SECONDS)
            self._certificate = await asyncio.to_thread(Certificate.kept_in, data_dir)
            if self.config.ssl is not None:
                self._certificate.load_into(self.config.ssl)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them alone."""
        yield


def _refused(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, object]]:
    """An error as clients of Databento expect it."""
    match error:
        case Refusal():
            return Response(error.body, status_code=error.status)
        case HTTPException():
            headers = dict(error.headers or {})
            return Response({"detail": error.detail}, status_code=error.status_code, headers=headers)
        case BooktapeError():
            return Response({"detail": str(error)}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
    log.error("request failed", path=request.url.path, exc_info=error)
    return Response({"detail": "an error inside the gateway"}, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
