"""Sending to all who are at the same place at once."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.client import Client, Traffic, framed
from booktape.service.streams.clock import Clock
from booktape.service.streams.frames import Share
from booktape.service.streams.lead import Lead

if TYPE_CHECKING:
    from collections.abc import Callable


AT_ONCE = 2_048
"""Records that are sent to all in one go, before anything else has its turn at the event loop."""


@dataclass(slots=True)
class Spot:
    """How far a client is."""

    position: int
    """Where its next record is."""
    heard: float
    """When it was last sent anything."""


class Follower(Protocol):
    """A client's place, as far as a fan moves it."""

    spot: Spot
    """Its own, or while it is carried that of all who are."""


@dataclass(frozen=True, slots=True)
class _Member:
    client: Client
    own: Spot
    sent_before: int
    """Bytes that the fan had sent before it came."""
    left: asyncio.Future[None]


class Fan:
    """Clients of a lead who have everything that there is: the next frame is made once and written to each of them.

    Waking a task for every client and every batch costs twice what the writing does, and keeping account of each as
    much again as what the kernel leaves of it: so nothing is done for a member but to write. Whoever needs more than
    the next frame, because it takes too little, because something is to be told, or for a heartbeat, is handed back to
    its task.
    """

    def __init__(
        self, lead: Lead, share: Share, lifecycle: Lifecycle, clock: Clock, heartbeat: float, traffic: Traffic
    ) -> None:
        self._lead = lead
        self._share = share
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat
        self._traffic = traffic
        self._epoch = lead.epoch
        self._version = lead.version
        self._spot = Spot(lead.limit, heard=0.0)
        self._sent = 0
        self._members: dict[Follower, _Member] = {}
        self._writes: tuple[Callable[[bytes], None], ...] | None = None
        self._next: asyncio.Handle | None = None

    async def carry(self, follower: Follower, client: Client) -> bool:
        """Sends a client what comes until it has to be looked after alone; False where it is not with the others."""
        if self._is_over or client.is_full or follower.spot.position != self._spot.position:
            return False
        if self.is_empty:
            self._lead.moved.listen(self._go_on)
        left = asyncio.get_running_loop().create_future()
        self._members[follower] = _Member(client, follower.spot, self._sent, left)
        self._writes = None
        follower.spot = self._spot
        client.hand_back = lambda: self._release(follower)
        self._lead.taken(self._spot.position)
        try:
            await left
        finally:
            self._release(follower)
        return True

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it; it is of no use any more then."""
        return not self._members

    @property
    def _is_over(self) -> bool:
        """Whether something is to be told that is no frame."""
        lead = self._lead
        return bool(
            self._lifecycle.ending
            or lead.over
            or lead.ended
            or lead.version != self._version
            or lead.epoch != self._epoch
        )

    def _go_on(self) -> None:
        """The lead has moved, or it is time to look around."""
        limit, spot = self._lead.limit, self._spot
        if self._is_over:
            self._release_all()
            return
        now = self._clock.now()
        if limit <= spot.position:
            for follower, member in tuple(self._members.items()):
                if now - max(member.own.heard, spot.heard) >= self._heartbeat:
                    self._release(follower)
            return
        until = spot.position + AT_ONCE
        while spot.position < min(limit, until) and self._members:
            made = self._share.at_once(spot.position, limit)
            if made is None:
                self._release_all()
                return
            frame, spot.position = made
            if frame:
                self._write(frame)
                spot.heard = now
        self._lead.taken(spot.position)
        if spot.position < limit and self._members and self._next is None:
            self._next = asyncio.get_running_loop().call_soon(self._go_further)

    def _go_further(self) -> None:
        self._next = None
        self._go_on()

    def _write(self, frame: bytes) -> None:
        if self._writes is None:
            self._writes = tuple(member.client.write_framed for member in self._members.values())
        chunk = framed(frame)
        self._sent += len(frame)
        self._traffic.bytes += len(frame) * len(self._writes)
        # A client that is full now, or gone, takes itself out, and not out of the tuple that is gone through.
        for write in self._writes:
            write(chunk)

    def _release(self, follower: Follower) -> None:
        """Hands a client back to its task, if that has not happened yet."""
        member = self._members.pop(follower, None)
        if member is None:
            return
        self._writes = None
        if self.is_empty:
            self._lead.moved.forget(self._go_on)
        member.client.hand_back = None
        member.client.sent += self._sent - member.sent_before
        follower.spot = member.own
        member.own.position = self._spot.position
        member.own.heard = max(member.own.heard, self._spot.heard)
        if not member.left.done():
            member.left.set_result(None)

    def _release_all(self) -> None:
        for follower in tuple(self._members):
            self._release(follower)
