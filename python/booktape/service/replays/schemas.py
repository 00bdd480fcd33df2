"""What replays are asked and what they tell."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from booktape.service.parameters.kinds import Speed

SpeedFactor = Annotated[float, Meta(ge=Speed.LOWEST, le=Speed.HIGHEST)]
WhenUnwatched = Literal["pause", "run", "end"]
Stride = Literal["record", "event", "trade"]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
MomentText = Annotated[str, Meta(min_length=1, max_length=64, examples=["1000", "2025-09-24T21:47:19.5Z"])]


class ReplayState(msgspec.Struct):
    """Where a replay is and what it does; also the data of an `event: state` of its streams."""

    id: str
    """Its id."""
    tape: str
    """The tape it plays."""
    index: int
    """Position on the tape: index of the next record."""
    total: int
    """Records of the tape."""
    ts_recv: str | None
    """ts_recv of the last record played (of the first one, before it), ns since 1970 UTC; null on an empty tape."""
    epoch: int
    """Which run along the tape this is: a seek or a new lap begins another. Ids of its streams are `epoch:index`."""
    playing: bool
    """Whether it moves when somebody watches."""
    speed: float | Literal["max"]
    """A factor of real time, or `max`."""
    loop: bool
    """Whether it begins again at the end."""
    at_head: bool
    """Whether it follows a tape that grows, at its end."""
    longest_wait: float
    """Seconds after which a silence on the tape is left out."""
    when_unwatched: WhenUnwatched
    """What it does while nobody watches."""
    watchers: int
    """Streams that follow it."""
    default: bool
    """Whether it was made with the tape, and stays with it."""


class NewReplay(msgspec.Struct, forbid_unknown_fields=True):
    """A replay to be made."""

    tape: str | UnsetType = UNSET
    """The tape's id; the first tape where it is left out."""
    start: MomentText | UnsetType = UNSET
    """Where to begin: an index, an ISO time or `ns:…`, as `from` of the streams; left out, the tape's beginning."""
    playing: bool = True
    """Whether it plays at once."""
    speed: SpeedFactor | Literal["max"] = 1.0
    """A factor of real time, or `max`."""
    loop: bool = False
    """Whether to begin again at the end."""
    longest_wait: Seconds = 2.0
    """Seconds after which a silence on the tape is left out."""
    when_unwatched: WhenUnwatched | UnsetType = UNSET
    """What to do while nobody watches; as the service is set where it is left out."""


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """A step along the tape; the replay pauses."""

    by: Stride = "record"
    """To the next (or previous) record, end of an event, or trade."""
    count: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 1
    """How many; negative goes back."""
    instrument: str | UnsetType = UNSET
    """Only records of this instrument count, by id or symbol."""


class ReplayChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to change; whatever is left out stays."""

    playing: bool | UnsetType = UNSET
    """Play or pause. Playing at the end of the tape begins again."""
    speed: SpeedFactor | Literal["max"] | UnsetType = UNSET
    """A factor of real time, or `max`."""
    seek: MomentText | UnsetType = UNSET
    """Go to an index, an ISO time or `ns:…`, as `from` of the streams; `end` is the end of the tape."""
    step: Step | UnsetType = UNSET
    """Step, and pause."""
    loop: bool | UnsetType = UNSET
    """Whether to begin again at the end."""
    longest_wait: Seconds | UnsetType = UNSET
    """Seconds after which a silence on the tape is left out."""
    when_unwatched: WhenUnwatched | UnsetType = UNSET
    """What to do while nobody watches."""
