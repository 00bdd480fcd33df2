"""What is asked of an upstream, and who is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from booktape.errors import ParameterError
from booktape.parameters import LIVE_PORT, bad_parameter
from booktape.symbology import ALL_SYMBOLS, SymbolType
from booktape.values import BESIDE

_KEY_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which records to record.

    >>> Subscription("GLBX.MDP3", ("ESM4",)).name
    'GLBX.MDP3-ESM4'
    """

    dataset: str
    symbols: tuple[str, ...] = (ALL_SYMBOLS,)
    stype_in: str = "raw_symbol"
    beside: tuple[str, ...] = ()
    """Schemas besides MBO."""
    snapshot: bool = False
    """Whether books begin with a snapshot, where nothing can be gone on from."""
    start: int | None = None
    """ts_event of the first records, ns since 1970 UTC; None: from now on, 0: everything there is."""

    def __post_init__(self) -> None:
        if not self.dataset:
            raise bad_parameter("dataset", self.dataset, "Databento's code, such as GLBX.MDP3")
        if not self.symbols or not all(self.symbols):
            raise bad_parameter("symbols", ",".join(self.symbols), f"symbols, or {ALL_SYMBOLS}")
        if self.stype_in not in get_args(SymbolType):
            raise bad_parameter("stype_in", self.stype_in, f"one of {', '.join(get_args(SymbolType))}")
        for schema in self.beside:
            if schema not in BESIDE:
                raise bad_parameter("schema", schema, f"mbo, and beside it any of {', '.join(BESIDE)}")
        if self.snapshot and self.start is not None:
            raise bad_parameter("snapshot", self.snapshot, "records begin with a snapshot or at a start, not both")

    @property
    def name(self) -> str:
        """What its tape is called where nobody says."""
        return f"{self.dataset}-{'+'.join(self.symbols)}"[:64]


@dataclass(frozen=True, slots=True)
class Upstream:
    """Who is asked: Databento's gateway of the dataset, or another that speaks its protocol."""

    key: str = field(repr=False)
    gateway: str | None = None
    port: int = LIVE_PORT
    heartbeat_seconds: int = 30
    """Silence after which the upstream sends a heartbeat."""
    longest_silence: float = 35.0
    """Seconds without anything after which a session is given up, and another begins: a heartbeat would have come."""

    def __post_init__(self) -> None:
        if len(self.key) != _KEY_LENGTH or not self.key.isascii() or not self.key.isprintable():
            # Without the key: an error is told and logged.
            raise ParameterError(f"the API key has {len(self.key)} characters; Databento's have {_KEY_LENGTH}")
