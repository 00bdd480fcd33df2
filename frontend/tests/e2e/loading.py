"""Serves two tapes; each is loaded when a line comes on the standard input, and loading ends when that is closed."""

import argparse
import sys
from collections.abc import Iterator

import booktape as bt
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings


def tapes() -> Iterator[bt.Tape]:
    """The tapes, each once it was asked for."""
    for seed, _ in enumerate(sys.stdin):
        yield bt.synthesize(messages=20_000, instruments=1, seed=seed)


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    settings = Settings(log_level="error")
    with listen("127.0.0.1", parser.parse_args().port, slow_client_seconds=settings.slow_client_seconds) as listener:
        print(url_of(listener), flush=True)
        Server(Service(tapes(), settings), lambda: None).run(sockets=[listener])


if __name__ == "__main__":
    main()
