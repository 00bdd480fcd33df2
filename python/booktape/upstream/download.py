"""Fetching a file: what it costs, then all of it, however often the connection breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from booktape.errors import ConflictError, CostError, InputError, UpstreamError
from booktape.parameters import bad_parameter
from booktape.symbology import ALL_SYMBOLS
from booktape.upstream.client import Databento, DroppedError
from booktape.upstream.part import Part
from booktape.upstream.request import Estimate, Request
from booktape.upstream.scanner import Got
from booktape.upstream.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from booktape.moment import Time

Progress: TypeAlias = Callable[[int, int], object]
"""Called now and then with the records that have come and how many there should be; what it raises stops the work."""
ENDING = ".dbn.zst"
"""How the file's name ends."""
ATTEMPTS = 8
"""Times in a row that it is tried without a record having come."""
QUESTIONS = 3
"""Times that a question is asked, such as what it costs."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before it is tried again: doubled each time, as long as nothing comes."""
TOLERANCE = 2
"""How many times what Databento has counted may come: while a day goes on there is ever more of it."""
_LOOK_SECONDS = 0.2
_PIECE = 2**18
_METADATA = 2**26
"""Bytes that a stream may have besides its records."""


class Source(Protocol):
    """Where records come from."""

    def estimate(self, request: Request, start: int, limit: int | None) -> Estimate:
        """What a request would come to from a time on."""

    def stream(self, request: Request, start: int, limit: int | None, path: Path) -> None:
        """Writes what comes to a file that is not there yet."""


class Fetched(NamedTuple):
    """A file that was fetched."""

    path: Path
    records: int
    """How many came."""
    expected: int
    """How many there should be, by Databento's count before it began."""
    cost: float
    """US dollars, as estimated for what was still to come when it began."""
    drops: int
    """How often the connection broke."""


class Fetch:
    """A file on its way: entered, it holds its part; `run` brings the rest."""

    def __init__(
        self,
        path: str | PathLike[str],
        request: Request,
        source: Source,
        *,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.path = Path(path)
        if not self.path.name.endswith(ENDING) or self.path.name == ENDING:
            raise bad_parameter("output", str(path), f"a name that ends in {ENDING}, which is what comes")
        self.request = request
        self._source = source
        self._wait = wait
        self._holding = ExitStack()
        self._part: Part
        self.got = Got()
        """What has come, so far."""

    def __enter__(self) -> Self:
        """Takes up what has come before.

        Raises:
            ConflictError: the file is there already, or its part is of another request, or another process has it.
            InputError: what has come before is damaged.
        """
        if self.path.exists():
            raise ConflictError(f"{self.path} is there already; remove it, or choose another name")
        with ExitStack() as holding:
            self._part = holding.enter_context(Part.held(self.path, self.request))
            self.got = self._part.got()
            self._holding = holding.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Lets go; what has come stays for the next time."""
        self._holding.close()

    def estimate(self, look: Callable[[], object] = lambda: None) -> Estimate:
        """What is still to come, and what it costs. `look` is called now and then; what it raises ends the question.

        Raises:
            UpstreamError: Databento does not say.
            ParameterError: there is nothing of the kind.
        """
        if self.got.complete:
            return Estimate(0, 0, 0.0)
        patience = _Patience(QUESTIONS, self._wait)
        while True:
            try:
                with Talk(partial(self._source.estimate, self.request, self._start, self._limit)) as asking:
                    while not asking.has_ended(_LOOK_SECONDS):
                        look()
                return asking.result()
            except DroppedError as why:
                patience.tried(why)

    def run(self, *, agreed: Estimate, progress: Progress | None = None) -> Fetched:
        """Brings what is still to come, for what was agreed to, and makes the file.

        Raises:
            UpstreamError: Databento gave up too often; what has come stays for the next time.
            InputError: what comes is not what was asked for.
            OSError: it cannot be written.
        """
        come, tell = self.got, progress or _silently
        expected = come.records if come.complete else come.records - come.repeated + agreed.records
        bounds = _Bounds(expected * TOLERANCE, agreed.bytes * TOLERANCE + _METADATA)
        patience, drops = _Patience(ATTEMPTS, self._wait), 0
        while not self.got.complete:
            before = self.got.records
            try:
                self._bring(expected, bounds, tell)
            except DroppedError as why:
                drops += 1
                if self.got.records > before:
                    patience.renew()
                patience.tried(why)
        self._part.finish(lambda: tell(self.got.records, expected))
        return Fetched(self.path, self.got.records, expected, agreed.cost, drops)

    @property
    def _start(self) -> int:
        """From when on: the latest time of which something has come, since there may be more of it."""
        return self.request.span.start if self.got.at is None else self.got.at

    @property
    def _limit(self) -> int | None:
        limit = self.request.limit
        return None if limit is None else limit - self.got.records + self.got.repeated

    def _bring(self, expected: int, bounds: _Bounds, tell: Progress) -> None:
        """The next piece, looked through while it comes."""
        piece, before = self._part.next_piece(), self.got
        scanner = self._part.scanner(before, bounds.records)
        # The client gives no bytes while they come, but writes them to a file: that can be followed.
        with Talk(partial(self._source.stream, self.request, self._start, self._limit, piece)) as streaming:
            for data in _followed(piece, streaming, bounds.bytes):
                for _ in scanner.feed(data):
                    pass
                tell(scanner.got.records, expected)
        is_last = streaming.failure is None and scanner.is_whole
        self.got = self._part.settled(piece, scanner.got, before, is_last=is_last)
        if streaming.failure is not None:
            raise streaming.failure
        if not is_last:
            raise DroppedError("Databento ended the stream before its end")


def _silently(_records: int, _expected: int) -> None:
    """Nobody wants to know."""


class _Bounds(NamedTuple):
    """What may come, by what was agreed to: a file has to fit on the disk that it was meant for."""

    records: int
    """Of the whole file."""
    bytes: int
    """Of one piece, compressed: never more than without."""


class _Patience:
    """Waits before it is tried again, longer each time, and gives up at last."""

    def __init__(self, attempts: int, wait: Callable[[float], object]) -> None:
        self._attempts = attempts
        self._wait = wait
        self._failures = 0

    def renew(self) -> None:
        """Something came after all."""
        self._failures = 0

    def tried(self, why: DroppedError) -> None:
        """It was tried in vain.

        Raises:
            UpstreamError: too often in a row.
        """
        self._failures += 1
        if self._failures >= self._attempts:
            raise UpstreamError(f"{why}; given up after {self._failures} attempts, what has come is kept") from None
        self._wait(min(FIRST_WAIT * 2 ** (self._failures - 1), LONGEST_WAIT))


def _followed(path: Path, streaming: Talk[None], most: int) -> Iterator[bytes]:
    """The bytes of a file that is streamed to, until that has ended; none now and then, while nothing comes."""
    at, is_last = 0, False
    while not is_last:
        is_last = streaming.has_ended(_LOOK_SECONDS)
        yield b""
        if path.exists():
            with path.open("rb") as file:
                file.seek(at)
                while data := file.read(_PIECE):
                    at += len(data)
                    if at > most:
                        raise InputError(f"more than {most:,} bytes came, where Databento had counted far fewer")
                    yield data


def estimate(
    *,
    dataset: str,
    start: Time,
    end: Time | None = None,
    symbols: str | Iterable[str] = ALL_SYMBOLS,
    schema: str = "mbo",
    stype_in: str = "raw_symbol",
    limit: int | None = None,
    key: str | None = None,
    gateway: str | None = None,
) -> Estimate:
    """What `fetch` of the same would bring, and cost: records, bytes without compression, US dollars. Costs nothing.

    Raises `CredentialsError` without a key that Databento takes, `UpstreamError` where it does not answer, and
    `ParameterError` where it has nothing of the kind.
    """
    request = Request.of(
        dataset=dataset, symbols=symbols, schema=schema, start=start, end=end, stype_in=stype_in, limit=limit
    )
    return Databento(key, gateway).estimate(request, request.span.start, request.limit)


def fetch(
    path: str | PathLike[str],
    *,
    dataset: str,
    start: Time,
    end: Time | None = None,
    max_cost: float,
    symbols: str | Iterable[str] = ALL_SYMBOLS,
    schema: str = "mbo",
    stype_in: str = "raw_symbol",
    limit: int | None = None,
    key: str | None = None,
    gateway: str | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Fetches records from Databento's Historical API into a ``.dbn.zst`` file, which is there once it is whole.

    Times are ts_recv, `start` inclusive and `end` exclusive; without `end`, a day is a whole day, an hour and minute
    are a minute. Databento is asked for the cost first, and nothing is fetched where it is more than `max_cost` (US
    dollars): that is a `CostError`. The key is that of ``DATABENTO_API_KEY`` or ``DBN_KEY`` unless given; `gateway` is
    another server than Databento's.

    When the connection breaks it is gone on from the last time that has come, whose records are recognised byte for
    byte when they come again, and paid again, few as they are. What has come is kept in a folder beside the file,
    named as it with ``.part``: the same call goes on from there, whatever ended the one before.

    Raises, besides what `estimate` does, `ConflictError` where the file is there already or its part is of another
    request, `InputError` where what comes is damaged or not what was asked for, and `OSError` where it cannot be
    written.
    """
    request = Request.of(
        dataset=dataset, symbols=symbols, schema=schema, start=start, end=end, stype_in=stype_in, limit=limit
    )
    with Fetch(path, request, Databento(key, gateway)) as going:
        agreed = going.estimate()
        require_affordable(agreed, max_cost)
        return going.run(agreed=agreed, progress=progress)


def require_affordable(estimate: Estimate, max_cost: float) -> None:
    """Refuses what costs more than was agreed to.

    Raises:
        CostError: it does.
    """
    if not estimate.cost <= max_cost:
        raise CostError(f"it would cost {estimate.cost:.4f} US dollars, more than the {max_cost:.4f} allowed")
