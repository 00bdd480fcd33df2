"""Serves a tape of 20,000 records that grows to as many as each line of the standard input says."""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import booktape as bt
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings

BEGINNING = 20_000
WHOLE = 60_000


def heads() -> Callable[[int], bt.Tape]:
    """What makes the tape as it was after so many records."""
    tape = bt.synthesize(messages=WHOLE, instruments=1, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "grows.dbn")
        tape.to_dbn(path)
        data = path.read_bytes()
    records = tape.to_numpy().itemsize
    return lambda count: bt.open(data[: len(data) - (WHOLE - count) * records])


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    head = heads()
    settings = Settings(log_level="error")
    with listen("127.0.0.1", parser.parse_args().port, slow_client_seconds=settings.slow_client_seconds) as listener:
        service = Service([], settings)
        asyncio.run(serve(service, head, listener))


async def serve(service: Service, head: Callable[[int], bt.Tape], listener: object) -> None:
    """Serves the tape, and reads on a thread how far it grows."""
    loop = asyncio.get_running_loop()
    tape = service.serve(head(BEGINNING))
    tape.grow(head(BEGINNING), complete=False)

    def follow() -> None:
        for line in sys.stdin:
            grown = head(int(line))
            loop.call_soon_threadsafe(lambda grown=grown: tape.grow(grown, complete=False))

    threading.Thread(target=follow, daemon=True).start()
    await Server(service, lambda: print(url_of(listener), flush=True)).serve(sockets=[listener])


if __name__ == "__main__":
    main()
