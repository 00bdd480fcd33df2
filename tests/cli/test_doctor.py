import json
import socket
from pathlib import Path

import pytest

from booktape.cli.exits import Exit
from booktape.keys import new_key
from tests.cli.conftest import Run


def findings(run: Run) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in json.loads(run("doctor", "--json").out)}


def test_a_sound_installation_passes(run: Run) -> None:
    outcome = run("doctor")
    assert outcome.code == Exit.OK
    assert "native core" in outcome.out
    assert findings(run)["native core"]["status"] == "ok"
    assert findings(run)["packages"]["status"] == "ok"


def test_a_taken_port_is_a_warning_with_a_way_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("BOOKTAPE_PORT", str(taken.getsockname()[1]))
        port = findings(run)["port"]
    assert port["status"] == "warn"
    assert "--port 0" in port["advice"]


def test_wrong_settings_are_a_failure_naming_the_variable(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_PORT", "eighty")
    assert run("doctor").code == Exit.INTERNAL
    settings = findings(run)["settings"]
    assert settings["status"] == "fail"
    assert "BOOKTAPE_PORT" in settings["found"]


def test_missing_test_data_is_told_where_it_was_looked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKTAPE_TEST_DATA", "/no/such/folder")
    assert "/no/such/folder" in findings(run)["test data"]["found"]


def test_settings_are_shown_as_they_are_and_keys_by_who_has_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _, entry = new_key("desk", ["read"])
    monkeypatch.setenv("BOOKTAPE_API_KEYS", entry.entry())
    monkeypatch.setenv("BOOKTAPE_PORT", "8123")
    found = findings(run)
    shown = found["settings"]["found"].splitlines()
    assert "port = 8123" in shown
    assert "api_keys = desk" in shown
    assert "max_streams = 2000  (default)" in shown
    assert found["access"]["found"] == "keys: desk (read)"
    assert entry.sha256 not in run("doctor").out


def test_who_may_reach_the_service_is_told(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert findings(run)["access"]["found"] == "no keys: this machine only"
    monkeypatch.setenv("BOOKTAPE_ALLOW_OPEN", "1")
    assert findings(run)["access"]["status"] == "warn"
    monkeypatch.setenv("BOOKTAPE_API_KEYS_FILE", str(tmp_path / "missing"))
    assert findings(run)["access"]["status"] == "fail"
