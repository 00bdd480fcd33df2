"""A server that all tests which only ask share."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import booktape as bt
from tests.service.running import Running, serving


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Only errors are worth a line here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="session")
def two_publishers(tape: bt.Tape, tape_file: Path) -> bt.Tape:
    """The records of `tape`, every other one by another publisher."""
    data = tape_file.read_bytes()
    records = tape.to_numpy().copy()
    records["publisher_id"][::2] = 2
    return bt.open(data.removesuffix(tape.to_numpy().tobytes()) + records.tobytes())


@pytest.fixture(scope="session")
def running(tape: bt.Tape, two_instruments: bt.Tape, two_publishers: bt.Tape) -> Iterator[Running]:
    """The small tape first, then the others."""
    with serving(tape, two_instruments, two_publishers) as server:
        yield server
