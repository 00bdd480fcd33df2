"""What tests of sessions share."""

import pytest

import booktape as bt


@pytest.fixture(params=["clx5", "esm4"])
def real(request: pytest.FixtureRequest) -> bt.Tape:
    """A real file."""
    return bt.open(request.getfixturevalue(request.param))
