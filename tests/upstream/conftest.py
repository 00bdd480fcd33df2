"""What tests of fetching share: a gateway of our own in Databento's place, and servers between."""

from collections.abc import Iterator

import pytest

import booktape as bt
from booktape.settings import Settings
from tests.cli.conftest import run
from tests.historical.conftest import data, made, on_made, on_real, real
from tests.historical.gateway import KEY, Gateway, gateway
from tests.service.conftest import quiet
from tests.upstream.between import Between, between

__all__ = ["data", "made", "on_made", "on_real", "quiet", "real", "run"]


@pytest.fixture(scope="package")
def source() -> bt.Tape:
    """What there is to be fetched."""
    return bt.synthesize(messages=60_000, instruments=2, seed=11)


@pytest.fixture(scope="package")
def upstream(source: bt.Tape, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that has it, for those with the key."""
    settings = Settings.model_validate({"data_dir": tmp_path_factory.mktemp("gateway"), "gateway_keys": KEY})
    with gateway(source, settings=settings) as running:
        yield running


@pytest.fixture
def between_them(upstream: Gateway) -> Iterator[Between]:
    """A server before it, for answers that are not the gateway's."""
    with between(upstream) as server:
        yield server


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key, in the environment."""
    monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
    monkeypatch.setenv("DBN_KEY", KEY)
    return KEY


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once."""
    monkeypatch.setattr("booktape.upstream.download.FIRST_WAIT", 0)
