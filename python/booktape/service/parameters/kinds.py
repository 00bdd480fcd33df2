"""Types that msgspec cannot read by itself: each is parsed from text, and says in words what it expects."""

import re
from collections.abc import Callable
from typing import Any, Self

from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from booktape.moment import Moment
from booktape.parameters import bad_parameter

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
            raise bad_parameter("reference", text, EXPECTED[cls])
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
        raise bad_parameter("speed", text, EXPECTED[cls])


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
        raise bad_parameter("order_id", text, EXPECTED[cls])


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
        raise bad_parameter("Last-Event-ID", text, EXPECTED[cls])


EXPECTED: dict[type, str] = {
    ReplayPlace: "an id of this replay's streams: epoch:index",
    OrderNumber: f"an order's id, a whole number from 1 to {OrderNumber.LARGEST:,}",
    When: _MOMENT,
    InstrumentRef: "an instrument's id or symbol",
    PublisherRef: "a publisher's id or name",
    Speed: f"a factor of real time from {Speed.LOWEST} to {Speed.HIGHEST:,}, or max",
}
_PARSED: tuple[type, ...] = tuple(EXPECTED)


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
        return Schema(type=OpenAPIType.STRING, title=kind.__name__, description=EXPECTED[kind])
