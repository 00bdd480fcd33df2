"""What keeps a recording going: sessions one after the other, each from where the tape ends."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from booktape import _native
from booktape.errors import ConflictError, CredentialsError, InputError, ParameterError
from booktape.ingest.session import Asked, CorruptError, RefusedError, Session, SessionError, SilentError
from booktape.live import LiveTape

if TYPE_CHECKING:
    from collections.abc import Callable

    from booktape.ingest.subscription import Subscription, Upstream
    from booktape.store import Store

OVERLAP_SECONDS = 5.0
"""How far before a tape's last records the next session begins: instruments may be mixed differently then."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

Kind: TypeAlias = Literal["lost", "closed", "silent", "corrupt", "gap", "storage", "warning", "error"]


class Code:
    """Codes of what upstreams say that matter here."""

    AUTH_FAILED = 1
    KEY_DEACTIVATED = 2
    SLOW_READER = 2
    """Of a system message."""
    INVALID_SUBSCRIPTION = 5
    AGED_OUT = 8


class Event(NamedTuple):
    """Something that happened, for people."""

    kind: Kind
    """What."""
    text: str
    """In words."""


class Progress(NamedTuple):
    """How a recording does."""

    records: int
    """MBO records put on the tape."""
    others: int
    """Records of other types."""
    repeated: int
    """Records that came again after a session had ended, and were recognised."""
    gaps: int
    """Gaps written to the tape."""
    sessions: int
    """Connections that were made or tried."""
    corrupt: int
    """Sessions that ended because something came that is not DBN."""
    silent: int
    """Sessions that ended because nothing came any more, though the connection was there."""
    lag: float
    """Seconds since the oldest bytes came that are not on the tape yet."""
    silence: float | None
    """Seconds since a record or a heartbeat came; None before the first."""


class Recorder:
    """Records a subscription on a live tape until it is told to stop: `run` it in a thread.

    Each session goes on where the tape ends, so the same call goes on with a tape of an earlier process. A lost or
    closed connection is tried again after a pause that doubles, from half a second to half a minute, with
    `pause(seconds)` to wait. With `once` the first session that the upstream closes in good order is the last;
    `patient` also waits for what else would end it: an upstream that was never reached, a disk that is full. `tell`
    hears what happens.
    """

    def __init__(
        self,
        tape: LiveTape,
        subscription: Subscription,
        upstream: Upstream,
        *,
        once: bool = False,
        patient: bool = False,
        overlap: float = OVERLAP_SECONDS,
        pause: Callable[[float], object] | None = None,
        tell: Callable[[Event], object] = lambda _: None,
    ) -> None:
        self.tape = tape
        self._subscription = subscription
        self._upstream = upstream
        self._once = once
        self._patient = patient
        self._overlap = overlap
        self._stopping = threading.Event()
        self._pause = pause or self._stopping.wait
        self._tell = tell
        self._sink = _native.Ingest(tape._native)
        self._session: Session | None = None
        self._lock = threading.Lock()
        self._sessions = 0
        self._corrupt = 0
        self._silent = 0
        self._fails = 0
        self._must_miss = False
        self._jitter = random.SystemRandom()

    @property
    def progress(self) -> Progress:
        """How it does now."""
        sink = self._sink
        sessions = self._sessions, self._corrupt, self._silent
        return Progress(*sink.figures(), *sessions, sink.lag, sink.silence)

    def stop(self) -> None:
        """Ends the recording; `run` returns when all that came is on the tape."""
        self._stopping.set()
        with self._lock:
            if self._session is not None:
                self._session.stop()

    def settle(self) -> None:
        """Waits until all that has come is on the tape, however long the disk takes.

        Raises:
            InputError: it cannot be put there, and nobody was told yet.
        """
        self._sink.finish()

    def run(self) -> None:
        """Records until it is stopped.

        Raises:
            CredentialsError: the upstream does not accept the key.
            RefusedError: it does not accept the subscription.
            SessionError: it was never reached, unless the recorder is patient.
            InputError: what comes cannot be written, unless it is.
            ConflictError: the tape was closed.
        """
        while not self._stopping.is_set():
            before = self._sink.figures()[0]
            is_over = self._one_session()
            if is_over:
                return
            self._fails = 0 if self._sink.figures()[0] > before else self._fails + 1
            if not self._stopping.is_set() and not self._must_miss:
                self._pause(pause_after(self._fails, self._jitter.random()))

    def _one_session(self) -> bool:
        """One session, and whether it was the last."""
        asked = self._ask()
        session = Session(self._subscription, self._upstream)
        with self._lock:
            self._session = session
            if self._stopping.is_set():
                return True
        self._sessions += 1
        before = self._sink.figures()[0]
        lost: SessionError | None = None
        try:
            session.run(asked, self._sink)
        except SessionError as why:
            lost = why
        finally:
            with self._lock:
                self._session = None
        was_written = self._settle()
        has_erred = self._hear(asked)
        if lost is not None and has_erred and not isinstance(lost, SilentError) and self._sink.figures()[0] == before:
            # Once the upstream has said an error, the client tells of no other end than that.
            lost = None
        if lost is not None:
            self._tell(Event(self._kind_of(lost), str(lost)))
            if not self._patient and self._sink.silence is None:
                raise lost
        elif was_written and not self._stopping.is_set():
            self._tell(Event("closed", "the upstream closed the connection"))
            return self._once
        return False

    def _kind_of(self, lost: SessionError) -> Kind:
        """How a session ended, counted."""
        if isinstance(lost, CorruptError):
            self._corrupt += 1
            return "corrupt"
        if isinstance(lost, SilentError):
            self._silent += 1
            return "silent"
        return "lost"

    def _ask(self) -> Asked:
        """How the next session begins."""
        given = self._subscription
        if self._must_miss:
            self._must_miss = False
            self._miss("the upstream has no records as old as the tape's last any more")
        kind, start = self._sink.resume(self._overlap)
        if kind == "from":
            return Asked(max(start or 0, given.start or 0))
        is_begun = len(self.tape) > 0
        if kind == "whole" and not given.snapshot:
            return Asked(given.start or 0)
        if is_begun:
            self._miss("a snapshot that was not complete begins again")
            self._sink.resume(self._overlap)
            return Asked(None, snapshot=given.snapshot)
        return Asked(given.start, given.snapshot)

    def _miss(self, why: str) -> None:
        before = self._sink.figures()[3]
        self._sink.miss()
        if self._sink.figures()[3] > before:
            self._tell(Event("gap", why))

    def _settle(self) -> bool:
        """Waits until all that came is on the tape; whether it could be put there."""
        try:
            self._sink.finish()
        except (InputError, ParameterError) as why:
            if not isinstance(why.__cause__, OSError):
                self._corrupt += 1
                self._tell(Event("corrupt", f"something came that is no record: {why}"))
                return False
            self._tell(Event("storage", str(why)))
            if not self._patient:
                raise
        except ConflictError:
            self._stopping.set()
            raise
        else:
            return True
        return False

    def _hear(self, asked: Asked) -> bool:
        """What the upstream said in the session, and whether an error was among it that ends nothing."""
        has_erred = False
        for is_error, code, text in self._sink.messages():
            if is_error and code in (Code.AUTH_FAILED, Code.KEY_DEACTIVATED):
                raise CredentialsError(f"the gateway refused: {text}")
            if is_error and code in (Code.AGED_OUT, Code.INVALID_SUBSCRIPTION):
                # It may be that only the end of the tape is too long ago.
                self._must_miss = asked.start is not None and len(self.tape) > 0
                if not self._must_miss:
                    raise RefusedError(f"the gateway refused: {text}")
            if is_error:
                has_erred = not self._must_miss
                self._tell(Event("error", text))
            elif code == Code.SLOW_READER:
                self._tell(Event("warning", text))
        return has_erred


def pause_after(fails: int, jitter: float) -> float:
    """Seconds to wait before the next session: doubled for each that brought nothing, half of it by chance.

    >>> [pause_after(fails, 1.0) for fails in (0, 1, 2, 3, 50)]
    [0.5, 1.0, 2.0, 4.0, 30.0]
    >>> pause_after(0, 0.0)
    0.25
    """
    longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(fails, 16))
    return longest * (0.5 + jitter / 2)


def open_or_create(store: Store, name: str, dataset: str) -> LiveTape:
    """The live tape of a name, which goes on, or a new one."""
    for known in reversed(store.registered()):
        if known.kind == "live" and known.name == name and not known.closed:
            tape = store.open(known.id)
            if isinstance(tape, LiveTape):
                return tape
    return store.create_live(name, dataset=dataset)
