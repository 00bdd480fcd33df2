"""A service whose one tape grows: `python -m benchmarks.load.growing FILE --rate N --clients N`, settings as `serve`.

Records of a file are put on a live tape of the data folder, at a pace and stamped with the time at which that happens,
from the moment on at which so many clients have their streams open. The store follows the tape.
"""

import argparse
import threading
import time
from pathlib import Path

import booktape as bt
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings

LOOK_SECONDS = 0.01


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=int, required=True, help="records a second")
    parser.add_argument("--clients", type=int, required=True, help="streams to wait for")
    asked = parser.parse_args()
    settings = Settings()
    source = bt.open(asked.file)
    with (
        bt.Store(settings.data_dir, background=True) as store,
        listen("127.0.0.1", 0, slow_client_seconds=settings.slow_client_seconds) as listener,
    ):
        live = store.create_live("fed")
        service = Service([live], settings, store=store)

        def feed() -> None:
            while service.slots.open < asked.clients:
                time.sleep(LOOK_SECONDS)
            live.feed(source, records_per_second=asked.rate, restamp=True)

        def ready() -> None:
            threading.Thread(target=feed, daemon=True).start()
            print(f"a growing tape at {url_of(listener)}", flush=True)

        Server(service, ready).run(sockets=[listener])


if __name__ == "__main__":
    main()
