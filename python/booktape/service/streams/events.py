"""Server-sent events that are not frames of the core."""

import msgspec

from booktape.service.streams.schemas import Bye, ByeReason, Jump, JumpReason

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": heartbeat\n\n"
"""A comment, so that proxies and clients see a quiet stream is alive."""
STREAM_END = b": stream_end\n\n"
"""A comment: everything was sent."""


def bye(ids: str, index: int, reason: ByeReason) -> bytes:
    r"""The last event of a stream that the service ends early.

    >>> bye("", 17, "shutdown")
    b'id: 17\nevent: bye\ndata: {"index":17,"reason":"shutdown"}\n\n'
    """
    return event("bye", Bye(index, reason), f"{ids}{index}")


def jump(ids: str, index: int, reason: JumpReason) -> bytes:
    r"""What comes before a stream goes on elsewhere on the tape.

    >>> jump("3:", 0, "loop")
    b'id: 3:0\nevent: jump\ndata: {"index":0,"reason":"loop"}\n\n'
    """
    return event("jump", Jump(index, reason), f"{ids}{index}")


def event(name: str, data: msgspec.Struct, event_id: str | None = None) -> bytes:
    """A named event; one without an id leaves the client's place as it is."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
