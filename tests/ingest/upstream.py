"""An upstream that speaks Databento's live protocol over TCP, and can be told to fail at a byte."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import databento_dbn as dbn

if TYPE_CHECKING:
    import numpy as np

    import booktape as bt

KEY = "db-made-up-for-tests-0123456789x"
CHALLENGE = "made-up-challenge"


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a session."""

    after: int
    """Bytes of records sent before it."""
    insert: bytes = b""
    """What is sent there."""
    closes: bool = False
    """Whether the connection is closed in good order then, and not reset."""
    forgets: int = 0
    """ts_event before which nothing is replayed from then on."""


@dataclass(frozen=True)
class Asked:
    """A subscription as it was asked for."""

    schema: str
    symbols: str
    start: int | None
    snapshot: bool


@dataclass
class Upstream:
    """Serves the records of a tape; each session takes the next fault, and without one ends with the records."""

    records: np.ndarray
    faults: deque[Fault] = field(default_factory=deque)
    oldest: int = 0
    """ts_event before which nothing is replayed any more: that is refused, as too long ago."""
    silently_from: int = 0
    """ts_event before which nothing is replayed, without a word."""
    keys: tuple[str, ...] = (KEY,)
    asked: list[list[Asked]] = field(default_factory=list)
    """The subscriptions of every session."""
    snapshot: bytes = b""
    """What is sent to those who ask for one."""
    live_from: int = 0
    """ts_event of what is sent to those who ask for no start."""
    stalls_after: int | None = None
    """Bytes of records of a session without a fault, after which nothing more comes."""
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set when that many were sent."""
    says: bytes = b""
    """Records that begin every session."""

    _open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):  # it may be over meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._open.append(connection)
                try:
                    self._session(connection)
                except (OSError, ValueError):
                    continue
                finally:
                    self._open.remove(connection)

    def _session(self, connection: socket.socket) -> None:
        connection.sendall(f"lsg_version=1.0.0\ncram={CHALLENGE}\n".encode())
        with connection.makefile("rb") as lines:
            auth = _fields(lines.readline())
            accepted = [hashlib.sha256(f"{CHALLENGE}|{key}".encode()).hexdigest() for key in self.keys]
            if auth["auth"].partition("-")[0] not in accepted:
                connection.sendall(b"success=0|error=User authentication failed\n")
                return
            connection.sendall(b"success=1|session_id=1\n")
            subscriptions: list[Asked] = []
            self.asked.append(subscriptions)
            while not (line := lines.readline()).startswith(b"start_session"):
                if not line:
                    return
                fields = _fields(line)
                start = int(fields["start"]) if "start" in fields else None
                subscriptions.append(Asked(fields["schema"], fields["symbols"], start, fields["snapshot"] == "1"))
            fault = self.faults.popleft() if self.faults else None
            is_open = self._send(connection, subscriptions, fault)
            if fault is not None and not fault.closes:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if is_open:
                self.stalled.set()
            else:
                connection.shutdown(socket.SHUT_WR)
            lines.read()

    def _send(self, connection: socket.socket, subscriptions: list[Asked], fault: Fault | None) -> bool:
        """Sends what was asked for; whether the connection stays open then."""
        mbo = next(asked for asked in subscriptions if asked.schema == "mbo")
        connection.sendall(metadata(mbo.start or 1))
        for asked in subscriptions:
            connection.sendall(system(f"Subscription request for {asked.schema} data succeeded", code=1))
        if self.says:
            connection.sendall(self.says)
        start = self.live_from if mbo.start is None else mbo.start
        if mbo.start and mbo.start < self.oldest:
            connection.sendall(error("the replay is too long ago", code=8))
            return False
        events = self.records["ts_event"]
        sent = self.records[(events >= start) & (events >= self.silently_from)].tobytes()
        sent = (self.snapshot if mbo.snapshot else b"") + sent
        if fault is None:
            connection.sendall(sent if self.stalls_after is None else sent[: self.stalls_after])
            return self.stalls_after is not None
        connection.sendall(sent[: fault.after] + fault.insert)
        self.oldest = max(self.oldest, fault.forgets)
        return False


def _fields(line: bytes) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in line.decode().strip().split("|"))


def metadata(start: int) -> bytes:
    """What a live session begins with."""
    stype_out = dbn.SType("instrument_id")
    return dbn.Metadata("GLBX.MDP3", start, None, stype_out, None, [], [], [], [], None, None, False, 3).encode()


def system(text: str, *, code: int) -> bytes:
    """What a gateway says of a session."""
    return bytes(dbn.SystemMsg(1, text, dbn.SystemCode(code)))


def error(text: str, *, code: int) -> bytes:
    """What a gateway says of something that went wrong."""
    return bytes(dbn.ErrorMsg(1, text, True, dbn.ErrorCode(code)))


def records_of(tape: bt.Tape) -> bytes:
    """The MBO records of a tape."""
    return tape.to_numpy().tobytes()
