"""Routes that add tapes and remove them."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, get_args

import msgspec
from anyio import CapacityLimiter, to_thread
from litestar import Controller, Request, Response, delete, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from msgspec import UNSET, Meta, UnsetType

from booktape import InputError, StoreError, Tape
from booktape.parameters import bad_parameter
from booktape.service.deck import LoadedTape
from booktape.service.fetches.controller import BEGUN
from booktape.service.fetches.fetches import Fetches
from booktape.service.fetches.schemas import FetchRequest
from booktape.service.library import Library
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import TapeId
from booktape.service.problems import out_of_files, responses
from booktape.service.store.handle import not_now
from booktape.service.tapes.parameters import UploadName
from booktape.service.tapes.schemas import TapeDetails
from booktape.settings import Settings
from booktape.symbology import SymbolType

UPLOAD_MEDIA_TYPE = "application/octet-stream"
PIECE_BYTES = 1 << 20
"""What of an upload is written at once."""
PATIENCE_SECONDS = 30.0
"""How long the next piece of a body may take."""
AT_ONCE = 4
"""Uploads that are written at once; others wait."""


_A_FILE = "A DBN file of the service's machine, below a folder that BOOKTAPE_ALLOWED_DIRS names; it stays where it is."


class Synthetic(msgspec.Struct, forbid_unknown_fields=True):
    """A synthetic tape: the same numbers make the same tape."""

    messages: Annotated[int, Meta(ge=1, le=1_000_000)]
    """Records."""
    instruments: Annotated[int, Meta(ge=1, le=1_000)] = 1
    """Instruments."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """Where chance begins."""


class NewTape(msgspec.Struct, forbid_unknown_fields=True):
    """A tape to serve: exactly one of the three."""

    path: Annotated[str, Meta(min_length=1, max_length=4_096)] | UnsetType = UNSET
    """A file on the service's machine."""
    synthesize: Synthetic | UnsetType = UNSET
    """A tape to make."""
    fetch: FetchRequest | UnsetType = UNSET
    """A tape to fetch from Databento."""


def _whole(least: int, most: int, description: str) -> Schema:
    return Schema(type=OpenAPIType.INTEGER, minimum=least, maximum=most, description=description)


def _text(most: int, description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, min_length=1, max_length=most, description=description)


def _fetch() -> Schema:
    symbol = Schema(type=OpenAPIType.STRING, min_length=1, max_length=100)
    symbols = Schema(type=OpenAPIType.ARRAY, items=symbol, min_items=1, max_items=2_000)
    symbols.description = "Symbols, or `ALL_SYMBOLS`."
    stypes = Schema(type=OpenAPIType.STRING, enum=list(get_args(SymbolType)))
    stypes.description = "What the symbols are; `raw_symbol` if left out."
    cost = Schema(type=OpenAPIType.NUMBER, minimum=0, description="US dollars that it may cost, and no more.")
    return Schema(
        type=OpenAPIType.OBJECT,
        required=["dataset", "symbols", "start", "end", "max_cost"],
        additional_properties=False,
        description="Records from Databento's Historical API.",
        properties={
            "dataset": _text(100, "Databento's code of the dataset."),
            "symbols": symbols,
            "start": _text(40, "The first ts_recv: an ISO date or time, UTC without a zone, or nanoseconds."),
            "end": _text(40, "The ts_recv before which it ends."),
            "max_cost": cost,
            "schema": Schema(type=OpenAPIType.STRING, enum=["mbo"], description="What a tape is made of."),
            "stype_in": stypes,
        },
    )


@dataclass
class TakesTapes(Operation):
    """The operation of a route whose body is a file, or JSON: Litestar knows one kind of body a route."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="A DBN file, plain or zstd.")
        named = Schema(
            type=OpenAPIType.OBJECT,
            required=["path"],
            additional_properties=False,
            properties={"path": Schema(type=OpenAPIType.STRING, min_length=1, max_length=4_096, description=_A_FILE)},
        )
        made = Schema(
            type=OpenAPIType.OBJECT,
            required=["synthesize"],
            additional_properties=False,
            properties={
                "synthesize": Schema(
                    type=OpenAPIType.OBJECT,
                    required=["messages"],
                    additional_properties=False,
                    description="The same numbers make the same tape.",
                    properties={
                        "messages": _whole(1, 1_000_000, "Records."),
                        "instruments": _whole(1, 1_000, "Instruments; 1 if left out."),
                        "seed": _whole(0, 2**63 - 1, "Where chance begins; 0 if left out."),
                    },
                )
            },
        )
        fetched = Schema(
            type=OpenAPIType.OBJECT,
            required=["fetch"],
            additional_properties=False,
            properties={"fetch": _fetch()},
        )
        self.request_body = RequestBody(
            required=True,
            description="A file, or JSON that names one, or says what to make or to fetch.",
            content={
                UPLOAD_MEDIA_TYPE: OpenAPIMediaType(file),
                "application/json": OpenAPIMediaType(Schema(one_of=[named, made, fetched])),
            },
        )


class TapeChanges(Controller):
    """Adding and removing: a part of the controller of tapes, since one path has one controller."""

    path = "/api/v1/tapes"
    tags = ("tapes",)
    guards = (only_known_parameters,)

    @post(
        "/",
        summary="Add a tape",
        operation_id="addTape",
        operation_class=TakesTapes,
        request_max_body_size=None,
        responses=BEGUN
        | responses(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.PAYMENT_REQUIRED,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.CONFLICT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE,
            HTTPStatus.INSUFFICIENT_STORAGE,
        ),
    )
    async def add(
        self,
        request: Request[Any, Any, Any],
        library: NamedDependency[Library],
        settings: NamedDependency[Settings],
        fetches: NamedDependency[Fetches],
        name: UploadName = None,
    ) -> Response[TapeDetails]:
        """A file that is sent, one that is here, one to make, or one to fetch.

        A DBN file, plain or zstd, is the body (`application/octet-stream`) with its `name`: the tape is there once all
        of it has come and can be read. JSON names a file below an allowed folder, or says what to make, or what to
        fetch from Databento: that is begun if it costs no more than `max_cost`, and answered 202 with where to look
        how far it is. The same name and content are the same tape.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media_type == "application/json":
                return await _asked_for(await _described(request, settings), library, fetches)
            if media_type == UPLOAD_MEDIA_TYPE:
                return _made(library.put(await _uploaded(request, library, settings, name)))
        except InputError as why:
            raise _refused(why) from why
        raise HTTPException(
            status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            detail=f"{media_type or 'no media type'}: send a file as {UPLOAD_MEDIA_TYPE}, or JSON that names one",
        )

    @delete(
        "/{tape:str}",
        summary="Remove a tape",
        operation_id="removeTape",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def remove(self, library: NamedDependency[Library], tape: TapeId) -> None:
        """Serves it no longer: streams and replays of it end, and its rows leave the store.

        An upload or a live tape is deleted; a file that was named by its path stays where it is.
        """
        try:
            await library.remove(tape)
        except (InputError, StoreError) as why:
            raise not_now(library.store, why) from why


_writing = CapacityLimiter(AT_ONCE)
_NOWHERE_TO_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def _refused(why: InputError) -> HTTPException:
    """The fault of the file, or of the disk that is to keep it."""
    if busy := out_of_files(why):
        return busy
    system = why.__cause__
    if isinstance(system, OSError) and system.errno in _NOWHERE_TO_WRITE:
        return HTTPException(
            status_code=HTTPStatus.INSUFFICIENT_STORAGE,
            detail=f"the data folder cannot take it ({os.strerror(system.errno)}); nothing of it was kept",
        )
    return ClientException(detail=str(why))


async def _described(request: Request[Any, Any, Any], settings: Settings) -> str | Synthetic | FetchRequest:
    body = bytearray()
    async for piece in _pieces(request, settings.max_body_bytes):
        body += piece
    try:
        new = msgspec.json.decode(body, type=NewTape)
    except msgspec.DecodeError as why:
        raise ClientException(detail=f"the body: {why}") from why
    given = [part for part in (new.path, new.synthesize, new.fetch) if part is not UNSET]
    if len(given) != 1:
        raise ClientException(detail="the body: one of path, synthesize and fetch")
    return given[0]


async def _asked_for(what: str | Synthetic | FetchRequest, library: Library, fetches: Fetches) -> Response[Any]:
    match what:
        case str(path):
            return _made(await library.open_file(path))
        case Synthetic():
            return _made(await library.synthesize(**msgspec.structs.asdict(what)))
        case FetchRequest():
            begun = await fetches.begin(what)
            where = {"Location": f"/api/v1/fetches/{begun.id}"}
            return Response(begun, status_code=HTTPStatus.ACCEPTED, headers=where)


def _made(tape: LoadedTape) -> Response[TapeDetails]:
    return Response(tape.details(), status_code=HTTPStatus.CREATED)


async def _uploaded(request: Request[Any, Any, Any], library: Library, settings: Settings, name: str | None) -> Tape:
    if name is None:
        raise bad_parameter("name", None, "what the file is called, such as clx5.mbo.dbn.zst")
    upload = library.store.begin_upload(name, limit=settings.max_upload_bytes)
    try:
        async for piece in _pieces(request, settings.max_upload_bytes):
            await to_thread.run_sync(upload.write, piece, limiter=_writing)
        finish = partial(upload.finish, in_memory=settings.max_in_memory, max_decompressed=settings.max_decompressed)
        return Tape(await to_thread.run_sync(finish, limiter=_writing))
    except BaseException:
        upload.abort()
        raise


async def _pieces(request: Request[Any, Any, Any], limit: int) -> AsyncIterator[bytes]:
    """A body of so many bytes at most, in pieces that are worth a write each."""
    gathered, taken = bytearray(), 0
    stream = request.stream()
    while (chunk := await _next(stream)) is not None:
        taken += len(chunk)
        if taken > limit:
            raise HTTPException(
                status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail=f"the body may have {limit:,} bytes"
            )
        gathered += chunk
        if len(gathered) >= PIECE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await anext(stream, None)
    except TimeoutError:
        raise HTTPException(
            status_code=HTTPStatus.REQUEST_TIMEOUT,
            detail=f"no more of the body came for {PATIENCE_SECONDS:.0f} seconds",
        ) from None
