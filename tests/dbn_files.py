"""DBN files made by hand: Databento's own encoder for the metadata, records as they are."""

from datetime import date
from types import SimpleNamespace

from databento_dbn import Metadata, Schema, SType

INSTRUMENT = 1
SYMBOL = "CLX5"


def metadata(version: int = 3, symbol: str = SYMBOL) -> bytes:
    """The metadata of an MBO file of any version, with one symbol."""
    interval = SimpleNamespace(start_date=date(2020, 1, 1), end_date=date(2030, 1, 1), symbol=str(INSTRUMENT))
    made = Metadata(
        dataset="GLBX.MDP3",
        start=0,
        stype_in=SType.from_str("raw_symbol"),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str("mbo"),
        symbols=[symbol],
        mappings=[SimpleNamespace(raw_symbol=symbol, intervals=[interval])],
        version=version,
    )
    return made.encode()
