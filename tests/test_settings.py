import pytest
from pydantic import ValidationError

from booktape.settings import Settings


def test_the_environment_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_PORT", "1234")
    assert Settings().port == 1234


def test_wrong_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_PORT", "-1")
    with pytest.raises(ValidationError, match="port"):
        Settings()
