"""A service whose one tape grows: `python -m benchmarks.load.growing FILE --rate N --clients N`, settings as `serve`.

Records of a file are put on a live tape of the data folder, at a pace and stamped with the time at which that happens,
from the moment on at which so many clients have their streams open.
"""

import argparse
import asyncio
import threading
import time
from pathlib import Path

import booktape as bt
from booktape._native import Feeder, LiveTape, Tapes
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings

LOOK_SECONDS = 0.01


class Growing:
    """Shows a live tape to a service, and feeds it."""

    def __init__(self, service: Service, live: LiveTape, source: bt.Tape, rate: int, clients: int) -> None:
        self._service = service
        self._live = live
        self._source = source
        self._rate = rate
        self._clients = clients
        self._is_told = False

    def begin(self) -> None:
        """Shows the tape, empty; on the event loop."""
        loop = asyncio.get_running_loop()
        self._tape = self._service.library.put(bt.Tape(self._live.head()))
        self._tape.complete = False
        # From the feeder's thread; once for all batches that come before the loop has its turn.
        self._live.on_growth(lambda: None if self._is_told else self._tell(loop))
        threading.Thread(target=self._feed, daemon=True).start()

    def _feed(self) -> None:
        while self._service.slots.open < self._clients:
            time.sleep(LOOK_SECONDS)
        Feeder(self._live, self._source._native, records_per_second=self._rate, restamp=True).wait()

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_told = True
        loop.call_soon_threadsafe(self._grow)

    def _grow(self) -> None:
        self._is_told = False
        self._tape.grow(bt.Tape(self._live.head()), complete=self._live.is_closed)


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=int, required=True, help="records a second")
    parser.add_argument("--clients", type=int, required=True, help="streams to wait for")
    asked = parser.parse_args()
    settings = Settings()
    live = Tapes(str(settings.data_dir)).create_live("fed")
    service = Service((), settings)
    growing = Growing(service, live, bt.open(asked.file), asked.rate, asked.clients)
    with listen("127.0.0.1", 0, slow_client_seconds=settings.slow_client_seconds) as listener:

        def ready() -> None:
            growing.begin()
            print(f"a growing tape at {url_of(listener)}", flush=True)

        Server(service, ready).run(sockets=[listener])


if __name__ == "__main__":
    main()
