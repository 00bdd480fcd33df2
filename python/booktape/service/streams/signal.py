"""Waking everybody who waits for the same thing."""

import asyncio
from collections.abc import Callable
from weakref import WeakSet


class Signal:
    """Something that happens again and again: who waits is woken the next time, who listens is called each time."""

    __slots__ = ("__weakref__", "_listening", "_waiting")

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._listening: list[Callable[[], object]] = []

    def listen(self, call: Callable[[], object]) -> None:
        """Has something called each time."""
        self._listening.append(call)

    def forget(self, call: Callable[[], object]) -> None:
        """Has it called no more."""
        if call in self._listening:
            self._listening.remove(call)

    def fire(self) -> None:
        """Calls all who listen and wakes all who wait now. Only on the event loop."""
        for call in tuple(self._listening):
            call()
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Waits for the next time."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter


class Pulse:
    """Wakes all who wait for anything every so often, to look around: whether to send a heartbeat, or to end.

    So nobody who waits needs a timer of their own, of which a thousand would be set and cancelled for every batch.
    """

    def __init__(self) -> None:
        self._signals: WeakSet[Signal] = WeakSet()

    def signal(self) -> Signal:
        """A signal that is fired with all others, too."""
        signal = Signal()
        self._signals.add(signal)
        return signal

    def beat(self) -> None:
        """Wakes everybody now."""
        for signal in list(self._signals):
            signal.fire()

    async def run(self, seconds: float) -> None:
        """Wakes everybody every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            self.beat()
