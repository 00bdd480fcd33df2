"""What tests of sessions share."""

import pytest

import booktape as bt
from tests.session.mixed import mixed


@pytest.fixture(params=["clx5", "esm4"])
def real(request: pytest.FixtureRequest) -> bt.Tape:
    """A real file."""
    return bt.open(request.getfixturevalue(request.param))


@pytest.fixture(scope="session", params=[1, 2, 3])
def mixed_file(request: pytest.FixtureRequest) -> tuple[bytes, bytes]:
    """A file of one version with records of all types, and what a client of all schemas gets of it."""
    return mixed(request.param)
