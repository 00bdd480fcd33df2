"""A server that all tests which only ask share."""

import logging
from collections.abc import Iterator

import pytest
import structlog

import booktape as bt
from tests.service.running import Running, serving


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Only errors are worth a line here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="session")
def running(tape: bt.Tape, two_instruments: bt.Tape) -> Iterator[Running]:
    """The small tape first, then the one of two instruments."""
    with serving(tape, two_instruments) as server:
        yield server
