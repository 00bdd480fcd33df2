"""What streams may be asked for."""

from typing import Annotated, Literal, TypeAlias

from litestar.params import HeaderParameter, PathParameter, QueryParameter

from booktape.service.parameters.examples import examples
from booktape.service.parameters.kinds import Speed

LastEventId: TypeAlias = Annotated[
    int | None,
    HeaderParameter(
        name="Last-Event-ID",
        ge=0,
        description="The last `id` that a client saw, sent by browsers when they reconnect: the index of the next "
        "record. Wins over `from`.",
        examples=examples(an_index="1000"),
    ),
]
StreamFormat: TypeAlias = Annotated[
    Literal["json", "full", "dbn"],
    QueryParameter(
        name="format",
        description="`json`: compact arrays, many records an event. `full`: an object a record with its effect on the "
        "book. `dbn`: a DBN file as a stream, metadata first.",
        examples=examples(compact="json", full="full", binary="dbn"),
    ),
]
Skip: TypeAlias = Annotated[
    int,
    QueryParameter(
        ge=0,
        description="With `format=dbn`: whole records that were already received with the same `from` and `instrument`"
        "; they are left out.",
        examples=examples(none=0),
    ),
]
DelayMs: TypeAlias = Annotated[
    int,
    PathParameter(
        ge=0,
        le=60_000,
        description="Milliseconds between events; 0 is as fast as the client reads.",
        examples=examples(none=0, a_tenth_of_a_second=100),
    ),
]
_SPEED = "A factor of real time (by ts_recv), or `max`: no clock, as fast as the client reads."
_SPEEDS = examples(real_time="1", ten_times="10", no_clock="max")
PlaySpeed: TypeAlias = Annotated[
    Speed, QueryParameter(name="speed", description=_SPEED, examples=_SPEEDS, schema_extra={"default": "1"})
]
StreamSpeed: TypeAlias = Annotated[
    Speed, QueryParameter(name="speed", description=_SPEED, examples=_SPEEDS, schema_extra={"default": "max"})
]
Levels: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=100, description="Levels a side in each frame.", examples=examples(ten=10))
]
Hertz: TypeAlias = Annotated[
    float, QueryParameter(ge=0.1, le=60, description="Frames a second at most.", examples=examples(ten=10))
]
Trades: TypeAlias = Annotated[
    bool,
    QueryParameter(description="Also every trade since the last frame, in each frame.", examples=examples(yes=True)),
]
