"""Databento's Historical API as a source of tapes: what a file costs, and the file."""

from booktape.upstream.client import Databento
from booktape.upstream.download import Fetch, Fetched, estimate, fetch, require_affordable
from booktape.upstream.request import SCHEMAS, STYPES, Estimate, Request

__all__ = [
    "SCHEMAS",
    "STYPES",
    "Databento",
    "Estimate",
    "Fetch",
    "Fetched",
    "Request",
    "estimate",
    "fetch",
    "require_affordable",
]
