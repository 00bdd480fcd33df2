"""A call of Databento's client in a thread of its own, which can be ended: the client has no way to be told to stop."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

Value = TypeVar("Value")

_LOOK_SECONDS = 0.05
_RESET = struct.pack("ii", 1, 0)


class Talk(Generic[Value]):
    """Entered, it is under way; left, it has ended, one way or the other."""

    def __init__(self, call: Callable[[], Value]) -> None:
        self._call = call
        self._results: list[Value] = []
        self.failure: BaseException | None = None
        """What it raised, once it has ended."""
        self._thread = threading.Thread(target=self._run, name="booktape-fetch", daemon=True)
        # Not the thread's own: where Ctrl-C interrupts a `join`, Python 3.11 takes the thread for ended.
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Begins it."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Has its connections end until it has ended itself: it finds that the other side has gone."""
        while not self._ended.is_set():
            for connection in self._connections():
                with suppress(OSError):  # it is over already
                    # Reset once it is closed: who sends would wait a minute to hear that nobody reads any more.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    # Not TLS's own way, which would leave the reader with what is encrypted.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self._ended.wait(_LOOK_SECONDS)

    def has_ended(self, seconds: float) -> bool:
        """Waits so long for its end; whether it has come."""
        return self._ended.wait(seconds)

    def result(self) -> Value:
        """What came of it, once it has ended: what it raised is raised here."""
        if self.failure is not None:
            raise self.failure
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as failure:  # noqa: BLE001 - raised to whoever asks for the result
            self.failure = failure
        finally:
            self._ended.set()

    def _connections(self) -> Iterator[socket.socket]:
        """Those that the functions which the thread is in have to do with."""
        frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - a documented name
        while frame is not None:
            for value in list(frame.f_locals.values()):
                if isinstance(value, socket.socket):
                    yield value
            frame = frame.f_back
