"""The store as requests ask it: aside from the event loop, and without the server's paths in what it says."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread
from litestar.exceptions import ServiceUnavailableException

from booktape import InputError, NotFoundError, Store, StoreError
from booktape.parameters import bad_parameter
from booktape.service.parameters.kinds import InstrumentRef, PublisherRef, Reference, When
from booktape.service.store.schemas import StoredMessages, StoreState, TapeInStore

Result = TypeVar("Result")

_AT_ONCE = 4
_SECONDS = 10.0
"""What a page may take: without its index, as while many records are added, it may take for ever."""


class StoreHandle:
    """The service's store, or that there is none."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def state(self) -> StoreState:
        """What the store is and holds.

        Raises:
            NotFoundError: this service keeps none.
            ServiceUnavailableException: the store cannot answer now.
        """
        return await self._ask(self._state)

    def _state(self, store: Store) -> StoreState:
        status, followed = store.status(), {tape.id: tape for tape in store.followed()}
        tapes = []
        for stored in status.tapes:
            tape = followed.get(stored.id)
            records = None if tape is None else tape.records
            lag = None if records is None else max(0, records - stored.high_water_mark)
            error = None if tape is None or tape.error is None else _without_paths(store, tape.error)
            tapes.append(TapeInStore(*stored, records=records, lag=lag, error=error))
        return StoreState(
            schema_version=status.schema_version,
            bytes=status.bytes,
            indexed=status.indexed,
            rows=sum(tape.rows for tape in status.tapes),
            tapes=tapes,
            error=None if (error := store.error) is None else _without_paths(store, error),
        )

    async def messages(
        self,
        *,
        instrument: InstrumentRef | None,
        publisher: PublisherRef | None,
        start: When | None,
        end: When | None,
        **others: Any,
    ) -> StoredMessages:
        """A page of messages; `others` are as `Store.messages` has them.

        Raises:
            NotFoundError: no such tape, instrument or publisher, or no store.
            ParameterError: a symbol that means several instruments, a moment that is no time.
            ServiceUnavailableException: the store cannot answer now.
        """
        find = partial(
            Store.messages,
            instrument=_given(instrument),
            publisher=_given(publisher),
            start=_time("from", start),
            end=_time("to", end),
            timeout=_SECONDS,
            **others,
        )
        return msgspec.convert((await self._ask(find))._asdict(), StoredMessages)

    async def _ask(self, question: Callable[[Store], Result]) -> Result:
        store = self._store
        if store is None:
            raise NotFoundError("this service keeps no store: it was started with --no-store")
        try:
            return await to_thread.run_sync(question, store, limiter=self._limiter)
        except StoreError as why:
            raise not_now(store, why) from why


def not_now(store: Store, why: InputError | StoreError) -> ServiceUnavailableException:
    """What a request is told when the store, or the data folder around it, cannot do it."""
    return ServiceUnavailableException(detail=_without_paths(store, str(why)), headers={"Retry-After": "5"})


def _without_paths(store: Store, text: str) -> str:
    return text.replace(f"{store.folder}/", "").replace(store.folder, "the data folder")


def _given(reference: Reference | None) -> int | str | None:
    return None if reference is None else reference.name if reference.number is None else reference.number


def _time(name: str, moment: When | None) -> Any:
    if moment is None:
        return None
    if moment.moment.ts is None:
        raise bad_parameter(name, moment.moment.index, "a time: an index belongs to one tape")
    return moment.moment
