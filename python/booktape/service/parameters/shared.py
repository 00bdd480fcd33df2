"""What several kinds of questions ask for: a tape, a moment of it, a book."""

from typing import Annotated, Literal, TypeAlias

from litestar.params import PathParameter, QueryParameter

from booktape.service.parameters.examples import examples
from booktape.service.parameters.kinds import InstrumentRef, PublisherRef, When

TapeId: TypeAlias = Annotated[
    str,
    PathParameter(
        description="A tape's id, as `/api/v1/tapes` lists it. It ends in a hash of the content.",
        examples=examples(a_file="clx5-glbx-20250924-0123abcd"),
    ),
]
At: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        description="The moment: a plain integer is an index (the state after that record), anything else a time "
        "(the state after the last record with ts_recv at or before it). Without it, the end of the tape.",
        examples=examples(an_index="1000", a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000"),
    ),
]
From: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        name="from",
        description="Where to begin: a plain integer is the index of the first record, anything else a time (the first "
        "record with ts_recv at or after it). Without it, the beginning of the tape.",
        examples=examples(an_index="0", a_time="2025-09-24T21:47:19.5Z", nanoseconds="ns:1758750439500000000"),
    ),
]
To: TypeAlias = Annotated[
    When | None,
    QueryParameter(
        name="to",
        description="Where to end: a plain integer is the index of the first record left out, anything else a time "
        "(the first record with ts_recv at or after it is left out). Without it, the end of the tape.",
        examples=examples(an_index="1000", a_time="2025-09-24T21:47:20Z", nanoseconds="ns:1758750440000000000"),
    ),
]
Instrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        description="An instrument's id or symbol. May be left out where the tape has one instrument.",
        examples=examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
OnlyInstrument: TypeAlias = Annotated[
    InstrumentRef | None,
    QueryParameter(
        name="instrument",
        description="Only the records of this instrument, by id or symbol. Without it, all records.",
        examples=examples(a_symbol="CLX5", an_id="42140878"),
    ),
]
Publisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        description="A publisher's id or name. May be left out where the instrument has one publisher.",
        examples=examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
OnlyPublisher: TypeAlias = Annotated[
    PublisherRef | None,
    QueryParameter(
        name="publisher",
        description="Only what this publisher published, by id or name. Without it, all of them.",
        examples=examples(a_name="GLBX.MDP3.GLBX", an_id="1"),
    ),
]
View: TypeAlias = Annotated[
    Literal["matched", "published"],
    QueryParameter(
        description="`published` is the book as the venue published it; `matched` is the same after price-time "
        "matching of whatever overlaps, so that the best bid is always below the best ask.",
        examples=examples(matched="matched", published="published"),
    ),
]
Limit: TypeAlias = Annotated[
    int, QueryParameter(ge=1, le=1_000, description="How many records.", examples=examples(a_hundred=100))
]
