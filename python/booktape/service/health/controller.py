"""Liveness and readiness."""

from http import HTTPStatus

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from booktape.service.access.gate import NEEDS, OPEN
from booktape.service.lifecycle import Lifecycle, Phase


class Health(msgspec.Struct):
    """The process runs and answers."""

    status: str
    """Always "ok"."""


class Readiness(msgspec.Struct):
    """Whether requests should come here."""

    status: Phase
    """Ready, or why not."""


class HealthController(Controller):
    """What probes ask."""

    tags = ("health",)
    opt = {NEEDS: OPEN}  # noqa: RUF012 - Litestar reads it from the class
    security = ({},)

    @get("/health", summary="Is it alive?", operation_id="getHealth")
    async def health(self) -> Health:
        """200 as long as the process answers."""
        return Health("ok")

    @get(
        "/ready",
        summary="Is it ready?",
        operation_id="getReadiness",
        responses={
            HTTPStatus.SERVICE_UNAVAILABLE: ResponseSpec(
                Readiness,
                description="It is still loading, or stopping.",
                generate_examples=False,
                examples=[Example(id="an_example", summary="An example", value={"status": Phase.LOADING.value})],
            )
        },
    )
    async def ready(self, lifecycle: NamedDependency[Lifecycle]) -> Response[Readiness]:
        """200 when tapes are loaded and the service is not stopping."""
        ready = lifecycle.phase is Phase.READY
        return Response(
            Readiness(lifecycle.phase), status_code=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        )
