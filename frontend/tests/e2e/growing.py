"""Serves a live tape of some records that grows to as many as each line of the standard input says.

The line "gap" says on the tape that records are missing.
"""

import argparse
import sys
import tempfile
import threading
from pathlib import Path

from databento_dbn import ErrorCode, ErrorMsg

import booktape as bt
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings

WHOLE = 60_000


def file() -> tuple[bytes, int]:
    """A DBN file, and where its records begin."""
    tape = bt.synthesize(messages=WHOLE, instruments=1, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "grows.dbn")
        tape.to_dbn(path)
        data = path.read_bytes()
    return data, len(data) - tape.to_numpy().nbytes


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--records", type=int, required=True)
    options = parser.parse_args()
    data, beginning = file()
    size = (len(data) - beginning) // WHOLE
    settings = Settings(log_level="error")
    with (
        tempfile.TemporaryDirectory() as folder,
        bt.Store(folder) as store,
        listen("127.0.0.1", options.port, slow_client_seconds=settings.slow_client_seconds) as listener,
    ):
        live = store.create_live("grows")
        live.append(data[: beginning + options.records * size])

        def grow() -> None:
            for line in sys.stdin:
                if line.strip() == "gap":
                    said = ErrorMsg(0, "gap: records are missing", True, ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING)
                    live.append_records(bytes(said))
                    continue
                live.append_records(data[beginning + len(live) * size : beginning + int(line) * size])

        threading.Thread(target=grow, daemon=True).start()
        Server(Service([live], settings), lambda: print(url_of(listener), flush=True)).run(sockets=[listener])


if __name__ == "__main__":
    main()
