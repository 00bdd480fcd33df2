"""Routes that add tapes and remove them."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from anyio import CapacityLimiter, to_thread
from litestar import Controller, Request, delete, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException
from msgspec import UNSET, Meta, UnsetType

from booktape import Tape
from booktape.parameters import bad_parameter
from booktape.service.library import Library
from booktape.service.parameters import TapeId, UploadName, only_known_parameters
from booktape.service.problems import responses
from booktape.service.tapes.schemas import TapeDetails
from booktape.settings import Settings

UPLOAD_MEDIA_TYPE = "application/octet-stream"
PIECE_BYTES = 1 << 20
"""What of an upload is written at once."""
PATIENCE_SECONDS = 30.0
"""How long the next piece of a body may take."""
AT_ONCE = 4
"""Uploads that are written at once; others wait."""


class Synthetic(msgspec.Struct, forbid_unknown_fields=True):
    """A synthetic tape: the same numbers make the same tape."""

    messages: Annotated[int, Meta(ge=1, le=100_000_000)]
    """Records."""
    instruments: Annotated[int, Meta(ge=1, le=1_000)] = 1
    """Instruments."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """Where chance begins."""


class NewTape(msgspec.Struct, forbid_unknown_fields=True):
    """A tape to serve: exactly one of the two."""

    path: Annotated[str, Meta(min_length=1, max_length=4_096)] | UnsetType = UNSET
    """A DBN file on the service's machine, below a folder that BOOKTAPE_ALLOWED_DIRS names; it stays where it is."""
    synthesize: Synthetic | UnsetType = UNSET
    """A tape to make."""


class TapeChanges(Controller):
    """Adding and removing."""

    path = "/api/v1/tapes"
    tags = ("tapes",)
    guards = (only_known_parameters,)

    @post(
        "/",
        summary="Add a tape",
        operation_id="addTape",
        request_max_body_size=None,
        responses=responses(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def add(
        self,
        request: Request[Any, Any, Any],
        library: NamedDependency[Library],
        settings: NamedDependency[Settings],
        name: UploadName = None,
    ) -> TapeDetails:
        """A DBN file as the body (`application/octet-stream`, with its `name`), plain or zstd, as long as it likes: the
        tape is there once all of it has come and can be read. Or JSON: the path of a file below an allowed folder, or a
        tape to make. The same content is the same tape.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == "application/json":
            new = msgspec.json.decode(await _all_of(request, settings.max_body_bytes), type=NewTape)
            if (new.path is UNSET) == (new.synthesize is UNSET):
                raise bad_parameter("body", "{…}", "either path or synthesize")
            if new.path is not UNSET:
                return (await library.open_file(new.path)).details()
            assert new.synthesize is not UNSET
            return (await library.synthesize(**msgspec.structs.asdict(new.synthesize))).details()
        if media_type != UPLOAD_MEDIA_TYPE:
            raise HTTPException(
                status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                detail=f"{media_type or 'no media type'}: a tape comes as {UPLOAD_MEDIA_TYPE}, or is named as application/json",
            )
        if name is None:
            raise bad_parameter("name", None, "what the file is called, such as clx5.mbo.dbn.zst")
        return library.put(await _uploaded(request, library, settings, name)).details()

    @delete(
        "/{tape:str}",
        summary="Remove a tape",
        operation_id="removeTape",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def remove(self, library: NamedDependency[Library], tape: TapeId) -> None:
        """Serves it no longer: streams and replays of it end. An upload or a live tape is deleted with its rows in the
        store; a file that was named by its path stays where it is.
        """
        await library.remove(tape)


_writing = CapacityLimiter(AT_ONCE)


async def _uploaded(request: Request[Any, Any, Any], library: Library, settings: Settings, name: str) -> Tape:
    upload = library.store.begin_upload(name, limit=settings.max_upload_bytes)
    try:
        async for piece in _pieces(request):
            await to_thread.run_sync(upload.write, piece, limiter=_writing)
        finish = partial(upload.finish, in_memory=settings.max_in_memory, max_decompressed=settings.max_decompressed)
        return Tape(await to_thread.run_sync(finish, limiter=_writing))
    except BaseException:
        upload.abort()
        raise


async def _pieces(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """A body in pieces that are worth a write each."""
    gathered = bytearray()
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise ClientException(
                detail=f"no more of the body came for {PATIENCE_SECONDS:.0f} seconds", status_code=408
            ) from None
        if chunk is None:
            break
        gathered += chunk
        if len(gathered) >= PIECE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _all_of(request: Request[Any, Any, Any], limit: int) -> bytes:
    """A short body."""
    body = bytearray()
    async for piece in _pieces(request):
        body += piece
        if len(body) > limit:
            raise HTTPException(
                status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail=f"the body may have {limit:,} bytes"
            )
    return bytes(body)
