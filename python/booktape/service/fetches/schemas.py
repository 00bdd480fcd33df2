"""What is asked of Databento, and how far it has come."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from booktape.symbology import SymbolType

State: TypeAlias = Literal["fetching", "adding", "done", "failed", "cancelled"]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Time: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]


class FetchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Records to fetch from Databento's Historical API, and what they may cost."""

    dataset: Name
    """Databento's code of the dataset."""
    symbols: Annotated[list[Name], Meta(min_length=1, max_length=2_000)]
    """Symbols, or `ALL_SYMBOLS`."""
    start: Time
    """The first ts_recv: an ISO date or time, UTC without a zone, or nanoseconds."""
    end: Time
    """The ts_recv before which it ends."""
    max_cost: Annotated[float, Meta(ge=0)]
    """US dollars that it may cost: where Databento asks for more, nothing is fetched."""
    schema: Literal["mbo"] = "mbo"
    """What a tape is made of."""
    stype_in: SymbolType = "raw_symbol"
    """What the symbols are."""


class FetchDetails(msgspec.Struct):
    """A tape on its way from Databento."""

    id: str
    """What it is called in URLs: the same request is the same fetch."""
    state: State
    """`fetching`, then `adding` to the data folder, then `done`; or `failed`, or `cancelled`. What has come of one that
    was cancelled is kept, too: the same request goes on from there."""
    dataset: str
    """Databento's code of the dataset."""
    symbols: list[str]
    """What was asked for."""
    start: str
    """The first ts_recv, in ns."""
    end: str
    """The ts_recv before which it ends, in ns."""
    cost: float
    """US dollars, by Databento's estimate of what was still to come when it began."""
    records: int
    """How many records have come."""
    expected: int
    """How many there should be, by Databento's count."""
    tape: str | None
    """The tape's id, once it is done."""
    problem: str | None
    """Why it failed. What has come is kept: the same request goes on from there."""


EXAMPLE = FetchDetails(
    id="fetch-9f86d081884c7d65",
    state="fetching",
    dataset="GLBX.MDP3",
    symbols=["CLX5"],
    start="1758672000000000000",
    end="1758758400000000000",
    cost=0.2841,
    records=1_048_576,
    expected=2_714_113,
    tape=None,
    problem=None,
)
"""For the documentation."""
CANCELLED = msgspec.structs.replace(EXAMPLE, state="cancelled")
