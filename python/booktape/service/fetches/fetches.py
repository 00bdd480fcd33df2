"""Fetching in the background: the price first, then the file, then the tape."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from hashlib import sha256
from pathlib import Path

import structlog
from anyio import to_thread
from litestar.exceptions import ServiceUnavailableException

from booktape import BooktapeError, ConflictError, NotFoundError, Tape
from booktape.service.fetches.going import CancelledFetchError, Going
from booktape.service.fetches.schemas import FetchDetails, FetchRequest
from booktape.service.library import Library
from booktape.service.lifecycle import Lifecycle
from booktape.settings import Settings
from booktape.upstream import Databento, Fetch, Request, require_affordable

AT_ONCE = 4
"""Fetches under way; more are refused."""
KEPT = 100
"""Fetches that are told of after they have ended; the oldest are forgotten."""
_FOLDER = "fetches"
"""Where in the data folder they are on their way."""
_PIECE = 2**20
_ANY_SIZE = 2**63 - 1
"""It was agreed to what it costs."""

log = structlog.get_logger(__name__)


class Fetches:
    """The fetches of a service. Those that it does not live to finish are gone on with when asked for again."""

    def __init__(self, library: Library, lifecycle: Lifecycle, settings: Settings) -> None:
        self._library = library
        self._lifecycle = lifecycle
        self._settings = settings
        self._known: dict[str, FetchDetails] = {}
        self._under_way: dict[str, Going] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[FetchDetails]:
        return iter(list(self._known.values()))

    def fetch(self, fetch_id: str) -> FetchDetails:
        """A fetch by its id.

        Raises:
            NotFoundError: there is none, or it was forgotten.
        """
        if fetch_id not in self._known:
            raise NotFoundError(f"no fetch {fetch_id}; known: {', '.join(self._known) or 'none'}")
        return self._known[fetch_id]

    async def begin(self, asked: FetchRequest) -> FetchDetails:
        """Asks for the price, and begins if it is no more than may be.

        Raises:
            ConflictError: it is under way already, or was cancelled meanwhile, or this service keeps no tapes.
            CostError: it costs more.
            UpstreamError: Databento does not answer, or refuses the key.
            ParameterError: Databento has nothing of the kind.
            ServiceUnavailableException: too many are under way.
        """
        _ = self._library.store  # which is where it ends
        request = Request.of(
            dataset=asked.dataset, symbols=asked.symbols, start=asked.start, end=asked.end, stype_in=asked.stype_in
        )
        fetch_id = f"fetch-{sha256(request.to_json()).hexdigest()[:16]}"
        self._require_room(fetch_id)
        file = Path(self._settings.data_dir, _FOLDER, f"{fetch_id}.mbo.dbn.zst")
        details = FetchDetails(
            id=fetch_id,
            state="fetching",
            dataset=request.dataset,
            symbols=list(request.symbols),
            start=str(request.span.start),
            end=str(request.span.end),
            cost=0.0,
            records=0,
            expected=0,
            tape=None,
            problem=None,
        )
        before = self._known.pop(fetch_id, None)
        going = Going(details, self._lifecycle)
        self._known[fetch_id], self._under_way[fetch_id] = details, going
        held = ExitStack()
        try:
            work = await to_thread.run_sync(self._priced, file, request, asked.max_cost, held, going)
        except BaseException as why:
            held.close()
            self._end(going)
            if isinstance(why, CancelledFetchError):
                details.state = "cancelled"
                raise ConflictError(f"{fetch_id} was cancelled while its price was asked") from None
            details.state = "failed"  # for one who cancels it meanwhile: the caller is told, and it is not listed
            del self._known[fetch_id]
            if before is not None:
                self._known[fetch_id] = before
            raise
        task = asyncio.create_task(self._run(going, file, work, held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return details

    async def cancel(self, fetch_id: str) -> FetchDetails:
        """Ends a fetch that is under way. What has come is kept: it was paid for, and the same request goes on from it.

        Raises:
            NotFoundError: there is none, or it was forgotten.
            ConflictError: it has ended by itself.
        """
        details = self.fetch(fetch_id)
        if (going := self._under_way.get(fetch_id)) is not None:
            going.cancel()
            await going.ended.wait()
        if details.state != "cancelled":
            raise ConflictError(f"{fetch_id} has ended already: it is {details.state}")
        return details

    async def close(self) -> None:
        """Ends what is under way, once the service stops; what has come is kept."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _require_room(self, fetch_id: str) -> None:
        if fetch_id in self._under_way:
            raise ConflictError(f"{fetch_id} is under way already: /api/v1/fetches/{fetch_id}")
        if len(self._under_way) >= AT_ONCE:
            raise ServiceUnavailableException(
                detail=f"{AT_ONCE} fetches are under way; try again when one is done", headers={"Retry-After": "60"}
            )
        ended = [known.id for known in self if known.id not in self._under_way]
        for forgotten in ended[: max(0, len(self._known) - KEPT + 1)]:
            del self._known[forgotten]

    def _priced(
        self, file: Path, request: Request, max_cost: float, held: ExitStack, going: Going
    ) -> Callable[[], object]:
        """What there is to do, once its price is known to be no more than may be."""
        if file.exists():  # whole, but not a tape yet when an earlier service ended
            return lambda: None
        file.parent.mkdir(parents=True, exist_ok=True)
        source = Databento(gateway=self._settings.historical_upstream)
        fetch = held.enter_context(Fetch(file, request, source, wait=going.wait))
        agreed = fetch.estimate(going.carry_on)
        going.carry_on()
        require_affordable(agreed, max_cost)
        going.details.cost = agreed.cost
        return partial(fetch.run, agreed=agreed, progress=going.progress)

    async def _run(self, going: Going, file: Path, work: Callable[[], object], held: ExitStack) -> None:
        details = going.details
        try:
            with held:
                await to_thread.run_sync(work)
            details.state = "adding"
            tape = self._library.put(await to_thread.run_sync(self._add, file, going))
            details.records, details.tape, details.state = len(tape), tape.id, "done"
        except CancelledFetchError:
            details.state = "cancelled"
            log.info("fetch_cancelled", fetch=details.id, records=details.records)
        except (BooktapeError, OSError, ServiceUnavailableException) as why:
            details.problem, details.state = _line(why), "failed"
            log.warning("fetch_failed", fetch=details.id, why=details.problem)
        finally:
            self._end(going)

    def _end(self, going: Going) -> None:
        del self._under_way[going.details.id]
        going.ended.set()

    def _add(self, file: Path, going: Going) -> Tape:
        """Makes it a tape as an upload is one, in the folder that keeps them."""
        upload = self._library.store.begin_upload(file.name, limit=_ANY_SIZE)
        try:
            with file.open("rb") as content:
                while piece := content.read(_PIECE):
                    going.carry_on()
                    upload.write(piece)
            settings = self._settings
            tape = Tape(upload.finish(in_memory=settings.max_in_memory, max_decompressed=settings.max_decompressed))
        except BaseException:
            upload.abort()
            raise
        file.unlink()
        return tape


def _line(why: Exception) -> str:
    said = why.detail if isinstance(why, ServiceUnavailableException) else str(why)
    return " ".join(said.split())
