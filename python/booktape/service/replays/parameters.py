"""Which replay, and where in its stream."""

from typing import Annotated, TypeAlias

from litestar.params import HeaderParameter, PathParameter

from booktape.service.parameters.examples import examples
from booktape.service.parameters.kinds import ReplayPlace

ReplayId: TypeAlias = Annotated[
    str, PathParameter(description="A replay's id, as `/api/v1/replays` lists it.", examples=examples(one="replay-1"))
]
LastReplayEventId: TypeAlias = Annotated[
    ReplayPlace | None,
    HeaderParameter(
        name="Last-Event-ID",
        description="The last `id` that a client saw, sent by browsers when they reconnect: the epoch, and the index "
        "of the next record. One of an earlier epoch resumes where the replay is now, after an `event: jump`.",
        examples=examples(an_id="1758750439500:1000"),
    ),
]
