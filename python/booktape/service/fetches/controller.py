"""Routes about tapes on their way from Databento; a request for one is `POST /api/v1/tapes`."""

from http import HTTPStatus

from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import to_builtins

from booktape.service.fetches.fetches import Fetches
from booktape.service.fetches.parameters import FetchId
from booktape.service.fetches.schemas import CANCELLED, EXAMPLE, FetchDetails
from booktape.service.parameters.known import only_known_parameters
from booktape.service.problems import responses

_SHOWN = to_builtins(EXAMPLE)


def answered(status: HTTPStatus, value: object, kind: object, description: str) -> dict[int, ResponseSpec]:
    """What the documentation shows of an answer."""
    example = Example(id="an_example", summary="An example", value=value)
    return {
        status: ResponseSpec(kind, description=description, generate_examples=False, examples=[example])  # type: ignore[arg-type]
    }


BEGUN = answered(HTTPStatus.ACCEPTED, _SHOWN, FetchDetails, "It is being fetched; `/api/v1/fetches` tells how far.")
"""The answer to a request that is agreed to."""


class FetchesController(Controller):
    """How far they have come."""

    path = "/api/v1/fetches"
    tags = ("tapes",)
    guards = (only_known_parameters,)

    @get(
        "/",
        summary="Tapes on their way from Databento",
        operation_id="listFetches",
        responses=answered(HTTPStatus.OK, [_SHOWN], list[FetchDetails], "In the order in which they began.")
        | responses(HTTPStatus.BAD_REQUEST),
    )
    async def fetches(self, fetches: NamedDependency[Fetches]) -> list[FetchDetails]:
        """Those under way, and the last that have ended, since the service started."""
        return list(fetches)

    @get(
        "/{fetch:str}",
        summary="One of them",
        operation_id="getFetch",
        responses=answered(HTTPStatus.OK, _SHOWN, FetchDetails, "As it is now.")
        | responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def fetch(self, fetches: NamedDependency[Fetches], fetch: FetchId) -> FetchDetails:
        """How far it has come, and the tape once it is there."""
        return fetches.fetch(fetch)

    @delete(
        "/{fetch:str}",
        summary="Cancel one of them",
        operation_id="cancelFetch",
        status_code=HTTPStatus.OK,
        responses=answered(HTTPStatus.OK, to_builtins(CANCELLED), FetchDetails, "As it was when it ended.")
        | responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    async def cancel(self, fetches: NamedDependency[Fetches], fetch: FetchId) -> FetchDetails:
        """Ends it, and answers when nothing more is fetched.

        What has come was paid for and is kept: the same request goes on from there. One that has ended by itself is a
        conflict.
        """
        return await fetches.cancel(fetch)
