"""Sending to all who are at the same place at once."""

import asyncio
from typing import Protocol

from booktape.service.lifecycle import Lifecycle
from booktape.service.streams.client import Client, framed
from booktape.service.streams.clock import Clock
from booktape.service.streams.frames import Share
from booktape.service.streams.lead import Lead


class Follower(Protocol):
    """A client's place, as far as a fan moves it."""

    position: int
    """Where its next record is."""
    heard: float
    """When it was last sent anything."""


class Fan:
    """Clients of a lead who have everything that there is: the next frame is made once and written to each of them.

    Waking a task for every client and every batch costs twice what the writing does. Whoever needs more than the next
    frame, because it takes too little, because something is to be told, or for a heartbeat, is handed back to its task.
    """

    def __init__(self, lead: Lead, share: Share, lifecycle: Lifecycle, clock: Clock, heartbeat: float) -> None:
        self._lead = lead
        self._share = share
        self._lifecycle = lifecycle
        self._clock = clock
        self._heartbeat = heartbeat
        self._epoch = lead.epoch
        self._version = lead.version
        self._position = lead.limit
        self._members: dict[Follower, tuple[Client, asyncio.Future[None]]] = {}

    async def carry(self, follower: Follower, client: Client) -> bool:
        """Sends a client what comes until it has to be looked after alone; False where it is not with the others."""
        if self._is_over or follower.position != self._position:
            return False
        if self.is_empty:
            self._lead.moved.listen(self._go_on)
        waiter = asyncio.get_running_loop().create_future()
        self._members[follower] = (client, waiter)
        self._lead.taken(self._position)
        try:
            await waiter
        finally:
            self._members.pop(follower, None)
            if not self._members:
                self._lead.moved.forget(self._go_on)
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
        limit = self._lead.limit
        if self._is_over:
            self._release_all()
            return
        now = self._clock.now()
        if limit <= self._position:
            for follower, (_, waiter) in self._members.items():
                if now - follower.heard >= self._heartbeat:
                    _release(waiter)
            return
        while self._position < limit:
            made = self._share.at_once(self._position, limit)
            if made is None:
                self._release_all()
                return
            frame, self._position = made
            self._write(frame, now)
        self._lead.taken(self._position)

    def _write(self, frame: bytes, now: float) -> None:
        chunk, size = framed(frame), len(frame)
        for follower, (client, waiter) in self._members.items():
            if waiter.done():
                continue
            if client.is_full or client.ending:
                _release(waiter)
                continue
            follower.position = self._position
            if frame:
                client.write_framed(chunk, size)
                follower.heard = now

    def _release_all(self) -> None:
        for _, waiter in self._members.values():
            _release(waiter)


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
