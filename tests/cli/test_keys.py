"""`booktape keys`: a key shown once, and tried."""

import io
import json

import pytest

from booktape.cli.exits import Exit
from tests.cli.conftest import Run


def test_a_new_key_fits_its_entry(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run("keys", "new", "desk", "--scope", "read", "--scope", "control", "--streams", 3, "--json")
    assert made.code == Exit.OK
    told = json.loads(made.out)
    monkeypatch.setenv("BOOKTAPE_API_KEYS", json.dumps([told["entry"]]))
    monkeypatch.setattr("sys.stdin", io.StringIO(told["key"] + "\n"))
    assert run("keys", "check").out == "desk: read, control, 3 streams\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(told["key"]))
    assert json.loads(run("keys", "check", "--json").out) == told["entry"]


def test_a_key_of_no_entry_is_not_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("booktape_unknown\n"))
    outcome = run("keys", "check")
    assert outcome.code == Exit.NOT_FOUND
    assert "booktape_unknown" not in outcome.out + outcome.err


def test_a_new_key_is_shown_with_what_to_do(run: Run) -> None:
    made = run("keys", "new", "desk").out
    assert made.startswith("key    booktape_")
    assert '"scopes":["read"]' in made
    assert "BOOKTAPE_API_KEYS" in made


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "-", "x" * 65])
def test_a_bad_name_is_refused(run: Run, name: str) -> None:
    assert run("keys", "new", "--", name).code == Exit.USAGE


def test_a_key_where_its_hash_belongs_is_not_printed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"name": "a", "scopes": ["read"], "sha256": "booktape_secret"}
    monkeypatch.setenv("BOOKTAPE_API_KEYS", json.dumps([entry]))
    outcome = run("keys", "check")
    assert outcome.code == Exit.USAGE
    assert "BOOKTAPE_API_KEYS 0.sha256: " in outcome.err
    assert "secret" not in outcome.err
