"""What requests may ask for, parsed once into types that also make the OpenAPI schema and the error messages."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeAlias

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.openapi.spec import Example, OpenAPIType, Schema
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from booktape.moment import Moment
from booktape.parameters import bad_parameter
from booktape.values import Schema as RowSchema

_MOMENT = "an index, an ISO time such as 2025-09-24T21:59:59.123456789Z (UTC without a zone), or ns:<nanoseconds>"


# These are plain classes on purpose: msgspec reads dataclasses as JSON objects and would never ask how to parse them.


class When:
    """A moment of a tape, as `Moment.parse` reads it.

    >>> When.parse("17").moment.index
    17
    """

    __slots__ = ("moment",)

    def __init__(self, moment: Moment) -> None:
        self.moment = moment

    @classmethod
    def parse(cls, text: str) -> Self:
        """Digits are an index, ``ns:`` begins nanoseconds, anything else is an ISO time."""
        return cls(Moment.parse(text))

    def __repr__(self) -> str:
        """As it may be asked for."""
        return str(self.moment.index) if self.moment.ts is None else f"ns:{self.moment.ts}"


class Reference:
    """Something by its number or its name.

    >>> InstrumentRef.parse("1234").number, InstrumentRef.parse("CLX5").name
    (1234, 'CLX5')
    """

    __slots__ = ("name", "number")

    def __init__(self, number: int | None, name: str | None) -> None:
        self.number = number
        self.name = name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Digits are a number, anything else is a name."""
        if not text:
            raise bad_parameter("reference", text, _EXPECTED[cls])
        if text.isascii() and text.isdigit():
            return cls(int(text), None)
        return cls(None, text)

    def means(self, number: int, name: str | None) -> bool:
        """Whether this refers to something of that number and name."""
        return self.name == name if self.number is None else self.number == number

    def __str__(self) -> str:
        return str(self.name if self.number is None else self.number)


class InstrumentRef(Reference):
    """An instrument by id or symbol."""

    __slots__ = ()


class PublisherRef(Reference):
    """A publisher by id or name."""

    __slots__ = ()


class Speed:
    """How fast a tape plays: a factor of real time; None is without a clock, as fast as the client reads.

    >>> Speed.parse("2.5").factor, Speed.parse("max").factor
    (2.5, None)
    """

    __slots__ = ("factor",)

    LOWEST = 0.01
    HIGHEST = 100_000

    def __init__(self, factor: float | None) -> None:
        self.factor = factor

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a factor in decimal notation, or "max"."""
        if text == "max":
            return cls(None)
        if re.fullmatch(r"\d{1,6}(\.\d{1,9})?|\.\d{1,9}", text, re.ASCII) and cls.LOWEST <= float(text) <= cls.HIGHEST:
            return cls(float(text))
        raise bad_parameter("speed", text, _EXPECTED[cls])


class OrderNumber:
    """An order's id: an unsigned 64-bit number, more than the bounds of JSON schemas can say.

    >>> OrderNumber.parse("6413150893741").number
    6413150893741
    """

    __slots__ = ("number",)

    LARGEST = 2**64 - 1

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads digits."""
        if re.fullmatch(r"\d{1,20}", text, re.ASCII) and 1 <= int(text) <= cls.LARGEST:
            return cls(int(text))
        raise bad_parameter("order_id", text, _EXPECTED[cls])


class ReplayPlace:
    """A place of a replay's stream: epoch and index of the next record.

    >>> place = ReplayPlace.parse("1758750439500:17")
    >>> place.epoch, place.index
    (1758750439500, 17)
    """

    __slots__ = ("epoch", "index")

    def __init__(self, epoch: int, index: int) -> None:
        self.epoch = epoch
        self.index = index

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an event id."""
        if found := re.fullmatch(r"(\d{1,19}):(\d{1,19})", text, re.ASCII):
            return cls(int(found[1]), int(found[2]))
        raise bad_parameter("Last-Event-ID", text, _EXPECTED[cls])


_EXPECTED: dict[type, str] = {
    ReplayPlace: "an id of this replay's streams: epoch:index",
    OrderNumber: f"an order's id, a whole number from 1 to {OrderNumber.LARGEST:,}",
    When: _MOMENT,
    InstrumentRef: "an instrument's id or symbol",
    PublisherRef: "a publisher's id or name",
    Speed: f"a factor of real time from {Speed.LOWEST} to {Speed.HIGHEST:,}, or max",
}
_PARSED: tuple[type, ...] = tuple(_EXPECTED)


def _parse(kind: Any, text: Any) -> Any:
    return kind.parse(text)


DECODERS: list[tuple[Callable[[Any], bool], Callable[[Any, Any], Any]]] = [(lambda kind: kind in _PARSED, _parse)]
"""What teaches Litestar to read these types."""


class ParameterSchemas(OpenAPISchemaPlugin):
    """Shows the types that are parsed here as strings with a description."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether this is one of them."""
        return value in _PARSED

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ARG002
        """Its schema."""
        kind = field_definition.annotation
        return Schema(type=OpenAPIType.STRING, title=kind.__name__, description=_EXPECTED[kind])


def expectation(field: FieldDefinition) -> str:
    """In words, what a parameter may be: from its annotation, which is the only place that knows."""
    for kind, words in _EXPECTED.items():
        if field.has_inner_subclass_of(kind) or field.annotation is kind:
            return words
    if field.is_literal:
        return "one of " + ", ".join(map(str, field.args))
    if field.annotation is bool:
        return "true or false"
    limits = field.kwarg_definition
    if limits is not None and (low := getattr(limits, "ge", None)) is not None:
        high = getattr(limits, "le", None)
        number = "a whole number" if field.annotation is int or field.has_inner_subclass_of(int) else "a number"
        return f"{number} of at least {low:,}" if high is None else f"{number} from {low:,} to {high:,}"
    return "another value"


def _examples(**values: object) -> list[Example]:
    return [Example(id=name, summary=name.replace("_", " "), value=value) for name, value in values.items()]


TapeId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A tape's id, as `/api/v1/tapes` lists it. It ends in a hash of the content.",
        examples=_examples(a_file="clx5-glbx-20250924-0123abcd"),
    ),
]
FetchId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A fetch's id, as `/api/v1/fetches` lists it.", examples=_examples(one="fetch-9f86d081884c7d65")
    ),
]
OrderId: TypeAlias = Annotated[
    OrderNumber,
    PathParameter(description="An order's id at the venue.", examples=_examples(an_order="6413150893741")),
]
At: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        description="The moment: a plain integer is an index (the state after that record), anything else a time "
        "(the state after the last record with ts_recv at or before it). Without it, the end of the tape.",
        examples=_examples(an_index="1000", a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000"),
    ),
]
From: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        name="from",
        description="Where to begin: a plain integer is the index of the first record, anything else a time (the first "
        "record with ts_recv at or after it). Without it, the beginning of the tape.",
        examples=_examples(an_index="0", a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000"),
    ),
]
LastEventId: TypeAlias = Annotated[
    int | None,
    HeaderParameter(
        name="Last-Event-ID",
        ge=0,
        description="The last `id` that a client saw, sent by browsers when they reconnect: the index of the next "
        "record. Wins over `from`.",
        examples=_examples(an_index="1000"),
    ),
]
UploadName: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="name",
        min_length=1,
        max_length=128,
        description="What the uploaded file is called: its name without a folder.",
        examples=_examples(a_file="clx5.mbo.dbn.zst"),
    ),
]
ReplayId: TypeAlias = Annotated[
    str, PathParameter(description="A replay's id, as `/api/v1/replays` lists it.", examples=_examples(one="replay-1"))
]
LastReplayEventId: TypeAlias = Annotated[
    ReplayPlace | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="The last `id` that a client saw, sent by browsers when they reconnect: the epoch, and the index "
        "of the next record. One of an earlier epoch resumes where the replay is now, after an `event: jump`.",
        examples=_examples(an_id="1758750439500:1000"),
    ),
]
Instrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        description="An instrument's id or symbol. May be left out where the tape has one instrument.",
        examples=_examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
OnlyInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="Only the records of this instrument, by id or symbol. Without it, all records.",
        examples=_examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
OrdersInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="An instrument's id or symbol. May be left out where the order is of one instrument.",
        examples=_examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
OrdersPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="A publisher's id or name. May be left out where one publisher has the order.",
        examples=_examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
Publisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        description="A publisher's id or name. May be left out where the instrument has one publisher.",
        examples=_examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
Depth: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=1_000, description="Levels a side.", examples=_examples(ten=10))
]
Levels: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=100, description="Levels a side in each frame.", examples=_examples(ten=10))
]
View: TypeAlias = Annotated[
    Literal["matched", "published"],
    QueryParameter(
        description="`published` is the book as the venue published it; `matched` is the same after price-time "
        "matching of whatever overlaps, so that the best bid is always below the best ask.",
        examples=_examples(matched="matched", published="published"),
    ),
]
To: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        name="to",
        description="Where to end: a plain integer is the index of the first record left out, anything else a time "
        "(the first record with ts_recv at or after it is left out). Without it, the end of the tape.",
        examples=_examples(an_index="1000", a_time="2025-09-24T21:47:20Z", nanoseconds="ns:1758750440000000000"),
    ),
]
OnlyPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="Only what this publisher published, by id or name. Without it, all of them.",
        examples=_examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
DerivedSchema: TypeAlias = Annotated[
    RowSchema,
    PathParameter(
        description="What the rows are: Databento's name of the schema. `mbo` is the records as they are.",
        examples=_examples(depth="mbp-10", bars="ohlcv-1m", trades="trades"),
    ),
]
RowsFormat: TypeAlias = Annotated[
    Literal["json", "csv", "dbn", "parquet", "arrow"],
    QueryParameter(
        name="format",
        description="`json` is one array, the others are files: CSV, zstd-compressed DBN, Parquet, Arrow IPC stream.",
        examples=_examples(to_look_at="json", text="csv", databento="dbn", columns="parquet"),
    ),
]
RowLimit: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        name="limit",
        ge=1,
        le=2**53,
        description="At most so many rows. Without it 1,000 as JSON, and all of them in the other formats.",
        examples=_examples(ten=10),
    ),
]
ExportFormat: TypeAlias = Annotated[
    Literal["zip", "dbn", "csv", "parquet"],
    QueryParameter(
        name="format",
        description="`zip` is everything with a manifest; the others are one file: zstd-compressed DBN, CSV, Parquet.",
        examples=_examples(everything="zip", databento="dbn", text="csv", columns="parquet"),
    ),
]
WithParquet: TypeAlias = Annotated[
    bool,
    QueryParameter(
        name="parquet", description="Also the records as Parquet, in the zip.", examples=_examples(yes=True)
    ),
]
Orders: TypeAlias = Annotated[
    bool,
    QueryParameter(description="Also every order of these levels, in queue order.", examples=_examples(yes=True)),
]
Limit: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=1_000, description="How many records.", examples=_examples(a_hundred=100))
]
_SPEED = "A factor of real time (by ts_recv), or `max`: no clock, as fast as the client reads."
_SPEEDS = _examples(real_time="1", ten_times="10", no_clock="max")
PlaySpeed: TypeAlias = Annotated[
    Speed, QueryParameter(name="speed", description=_SPEED, examples=_SPEEDS, schema_extra={"default": "1"})
]
StreamSpeed: TypeAlias = Annotated[
    Speed, QueryParameter(name="speed", description=_SPEED, examples=_SPEEDS, schema_extra={"default": "max"})
]
Hertz: TypeAlias = Annotated[
    float, QueryParameter(ge=0.1, le=60, description="Frames a second at most.", examples=_examples(ten=10))
]
Trades: TypeAlias = Annotated[
    bool,
    QueryParameter(description="Also every trade since the last frame, in each frame.", examples=_examples(yes=True)),
]
StreamFormat: TypeAlias = Annotated[
    Literal["json", "full", "dbn"],
    QueryParameter(
        name="format",
        description="`json`: compact arrays, many records an event. `full`: an object a record with its effect on the "
        "book. `dbn`: a DBN file as a stream, metadata first.",
        examples=_examples(compact="json", full="full", binary="dbn"),
    ),
]
Skip: TypeAlias = Annotated[
    int,
    QueryParameter(
        ge=0,
        description="With `format=dbn`: whole records that were already received with the same `from` and `instrument`"
        "; they are left out.",
        examples=_examples(none=0),
    ),
]
DelayMs: TypeAlias = Annotated[
    int,
    PathParameter(
        ge=0,
        le=60_000,
        description="Milliseconds between events; 0 is as fast as the client reads.",
        examples=_examples(none=0, a_tenth_of_a_second=100),
    ),
]

StoredTape: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        name="tape",
        description="Only messages of this tape, by its id.",
        examples=_examples(a_file="clx5-glbx-20250924-0123abcd"),
    ),
]
StoredInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="Only messages of this instrument, by id or symbol. A symbol that means several instruments needs "
        "`tape` beside it.",
        examples=_examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
StoredPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="Only messages of this publisher, by id or name.",
        examples=_examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
StoredOrder: TypeAlias = Annotated[
    OrderNumber | None,
    QueryParameter(
        name="order_id",
        description="Only messages of this order, by its id at the venue.",
        examples=_examples(an_order="6413150893741"),
    ),
]
_TIMES = _examples(a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000")
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
        examples=_examples(a_page="1758750439500000000.1099511627776"),
    ),
]


def only_known_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuses a query parameter that the route does not have: a misspelt `from` must not quietly mean the beginning.

    Raises:
        ParameterError: naming the parameter and those there are.
    """
    fields = handler.parsed_fn_signature.parameters.items()
    known = [
        field.kwarg_definition.name or name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    ]
    for name, value in connection.query_params.items():
        if name not in known:
            raise bad_parameter(name, value, f"no such parameter here; there are: {', '.join(known) or 'none'}")
