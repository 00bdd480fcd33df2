"""How tapes are played to those who connect."""

from dataclasses import dataclass

from booktape.moment import Moment


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """Every session has a playback of its own from the beginning, in real time, unless told otherwise."""

    speed: float | None = 1.0
    """How many times as fast as the records were received; None as fast as the client reads."""
    start: Moment | None = None
    """Where playbacks begin; None at the first record."""
    shared: bool = False
    """Whether sessions follow the tape's own replay, or the head of a tape that grows, rather than one of their own."""
    stay: bool = False
    """Whether sessions stay open, with heartbeats, when everything was sent."""
    dataset: str | None = None
    """The dataset that all tapes are said to be of, whatever their files say."""
    verbatim: bool = False
    """Whether a file's metadata and records are sent as they are, whatever a client asks for."""
