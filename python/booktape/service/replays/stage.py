"""The replays of a service."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

from litestar.exceptions import ServiceUnavailableException

from booktape import NotFoundError
from booktape.service.deck import LoadedTape
from booktape.service.lifecycle import Lifecycle
from booktape.service.replays.replay import Replay
from booktape.service.replays.schemas import WhenUnwatched
from booktape.service.streams.clock import Clock


class Stage:
    """A bounded number of replays, each played by a task of its own.

    `limit` bounds those that clients make; every tape's own comes on top. A replay that ends when nobody watches waits
    `grace` seconds for its watchers to come back.
    """

    def __init__(
        self, lifecycle: Lifecycle, clock: Clock, *, limit: int, when_unwatched: WhenUnwatched, grace: float
    ) -> None:
        self._lifecycle = lifecycle
        self._clock = clock
        self._limit = limit
        self._when_unwatched: WhenUnwatched = when_unwatched
        self._grace = grace
        self._replays: dict[str, tuple[Replay, asyncio.Task[None]]] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Replay]:
        return (replay for replay, _ in self._replays.values())

    def replay(self, replay_id: str) -> Replay:
        """A replay by its id.

        Raises:
            NotFoundError: there is none with that id.
        """
        if replay_id in self._replays:
            return self._replays[replay_id][0]
        raise NotFoundError(f"no replay {replay_id}; there are: {', '.join(self._replays) or 'none'}")

    def make(self, tape: LoadedTape, *, default: bool = False, **options: Any) -> Replay:
        """A new replay, which begins at once.

        Raises:
            ServiceUnavailableException: there are as many as there may be.
        """
        made = sum(not replay.default for replay in self)
        if not default and made >= self._limit:
            raise ServiceUnavailableException(
                detail=f"all {self._limit:,} replays are taken; delete one", headers={"Retry-After": "5"}
            )
        options.setdefault("when_unwatched", "pause" if default else self._when_unwatched)
        replay = Replay(
            f"replay-{next(self._numbers)}",
            tape,
            self._clock,
            self._lifecycle.pulse.signal(),
            default=default,
            **options,
        )
        self._replays[replay.id] = (replay, asyncio.create_task(replay.run(self._unwatched)))
        return replay

    def end(self, replay: Replay) -> None:
        """Ends a replay; its watchers are told goodbye."""
        replay.end()
        self._replays.pop(replay.id, None)

    def drop(self, tape: LoadedTape) -> None:
        """Ends all replays of a tape."""
        for replay in [replay for replay in self if replay.tape is tape]:
            self.end(replay)

    async def close(self) -> None:
        """Ends the tasks."""
        tasks = [task for _, task in self._replays.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _unwatched(self, replay: Replay) -> None:
        if replay.when_unwatched == "end":
            asyncio.get_running_loop().call_later(self._grace, self._end_if_unwatched, replay)

    def _end_if_unwatched(self, replay: Replay) -> None:
        if not replay.watchers and replay.when_unwatched == "end":
            self.end(replay)
