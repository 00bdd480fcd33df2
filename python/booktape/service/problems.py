"""Every error as problem details (RFC 9457), from one handler."""

import errno
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    ServiceUnavailableException,
    ValidationException,
)
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from booktape.errors import (
    BooktapeError,
    ConflictError,
    CostError,
    GoneError,
    NotFoundError,
    ParameterError,
    UpstreamError,
)
from booktape.service.parameters.known import expectation
from booktape.service.streams.client import has_gone

MEDIA_TYPE = "application/problem+json"
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})
"""What the system says where all files that may be open are."""

log = structlog.get_logger(__name__)


class Problem(msgspec.Struct):
    """What went wrong, as RFC 9457 describes it."""

    title: str
    """The HTTP status in words."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong with this request: what, where, which value, and what would do."""
    instance: str
    """The path that was asked for."""
    type: str = "about:blank"
    """Always `about:blank`: the status says what kind of problem it is."""


def problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The response to any error a handler raises."""
    status, detail, headers = _describe(request, error)
    if not isinstance(error, HTTPException):
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed", path=request.url.path, query=str(request.url.query), exc_info=error)
        elif status > HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("request refused", path=request.url.path, why=detail)
    body = Problem(title=HTTPStatus(status).phrase, status=int(status), detail=detail, instance=request.url.path)
    return Response(body, status_code=int(status), media_type=MEDIA_TYPE, headers=headers)


_STATUSES: tuple[tuple[type[BooktapeError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (GoneError, HTTPStatus.GONE),
    (ParameterError, HTTPStatus.BAD_REQUEST),
    (CostError, HTTPStatus.PAYMENT_REQUIRED),
    (UpstreamError, HTTPStatus.BAD_GATEWAY),
    (BooktapeError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""Of each kind of error of ours; the first that fits."""


def out_of_files(error: Exception) -> ServiceUnavailableException | None:
    """What a request is told where an error was that no more files can be open; connections take most of them."""
    system = error if isinstance(error, OSError) else error.__cause__
    if isinstance(system, OSError) and system.errno in _NO_FILES:
        return ServiceUnavailableException(
            detail="the service has no file left to open; try again", headers={"Retry-After": "5"}
        )
    return None


def _describe(request: Request[Any, Any, Any], error: Exception) -> tuple[int, str, dict[str, str]]:
    error = out_of_files(error) or error
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return status, str(error), {}
    match error:
        case RecursionError():  # nothing else is as deep as its sender likes
            return HTTPStatus.BAD_REQUEST, "the body: nested too deeply", {}
        case ValidationException():
            return error.status_code, _refused_parameters(request, error), {}
        # Litestar's word for a body that ends early; nobody sees the answer but whoever counts them.
        case InternalServerException() if type(error) is InternalServerException and has_gone(request.scope):
            return HTTPStatus.BAD_REQUEST, "the rest of the body did not come", {}
        case HTTPException():
            detail = error.detail or HTTPStatus(error.status_code).description
            return error.status_code, detail, dict(error.headers or {})
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR, "an error inside the service; its log says more", {}


def _refused_parameters(request: Request[Any, Any, Any], error: ValidationException) -> str:
    entries = error.extra if isinstance(error.extra, list) else []
    refused = (_refused(request, str(entry.get("key", "")), entry) for entry in entries)
    return "; ".join(filter(None, refused)) or error.detail


def _refused(request: Request[Any, Any, Any], key: str, entry: dict[str, Any]) -> str | None:
    if entry.get("source") == "body":
        message = str(entry.get("message", ""))
        if key == "data":
            return "the body: a JSON object is expected" if message == "'data'" else f"the body: {message}"
        return f"{key}: {message}"
    field = request.route_handler.parsed_fn_signature.parameters.get(key)
    if field is None:
        return None
    name = getattr(field.kwarg_definition, "name", None) or key
    given = request.path_params.get(name, request.query_params.get(name, request.headers.get(name)))
    return f"{name} = {given!r}: {expectation(field)}"


def responses(*statuses: HTTPStatus) -> dict[int, ResponseSpec]:
    """What a route's documentation says about its errors."""
    return {
        status: ResponseSpec(
            Problem,
            description=_MEANINGS[status],
            media_type=MEDIA_TYPE,
            generate_examples=False,
            examples=[Example(id="an_example", summary="An example", value=_example(status))],
        )
        for status in (*statuses, *_ANYWHERE)
    }


def _example(status: HTTPStatus) -> dict[str, Any]:
    detail = _SUCH_AS.get(status, status.description)
    problem = Problem(status.phrase, status.value, detail, "/api/v1/tapes/clx5-0123abcd/book")
    shown: dict[str, Any] = msgspec.to_builtins(problem)
    return shown


_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "A parameter is not what it may be; the detail names it, its value and what would do.",
    HTTPStatus.UNAUTHORIZED: "The service has API keys, and the request carries none of them.",
    HTTPStatus.FORBIDDEN: "The key is for less, or, where there are no keys, the page of another site asks.",
    HTTPStatus.TOO_MANY_REQUESTS: "More than the caller's limit; Retry-After says when there is room again.",
    HTTPStatus.NOT_FOUND: "No such tape, instrument or publisher; the detail says which there are.",
    HTTPStatus.PAYMENT_REQUIRED: "It costs more than was agreed to; the detail says how much.",
    HTTPStatus.BAD_GATEWAY: "Databento does not answer, or refuses the key, or there is none.",
    HTTPStatus.CONFLICT: "What is there already does not allow it, such as an id whose tape is not what it was.",
    HTTPStatus.GONE: "Records that were dropped to make room for later ones; the detail names the first there is.",
    HTTPStatus.REQUEST_TIMEOUT: "The rest of the body did not come.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More bytes than the service takes; the detail says how many.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "A body of another media type than the route takes.",
    HTTPStatus.INSUFFICIENT_STORAGE: "The data folder cannot be written now: its disk is full, or only to be read.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now: too many streams, or the service is loading or stopping.",
}
_ANYWHERE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
"""What any route that needs a key may answer."""
_SUCH_AS = {
    HTTPStatus.BAD_REQUEST: "depth = '0': a whole number from 1 to 1,000",
    HTTPStatus.NOT_FOUND: "no instrument CLZ5 on this tape; it has 42140878 (CLX5)",
    HTTPStatus.PAYMENT_REQUIRED: "it would cost 1.2300 US dollars, more than the 1.0000 allowed",
    HTTPStatus.BAD_GATEWAY: "no key for Databento: set DATABENTO_API_KEY or DBN_KEY",
    HTTPStatus.SERVICE_UNAVAILABLE: "all 2,000 streams are taken; try again in 5 seconds",
}
"""Details, where the status alone is too little."""
