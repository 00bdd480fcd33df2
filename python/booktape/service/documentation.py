"""The OpenAPI schema and Swagger UI at /docs, with every asset from this machine."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)
from litestar.params import FromPath

from booktape import __version__
from booktape.service.access.gate import NEEDS, OPEN
from booktape.service.site import AnyRequest, Site

ASSETS = "/docs-assets"
_SCRIPT, _PRESET, _STYLE = "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css"
_START = "swagger-start.js"

DESCRIPTION = """Exact order books from Market-by-Order (L3) data, at any moment of a tape, and streams of it.

Order ids, prices (units of 1e-9) and nanosecond times are strings, since JSON numbers lose digits above 2**53; sizes,
counts, sequences and indexes are numbers. A *position* is the number of records before a moment. Errors are problem
details (RFC 9457).

Where the service has API keys, every route but those of health and documentation needs one: the scope `read` to read,
`control` to change something."""


def openapi_config() -> OpenAPIConfig:
    """The schema's header and where it is served."""
    return OpenAPIConfig(
        title="booktape",
        version=__version__,
        description=DESCRIPTION,
        openapi_router=Router("/docs", route_handlers=[], opt={NEEDS: OPEN}, include_in_schema=False),
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", description="An API key."),
                "header": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header", description="The same key."
                ),
            }
        ),
        security=[{"bearer": []}, {"header": []}, {}],
        servers=[Server(url="/")],
        tags=[
            Tag("tapes", "What is loaded: instruments, books, records, orders, audits."),
            Tag("streams", "Lossless record streams, and screens that follow a book. Server-sent events, or DBN."),
            Tag("exports", "A tape, or rows made of it, as files that are made while they are sent."),
            Tag("health", "What probes ask."),
            Tag("metrics", "What Prometheus reads."),
        ],
        render_plugins=[Swagger(path="/")],
    )


class Swagger(OpenAPIRenderPlugin):
    """A page that starts Swagger UI, all of it files of this machine. Litestar's own has a script inside."""

    def render(self, request: AnyRequest, openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """The page."""
        scripts = "".join(f'<script src="{ASSETS}/{name}" defer></script>' for name in (_SCRIPT, _PRESET, _START))
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>booktape</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="{ASSETS}/{_STYLE}">{scripts}</head>'
            '<body style="margin: 0"><div id="swagger"></div></body></html>'
        ).encode()


def files(contents: dict[str, str]) -> type[Operation]:
    """The operation of a route that answers with files of these media types, each with what it is."""

    @dataclass
    class WithFiles(Operation):
        def __post_init__(self) -> None:
            answer = (self.responses or {}).get("200")
            if not isinstance(answer, OpenAPIResponse):
                return
            typed = {media: content for media, content in (answer.content or {}).items() if media not in contents}
            for content in typed.values():
                rows = getattr(content.schema, "items", None)
                if isinstance(rows, Schema):  # of several kinds, and one of them has all that another has
                    rows.one_of, rows.any_of = None, rows.one_of
            answer.content = typed | {
                media: OpenAPIMediaType(Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description=about))
                for media, about in contents.items()
            }

    return WithFiles


def swagger_assets() -> HTTPRouteHandler:
    """The route that serves Swagger UI's files, which a Python package ships."""
    package = find_spec("litestar_offline_docs")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the package litestar-offline-docs, which ships Swagger UI, is not installed")
    site = Site.of(Path(package.origin).parent / "static", _SCRIPT, _PRESET, _STYLE)
    site |= Site.of(Path(__file__).parent, _START)

    @get(f"{ASSETS}/{{name:str}}", include_in_schema=False, name="swagger-assets", opt={NEEDS: OPEN})
    async def serve(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        return site.response(name, request)

    return serve
