"""Frames for clients: built once where many are at the same place, kept in one bounded cache."""

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Protocol

from booktape._native import RecordStream, SharedFrames

if TYPE_CHECKING:
    from booktape.service.deck import LoadedTape
    from booktape.service.streams.lead import Lead
    from booktape.values import Format

_SHARES = 64
"""Kinds of frames (tape, format, filter, epoch) that builders are kept for."""


class Frames(Protocol):
    """Where a record stream takes its frames from."""

    async def next(self, position: int, until: int) -> tuple[bytes, int]:
        """The records from a position on, up to `until` or less, as one frame, and the position after them."""


class FrameStore:
    """All shared frames of a service, up to a number of bytes; the oldest go first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self.bytes = 0
        self._frames: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._shares: OrderedDict[tuple[str, str, Format, int | None], Share] = OrderedDict()
        self._numbers = 0

    def of(self, lead: "Lead", form: "Format", position: int, instrument_id: int | None) -> Frames:
        """The frames for a follower of `lead` at a position."""
        if lead.shared:
            return self.share(lead, form, instrument_id)
        return _OwnFrames(lead.tape, _ids(lead, form), form, position, instrument_id)

    def share(self, lead: "Lead", form: "Format", instrument_id: int | None) -> "Share":
        """The frames for all followers of a lead that is shared."""
        tape, ids = lead.tape, _ids(lead, form)
        key = (tape.id, ids, form, instrument_id)
        share = self._shares.pop(key, None)
        if share is None:
            self._numbers += 1
            share = Share(self, self._numbers, tape, SharedFrames(form, instrument_id=instrument_id, ids=ids))
        self._shares[key] = share
        if len(self._shares) > _SHARES:
            self._shares.popitem(last=False)
        return share

    def find(self, key: tuple[int, int, int]) -> bytes | None:
        """A frame that is at hand."""
        return self._frames.get(key)

    def keep(self, key: tuple[int, int, int], frame: bytes) -> None:
        """Keeps a frame for those who come next."""
        if key not in self._frames:
            self._frames[key] = frame
            self.bytes += len(frame)
        while self.bytes > self._limit and len(self._frames) > 1:
            self.bytes -= len(self._frames.popitem(last=False)[1])


class Share:
    """The frames of one kind."""

    def __init__(self, store: FrameStore, number: int, tape: "LoadedTape", native: SharedFrames) -> None:
        self._store = store
        self._number = number
        self._tape = tape
        self._native = native
        self._building: dict[tuple[int, int], asyncio.Task[bytes]] = {}

    async def next(self, position: int, until: int) -> tuple[bytes, int]:
        """The next frame; many who ask for one that is being made wait for the same."""
        made = self.at_once(position, until)
        if made is None:
            end = self._native.end_of(position, until)
            made = await self._built(position, end), end
        return made

    def at_once(self, position: int, until: int) -> tuple[bytes, int] | None:
        """The same, if it is at hand, or made in less time than a thread's turn would take."""
        end = self._native.end_of(position, until)
        frame = self._store.find((self._number, position, end))
        if frame is None:
            head = self._tape.head
            if not (head.in_memory(position) and self._native.is_there(position)):
                return None
            frame = self._native.frame(head, position, end)
            self._store.keep((self._number, position, end), frame)
        return frame, end

    async def _built(self, position: int, end: int) -> bytes:
        place = (position, end)
        building = self._building.get(place)
        if building is None:
            building = asyncio.create_task(self._build(position, end))
            self._building[place] = building
            building.add_done_callback(lambda _: self._building.pop(place, None))
        # One client that goes away must not take the frame from the others.
        return await asyncio.shield(building)

    async def _build(self, position: int, end: int) -> bytes:
        head = self._tape.head
        frame = await self._tape.aside(lambda: self._native.frame(head, position, end))
        self._store.keep((self._number, position, end), frame)
        return frame


def _ids(lead: "Lead", form: "Format") -> str:
    """What stands before a position in the ids of a lead's events; raw records have none."""
    return "" if form == "dbn" else lead.ids


class _OwnFrames:
    """The frames of one client alone."""

    def __init__(self, tape: "LoadedTape", ids: str, form: "Format", position: int, instrument_id: int | None) -> None:
        self._tape = tape
        self._make = partial(RecordStream, tape.head, form, start=position, instrument_id=instrument_id, ids=ids)
        self._native: RecordStream | None = None

    async def next(self, position: int, until: int) -> tuple[bytes, int]:
        head = self._tape.head
        if self._native is not None and head.in_memory(position):
            return self._native.next(head, until)
        native = self._native = self._native or self._make()
        # The first brings its market to the place, which far into a tape takes a while.
        return await self._tape.aside(lambda: native.next(head, min(until, position + 1)))
