"""Files for browsers: the built page, and the assets of the API documentation. Nothing comes from another host."""

import mimetypes
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self, TypeAlias

from litestar import Request, Response
from litestar.exceptions import NotFoundException

AnyRequest: TypeAlias = Request[Any, Any, Any]

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory, with its compressed forms where the build made them."""

    body: bytes
    media_type: str
    etag: str
    cache_control: str
    encoded: dict[str, bytes]

    def response(self, request: AnyRequest) -> Response[bytes]:
        """The file, compressed if the client takes it, or 304 if it has it."""
        headers = {"ETag": self.etag, "Cache-Control": self.cache_control}
        if request.headers.get("if-none-match") == self.etag:
            return Response(b"", status_code=304, headers=headers, media_type=self.media_type)
        body = self.body
        if self.encoded:
            headers["Vary"] = "Accept-Encoding"
            accepted = request.headers.get("accept-encoding", "")
            encoding = next((name for name in self.encoded if name in accepted), None)
            if encoding:
                headers["Content-Encoding"] = encoding
                body = self.encoded[encoding]
        return Response(body, headers=headers, media_type=self.media_type)


class Site:
    """The files below a folder, read once."""

    def __init__(self, assets: dict[str, Asset]) -> None:
        self._assets = assets

    @classmethod
    def of(cls, folder: Path, *names: str) -> Self:
        """All files of a folder, or those named; none where there is no such folder."""
        compressed = tuple(_ENCODINGS.values())
        files = [folder / name for name in names] if names else sorted(folder.rglob("*"))
        return cls(
            {
                path.relative_to(folder).as_posix(): _read(folder, path)
                for path in files
                if path.is_file() and path.suffix not in compressed
            }
        )

    def __or__(self, other: "Site") -> "Site":
        return Site(self._assets | other._assets)

    def asset(self, name: str) -> Asset | None:
        """A file by its path below the folder."""
        return self._assets.get(name.strip("/"))

    def response(self, name: str, request: AnyRequest) -> Response[bytes]:
        """A file as a response.

        Raises:
            NotFoundException: there is no such file.
        """
        asset = self.asset(name)
        if asset is None:
            raise NotFoundException(f"no file {name}")
        return asset.response(request)


def _read(folder: Path, path: Path) -> Asset:
    body = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    siblings = {name: path.with_name(path.name + suffix) for name, suffix in _ENCODINGS.items()}
    return Asset(
        body=body,
        media_type=media_type,
        etag=f'"{blake2b(body, digest_size=12).hexdigest()}"',
        # SvelteKit puts a hash of the content into the names below this folder.
        cache_control=IMMUTABLE if "immutable" in path.relative_to(folder).parts else REVALIDATE,
        encoded={name: sibling.read_bytes() for name, sibling in siblings.items() if sibling.is_file()},
    )
