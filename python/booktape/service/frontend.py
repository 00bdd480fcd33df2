"""The page, served from the package; a plain page where it was not built."""

from pathlib import Path

from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from booktape.service.access.gate import NEEDS, OPEN
from booktape.service.site import AnyRequest, Site

FOLDER = Path(__file__).parent.parent / "_frontend"
"""Where the build puts it."""
SERVICE_PATHS = ("api/", "docs/")
"""What the page's own addresses never begin with."""

NOT_BUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>booktape</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem}
</style></head>
<body><h1>booktape</h1><p>The service runs, but this installation has no page: it was built without the frontend.
<code>make build</code> in a checkout builds it (Node 20 or newer).</p>
<p>Meanwhile: <a href="/docs">the API</a>, <a href="/api/v1/tapes">the loaded tapes</a>.</p></body></html>
"""


def index_page(folder: Path = FOLDER) -> bytes:
    """The page's HTML; empty where it was not built."""
    index = folder / "index.html"
    return index.read_bytes() if index.is_file() else b""


def page(folder: Path = FOLDER) -> HTTPRouteHandler:
    """The route that serves the page: its files, and its index for every address that is the page's own."""
    site = Site.of(folder)

    @get(["/", "/{path:path}"], include_in_schema=False, media_type=MediaType.HTML, name="page", opt={NEEDS: OPEN})
    async def serve(request: AnyRequest, path: FromPath[str] = "") -> Response[bytes]:
        wanted = path.strip("/")
        if asset := site.asset(wanted or "index.html"):
            return asset.response(request)
        # A file that is missing is missing; an address without a suffix is for the page's router.
        if wanted.startswith(SERVICE_PATHS) or "." in wanted.rsplit("/", 1)[-1]:
            raise NotFoundException(f"nothing at /{wanted}")
        if index := site.asset("index.html"):
            return index.response(request)
        return Response(NOT_BUILT, media_type=MediaType.HTML, headers={"Cache-Control": "no-store"})

    return serve
