from collections.abc import Iterator
from pathlib import Path

import pytest

import booktape as bt
from booktape.settings import Settings
from tests.historical.gateway import Gateway, gateway
from tests.real_files import CLX5, ESM4, real_file


@pytest.fixture(scope="module")
def real() -> dict[str, bt.Tape]:
    """The real tapes by symbol; skips where they are not."""
    return {"CLX5": bt.open(real_file(CLX5)), "ESM4": bt.open(real_file(ESM4))}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
def on_real(real: dict[str, bt.Tape], data: Settings) -> Iterator[Gateway]:
    """A gateway on both real tapes."""
    with gateway(*real.values(), settings=data) as running:
        yield running


@pytest.fixture(scope="module")
def made() -> bt.Tape:
    """A tape of three instruments."""
    return bt.synthesize(messages=60_000, instruments=3, seed=5)


@pytest.fixture(scope="module")
def on_made(made: bt.Tape, data: Settings) -> Iterator[Gateway]:
    with gateway(made, settings=data) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
