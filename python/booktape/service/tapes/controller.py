"""Routes about tapes: what is loaded, its instruments, books, records, orders and audit."""

from http import HTTPStatus

from litestar import get
from litestar.di import NamedDependency

from booktape.service.deck import Deck
from booktape.service.parameters.known import only_known_parameters
from booktape.service.parameters.shared import At, From, Instrument, Limit, Publisher, TapeId, View
from booktape.service.problems import responses
from booktape.service.tapes.audit import AuditReport
from booktape.service.tapes.changes import TapeChanges
from booktape.service.tapes.order import OrderLives
from booktape.service.tapes.parameters import Depth, OrderId, Orders, OrdersInstrument, OrdersPublisher
from booktape.service.tapes.schemas import BookState, InstrumentNode, RecordsPage, TapeDetails


class TapesController(TapeChanges):
    """Answers about a tape; streams of it are elsewhere."""

    path = "/api/v1/tapes"
    tags = ("tapes",)
    guards = (only_known_parameters,)

    @get("/", summary="The loaded tapes", operation_id="listTapes", responses=responses(HTTPStatus.BAD_REQUEST))
    async def tapes(self, deck: NamedDependency[Deck]) -> list[TapeDetails]:
        """Every tape, in the order they were given; routes without a tape in their path serve the first."""
        return [tape.details() for tape in deck]

    @get(
        "/{tape:str}",
        summary="One tape",
        operation_id="getTape",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def tape(self, deck: NamedDependency[Deck], tape: TapeId) -> TapeDetails:
        """What the tape is and holds."""
        return deck.tape(tape).details()

    @get(
        "/{tape:str}/instruments",
        summary="The market tree",
        operation_id="listInstruments",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def instruments(self, deck: NamedDependency[Deck], tape: TapeId) -> list[InstrumentNode]:
        """Instruments with symbols and publishers, most records first."""
        return deck.tape(tape).tree.instruments

    @get(
        "/{tape:str}/book",
        summary="The book at any moment",
        operation_id="getBook",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
    )
    async def book(
        self,
        deck: NamedDependency[Deck],
        tape: TapeId,
        instrument: Instrument = None,
        publisher: Publisher = None,
        at: At = None,
        depth: Depth = 10,
        view: View = "matched",
        orders: Orders = False,
    ) -> BookState:
        """A book after a record or at a time."""
        loaded = deck.tape(tape)
        position, key = loaded.position_at(at), loaded.tree.book(instrument, publisher)
        return await loaded.book(position, key, depth=depth, view=view, orders=orders)

    @get(
        "/{tape:str}/records",
        summary="Records",
        operation_id="listRecords",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
    )
    async def records(
        self, deck: NamedDependency[Deck], tape: TapeId, start: From = None, limit: Limit = 100
    ) -> RecordsPage:
        """A page of records, in tape order."""
        loaded = deck.tape(tape)
        return await loaded.records(loaded.position_from(start), limit)

    @get(
        "/{tape:str}/orders/{order_id:str}",
        summary="The life of an order",
        operation_id="getOrder",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def order(
        self,
        deck: NamedDependency[Deck],
        tape: TapeId,
        order_id: OrderId,
        instrument: OrdersInstrument = None,
        publisher: OrdersPublisher = None,
    ) -> OrderLives:
        """Every record of an order, its place in the queue after each, and how it ended."""
        return await deck.tape(tape).order(order_id.number, instrument, publisher)

    @get(
        "/{tape:str}/audit",
        summary="What was wrong",
        operation_id="getAudit",
        responses=responses(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND),
    )
    async def audit(self, deck: NamedDependency[Deck], tape: TapeId) -> AuditReport:
        """Anomalies by kind, crossed periods, and where every book ended. The first answer takes a while."""
        return await deck.tape(tape).audit()
