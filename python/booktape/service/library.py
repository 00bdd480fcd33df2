"""Where a service's tapes come from, and the data folder that keeps them."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog
from anyio import to_thread

import booktape
from booktape import BooktapeError, ConflictError, InputError, LiveTape, NotFoundError, Store, StoreError, Tape
from booktape._native import Bell
from booktape.service.deck import Deck, LoadedTape
from booktape.service.lifecycle import Lifecycle
from booktape.service.paths import allowed
from booktape.service.replays.stage import Stage
from booktape.service.streams.clock import Clock
from booktape.service.streams.rest import Watch
from booktape.settings import Settings

RETENTION_SECONDS = 10.0
"""How often live tapes are looked at for what may be dropped."""

log = structlog.get_logger(__name__)


class Library:
    """Puts tapes on the deck and takes them off; with a store, they are still there after a restart.

    Every tape has a replay of its own, which begins again at the end where `loops` says so.
    """

    def __init__(
        self,
        deck: Deck,
        stage: Stage,
        store: Store | None,
        settings: Settings,
        lifecycle: Lifecycle,
        clock: Clock,
        *,
        loops: bool,
    ) -> None:
        self._deck = deck
        self._stage = stage
        self._store = store
        self._settings = settings
        self._lifecycle = lifecycle
        self._clock = clock
        self._loops = loops
        self._live: dict[str, tuple[LiveTape, Watch]] = {}
        """Each with what looks whether it has grown."""

    @property
    def store(self) -> Store:
        """The store.

        Raises:
            ConflictError: this service keeps none.
        """
        if self._store is None:
            raise ConflictError("this service keeps no tapes: it was started without a store")
        return self._store

    def put(self, tape: Tape | LiveTape) -> LoadedTape:
        """Serves a tape. Only on the event loop."""
        if isinstance(tape, LiveTape):
            loaded = self._deck.add(tape.tape())
            if tape.id not in self._live:
                self._follow_growth(tape, loaded)
        else:
            loaded = self._deck.add(tape)
        if not any(replay.tape is loaded for replay in self._stage):
            self._stage.make(loaded, default=True, loop=self._loops, position=loaded.first)
        if self._store is not None:
            self._store.follow(tape)
        return loaded

    async def open_file(self, named: str) -> LoadedTape:
        """Serves a file below the allowed folders, which stays where it is.

        Raises:
            ParameterError: the path leads elsewhere, or to something else than a file.
            NotFoundError: there is no such file.
            InputError: it is not a DBN file.
            ConflictError: it was replaced while it was opened.
        """
        return self.put(await to_thread.run_sync(partial(self._open_file, named)))

    def _open_file(self, named: str) -> Tape:
        scratch = Path(self._settings.data_dir)
        scratch.mkdir(parents=True, exist_ok=True)
        with allowed(named, self._settings.allowed_dirs, scratch) as file:
            if self._store is None:
                return booktape.open(file.opened, progress=self._lifecycle.carry_on)
            tape = self._store.register(file.path, progress=self._lifecycle.carry_on)
            if not file.opened.samefile(file.path):
                self._store.remove(tape.id)
                raise ConflictError(f"{named}: replaced while it was opened")
            return tape

    async def synthesize(self, *, messages: int, instruments: int, seed: int) -> LoadedTape:
        """Makes a tape; with a store it is kept there as an upload is."""
        make = partial(
            booktape.synthesize,
            messages=messages,
            instruments=instruments,
            seed=seed,
            progress=self._lifecycle.carry_on,
        )
        tape = await to_thread.run_sync(make)
        if self._store is not None:
            tape = await to_thread.run_sync(partial(self._keep, tape, self._store))
        return self.put(tape)

    def _keep(self, tape: Tape, store: Store) -> Tape:
        upload = store.begin_upload(f"{tape.name}.dbn.zst", limit=2**63 - 1)
        for piece in tape._native.dbn(compressed=True, progress=self._lifecycle.carry_on):
            upload.write(piece)
        return Tape(upload.finish(in_memory=self._settings.max_in_memory))

    async def remove(self, tape_id: str) -> None:
        """Serves a tape no longer: its streams say goodbye, and what the data folder has of it is removed.

        Raises:
            NotFoundError: there is none with that id.
            StoreError: its rows cannot be removed now; it is served as before, a live one without taking more.
            InputError: the same of its files.
        """
        tape = self._deck.tape(tape_id)
        live = self._leave(tape_id)
        try:
            if live is not None:
                await to_thread.run_sync(live.close)
            if self._store is not None:
                with suppress(NotFoundError):
                    await to_thread.run_sync(partial(self._store.remove, tape_id))
        except (InputError, StoreError):
            self.put(tape.tape if live is None else live)
            raise
        self._deck.remove(tape_id)
        self._stage.drop(tape)

    async def retain(self) -> None:
        """Drops what is too old or too much of live tapes, every so often, for ever."""
        longest, most = self._settings.retention_seconds, self._settings.retention_bytes
        while longest is not None or most is not None:
            await asyncio.sleep(RETENTION_SECONDS)
            for live, _ in list(self._live.values()):
                try:
                    await self._shorten(live, longest, most)
                except BooktapeError as why:  # tried again the next time
                    log.warning("retention_failed", tape=live.id, why=str(why))

    async def _shorten(self, live: LiveTape, longest: float | None, most: int | None) -> None:
        dropped = await to_thread.run_sync(partial(live.retain, longest=longest, bytes=most))
        if live.id not in self._live:
            return
        tape = live.tape()
        if dropped is not None:
            self._deck.tape(live.id).grow(tape, complete=live.is_closed)
            log.info("retention", tape=live.id, dropped=dropped[1] - dropped[0], first=dropped[1])
        if self._store is not None:  # the last time's as well, if the store could not
            await to_thread.run_sync(partial(self._store.forget_before, live.id, tape.first_index))

    def close(self) -> None:
        """Lets go of live tapes."""
        for tape_id in list(self._live):
            self._leave(tape_id)

    def _follow_growth(self, live: LiveTape, loaded: LoadedTape) -> None:
        bell = Bell()

        def look() -> None:
            complete = live.is_closed
            loaded.grow(live.tape(), complete=complete)

        self._live[live.id] = (live, Watch(bell, look, self._clock))
        live._native.ring(bell)
        look()

    def _leave(self, tape_id: str) -> LiveTape | None:
        """Follows a live tape no longer; the tape, if it was one."""
        if tape_id not in self._live:
            return None
        live, watch = self._live.pop(tape_id)
        live.on_growth(None)
        watch.close()
        return live
