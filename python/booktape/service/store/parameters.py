"""Which messages of the store."""

from typing import Annotated, TypeAlias

from litestar.params import QueryParameter

from booktape.service.parameters.examples import examples
from booktape.service.parameters.kinds import InstrumentRef, OrderNumber, PublisherRef, When

StoredTape: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="tape",
        description="Only messages of this tape, by its id.",
        examples=examples(a_file="clx5-glbx-20250924-0123abcd"),
    ),
]
StoredInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="Only messages of this instrument, by id or symbol. A symbol that means several instruments needs "
        "`tape` beside it.",
        examples=examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
StoredPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="Only messages of this publisher, by id or name.",
        examples=examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
StoredOrder: TypeAlias = Annotated[
    OrderNumber | None,
    QueryParameter(
        name="order_id",
        description="Only messages of this order, by its id at the venue.",
        examples=examples(an_order="6413150893741"),
    ),
]
_TIMES = examples(a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000")
StoredFrom: TypeAlias = Annotated[
    When | None,
    QueryParameter(name="from", description="Only messages with ts_recv at or after this time.", examples=_TIMES),
]
StoredTo: TypeAlias = Annotated[
    When | None,
    QueryParameter(name="to", description="Only messages with ts_recv before this time.", examples=_TIMES),
]
After: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        description="`next` of the page before: this one begins behind it.",
        examples=examples(a_page="1758750439500000000.1099511627776"),
    ),
]
