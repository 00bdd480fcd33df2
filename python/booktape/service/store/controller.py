"""Routes about the store."""

from http import HTTPStatus

from litestar import Controller, get
from litestar.di import NamedDependency

from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import Limit
from booktape.service.problems import responses
from booktape.service.store.handle import StoreHandle
from booktape.service.store.parameters import (
    After,
    StoredFrom,
    StoredInstrument,
    StoredOrder,
    StoredPublisher,
    StoredTape,
    StoredTo,
)
from booktape.service.store.schemas import StoredMessages, StoreState


class StoreController(Controller):
    """Answers from the SQLite projection of the tapes."""

    path = "/api/v1/store"
    tags = ("store",)
    guards = (only_known_parameters,)

    @get(
        "/",
        summary="The store",
        operation_id="getStore",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def state(self, store: NamedDependency[StoreHandle]) -> StoreState:
        """The size of the store, the tapes in it, and how far each has come."""
        return await store.state()

    @get(
        "/messages",
        summary="Messages of any tape",
        operation_id="listMessages",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def messages(
        self,
        store: NamedDependency[StoreHandle],
        tape: StoredTape = None,
        instrument: StoredInstrument = None,
        publisher: StoredPublisher = None,
        order_id: StoredOrder = None,
        start: StoredFrom = None,
        end: StoredTo = None,
        limit: Limit = 100,
        after: After = None,
    ) -> StoredMessages:
        """A page of messages, as soon as the store has them: its lag says what is missing."""
        return await store.messages(
            tape=tape,
            instrument=instrument,
            publisher=publisher,
            order_id=None if order_id is None else order_id.number,
            start=start,
            end=end,
            limit=limit,
            after=after,
        )
