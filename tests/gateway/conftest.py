"""What tests of the gateway share."""

import logging
from collections.abc import Iterator

import pytest
import structlog

import booktape as bt
from tests.gateway.running import Running, gateway


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Only errors are worth a line here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="session")
def four_instruments() -> bt.Tape:
    """A synthetic tape of four instruments."""
    return bt.synthesize(messages=20_000, instruments=4, seed=3)


@pytest.fixture(scope="module")
def running(four_instruments: bt.Tape) -> Iterator[Running]:
    """A gateway for it, at full speed."""
    with gateway(four_instruments) as running:
        yield running
