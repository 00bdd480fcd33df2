"""What questions about one tape may ask for besides."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter, QueryParameter

from booktape.service.parameters.examples import examples
from booktape.service.parameters.kinds import InstrumentRef, OrderNumber, PublisherRef

OrderId: TypeAlias = Annotated[
    OrderNumber,
    PathParameter(description="An order's id at the venue.", examples=examples(an_order="6413150893741")),
]
OrdersInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="An instrument's id or symbol. May be left out where the order is of one instrument.",
        examples=examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
OrdersPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="A publisher's id or name. May be left out where one publisher has the order.",
        examples=examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
Depth: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=1_000, description="Levels a side.", examples=examples(ten=10))
]
Orders: TypeAlias = Annotated[
    bool,
    QueryParameter(description="Also every order of these levels, in queue order.", examples=examples(yes=True)),
]
UploadName: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="name",
        min_length=1,
        max_length=128,
        description="What the uploaded file is called: its name without a folder.",
        examples=examples(a_file="clx5.mbo.dbn.zst"),
    ),
]
