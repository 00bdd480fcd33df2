"""Serves a tape whose name, symbol, prices and sizes are about as long as they can be, standing at its end."""

import argparse
import tempfile
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from databento_dbn import Action, MBOMsg, Metadata, Schema, Side, SType

import booktape as bt
from booktape.service.app import Service
from booktape.service.server import Server, listen, url_of
from booktape.settings import Settings

NAME = "a-tape-of-user-defined-spreads-with-a-name-that-says-everything-2025-09-24.mbo.dbn"
SYMBOL = "UD:1V: VT 2503941234567"
START = 1_758_700_000_000_000_000
PRICE = -1_234_567_123_456_789
SIZE = 2**32 - 1


def file() -> bytes:
    """Ten levels a side, of three orders each."""
    interval = SimpleNamespace(start_date=date(2020, 1, 1), end_date=date(2030, 1, 1), symbol="1")
    metadata = Metadata(
        dataset="GLBX.MDP3",
        start=START,
        stype_in=SType.from_str("raw_symbol"),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str("mbo"),
        symbols=[SYMBOL],
        mappings=[SimpleNamespace(raw_symbol=SYMBOL, intervals=[interval])],
        version=3,
    )
    records = b""
    for order in range(60):
        side, level = ("A", 1 + order // 6) if order % 2 else ("B", -1 - order // 6)
        at = START + order
        added = MBOMsg(1, 1, at, order, PRICE + level, SIZE, Action.from_str("A"), Side.from_str(side), at, 0x80)
        records += bytes(added)[:56]
    return metadata.encode() + records


def main() -> None:
    """Serves until Ctrl-C."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    settings = Settings(log_level="error")
    with (
        tempfile.TemporaryDirectory() as folder,
        listen("127.0.0.1", parser.parse_args().port, slow_client_seconds=settings.slow_client_seconds) as listener,
    ):
        path = Path(folder, NAME)
        path.write_bytes(file())
        service = Service([bt.open(path)], settings, loops=False)
        Server(service, lambda: print(url_of(listener), flush=True)).run(sockets=[listener])


if __name__ == "__main__":
    main()
