"""Server-sent events that are not frames of the core."""

import msgspec

from booktape.service.streams.schemas import Bye, Jump

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": heartbeat\n\n"
"""A comment, so that proxies and clients see a quiet stream is alive."""
STREAM_END = b": stream_end\n\n"
"""A comment: everything was sent."""


def bye(index: int) -> bytes:
    r"""The last event of a stream that the service ends early.

    >>> bye(17)
    b'id: 17\nevent: bye\ndata: {"index":17,"reason":"shutdown"}\n\n'
    """
    return _event("bye", index, Bye(index, "shutdown"))


def jump(index: int) -> bytes:
    r"""What comes before a stream goes on elsewhere on the tape.

    >>> jump(0)
    b'id: 0\nevent: jump\ndata: {"index":0,"reason":"loop"}\n\n'
    """
    return _event("jump", index, Jump(index, "loop"))


def _event(name: str, index: int, data: msgspec.Struct) -> bytes:
    return f"id: {index}\nevent: {name}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
