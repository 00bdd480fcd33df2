"""Running the command in this process, as its entry point does, and looking at what came out."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from booktape.cli import main


class Outcome(NamedTuple):
    """What a run left."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("inspect", path)`, without a terminal and without anyone's settings."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)

    def running(*arguments: object) -> Outcome:
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return running
