"""Exactly right order books from Databento Market-by-Order (L3) data, and the tape of records that builds them.

>>> import booktape as bt
>>> tape = bt.synthesize(messages=10_000, seed=7)
>>> market = bt.Market()
>>> market.apply(tape).records
10000
"""

from booktape._native import __version__
from booktape.book import Book
from booktape.derive import Derived
from booktape.errors import (
    AnomalyError,
    BooktapeError,
    ConflictError,
    CostError,
    CredentialsError,
    GoneError,
    InputError,
    InvariantError,
    NotFoundError,
    ParameterError,
    StoreBusyError,
    StoreError,
    UpstreamError,
)
from booktape.live import LiveTape
from booktape.market import Market
from booktape.order import Entry, Exit, Life, OrderLife, OrderRecord, Place
from booktape.replay import Clock
from booktape.sources import open, synthesize  # noqa: A004 - `booktape.open` is what people say
from booktape.store import Answer, FollowedTape, MessagesPage, RegisteredTape, Store, StoredTape, StoreStatus
from booktape.tape import Tape
from booktape.upstream import Estimate, Fetched, estimate, fetch
from booktape.values import Ahead, ApplyReport, Bbo, Execution, Gap, IndexSize, Instrument, Level, Order, Uncross

__all__ = [
    "Ahead",
    "AnomalyError",
    "Answer",
    "ApplyReport",
    "Bbo",
    "Book",
    "BooktapeError",
    "Clock",
    "ConflictError",
    "CostError",
    "CredentialsError",
    "Derived",
    "Entry",
    "Estimate",
    "Execution",
    "Exit",
    "Fetched",
    "FollowedTape",
    "Gap",
    "GoneError",
    "IndexSize",
    "InputError",
    "Instrument",
    "InvariantError",
    "Level",
    "Life",
    "LiveTape",
    "Market",
    "MessagesPage",
    "NotFoundError",
    "Order",
    "OrderLife",
    "OrderRecord",
    "ParameterError",
    "Place",
    "RegisteredTape",
    "Store",
    "StoreBusyError",
    "StoreError",
    "StoreStatus",
    "StoredTape",
    "Tape",
    "Uncross",
    "UpstreamError",
    "__version__",
    "estimate",
    "fetch",
    "open",
    "synthesize",
]
