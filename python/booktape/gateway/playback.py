"""What a session follows: a playback of its own, the replay that all share, or the head of a tape that grows."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Self

from booktape.service.replays.replay import Replay
from booktape.service.streams.lead import Head, Lead, Leads

if TYPE_CHECKING:
    import asyncio

    from booktape.gateway.options import GatewayOptions
    from booktape.service.deck import LoadedTape
    from booktape.service.replays.stage import Stage
    from booktape.service.streams.clock import Clock


class Playback:
    """Makes what sessions follow."""

    def __init__(self, options: GatewayOptions, stage: Stage, clock: Clock) -> None:
        self._options = options
        self._stage = stage
        self._clock = clock

    def now(self, tape: LoadedTape) -> int:
        """The position at which a session begins that does not ask for another."""
        if (shared := self._shared(tape)) is not None:
            return shared.limit
        start = self._options.start
        return tape.first if start is None else max(tape.first, start.first(tape.head))

    def is_own(self, tape: LoadedTape) -> bool:
        """Whether a session's playback of a tape is its own, and so can begin anywhere."""
        return self._shared(tape) is None

    def lead(self, tape: LoadedTape, position: int, wake: asyncio.Event, heartbeat: float) -> Lead:
        """What a session follows from a position on; waits for it end when `wake` is set."""
        if (shared := self._shared(tape)) is not None:
            return shared
        leads = Leads(self._clock, wake, heartbeat)
        speed = self._options.speed
        return leads.head(tape) if speed is None else leads.paced(tape, position, speed)

    def _shared(self, tape: LoadedTape) -> Lead | None:
        if not tape.complete:
            return Head(tape)
        if not self._options.shared:
            return None
        return next((replay for replay in self._stage if replay.tape is tape and replay.default), Head(tape))


class Following:
    """How a session follows its lead."""

    def __init__(self, lead: Lead, wake: asyncio.Event) -> None:
        self.lead = lead
        self._epoch = lead.epoch
        self._wake = wake

    def __enter__(self) -> Self:
        self._watched: AbstractContextManager[None] = (
            self.lead.watched(reads=True) if isinstance(self.lead, Replay) else nullcontext()
        )
        self._watched.__enter__()
        self.lead.moved.listen(self._wake.set)
        return self

    def __exit__(self, *_: object) -> None:
        self.lead.moved.forget(self._wake.set)
        self._watched.__exit__(None, None, None)

    @property
    def limit(self) -> int:
        """How far it may go: where its lead has jumped, to where that was."""
        lead = self.lead
        return lead.limit if lead.epoch == self._epoch else lead.finish(self._epoch)

    def jump(self, position: int) -> bool:
        """Whether the lead has jumped, and everything before was sent: `entry` is then where it goes on."""
        if self.lead.epoch == self._epoch or position < self.limit:
            return False
        self._epoch = self.lead.epoch
        return True

    @property
    def entry(self) -> int:
        """Where the lead went on when it jumped last."""
        return self.lead.entry[0]

    async def more(self, position: int) -> None:
        """Waits for more, for a line of the client, or for time to look around."""
        if self.lead.shared:
            self.lead.taken(position)
            await self._wake.wait()
        else:
            await self.lead.more(position)
