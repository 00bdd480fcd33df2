"""What tests of the library and the command line share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import booktape as bt
from tests.real_files import CLX5, ESM4, real_file


@pytest.fixture(scope="session", autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What booktape keeps goes into a folder of the test run, also in the processes that tests start.

    And nobody's key for Databento is there: no test can spend anything.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOOKTAPE_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.delenv("DATABENTO_API_KEY", raising=False)
        patch.delenv("DBN_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def tape() -> bt.Tape:
    """A small synthetic tape of one instrument."""
    return bt.synthesize(messages=5_000, seed=1)


@pytest.fixture(scope="session")
def two_instruments() -> bt.Tape:
    """A small synthetic tape of two instruments."""
    return bt.synthesize(messages=5_000, instruments=2, seed=2)


@pytest.fixture(scope="session")
def tape_file(tape: bt.Tape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tape` as a DBN file."""
    path = tmp_path_factory.mktemp("tape") / "small.mbo.dbn"
    tape.to_dbn(path)
    return path


@pytest.fixture(scope="session")
def clx5() -> Path:
    """Real CL futures; skips where they are not."""
    return real_file(CLX5)


@pytest.fixture(scope="session")
def esm4() -> Path:
    """Real ES futures with a snapshot; skips where they are not."""
    return real_file(ESM4)
