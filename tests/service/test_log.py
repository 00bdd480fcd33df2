"""Logs are structured and bounded."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

import booktape as bt
from booktape.keys import new_key
from booktape.service import log
from booktape.settings import Settings
from tests.service.running import serving


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Takes back what a test has configured."""
    root = logging.getLogger()
    handlers, level, config = list(root.handlers), root.level, structlog.get_config()
    yield
    structlog.configure(**config)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_lines_are_json_with_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json", log_level="info"))
    structlog.get_logger().info("request", status=200)
    structlog.get_logger().debug("too quiet")
    logging.getLogger("uvicorn.error").error("from the %s", "library")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["status"], ours["level"]) == ("request", 200, "info")
    assert str(ours["timestamp"]).endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("from the library", "error")


def test_an_exception_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json"))
    try:
        raise ValueError("inside")
    except ValueError as error:
        structlog.get_logger().error("request failed", exc_info=error)
    (line,) = lines(capsys)
    assert "inside" in json.dumps(line["exception"])


def test_a_flood_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    bounded = log.Bounded(lines_a_second=3)
    passed = 0
    for _ in range(10):
        try:
            bounded(None, "info", {"event": "request"})
            passed += 1
        except structlog.DropEvent:
            pass
    assert passed == 3
    assert bounded(None, "info", {"event": "another"}) == {"event": "another"}
    now = 101.0
    assert bounded(None, "info", {"event": "request"}) == {"event": "request", "dropped_before": 7}
    assert bounded(None, "info", {"event": "request"}) == {"event": "request"}


def test_the_console_form_has_no_colours_where_no_one_sees_them(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="console"))
    structlog.get_logger().info("hello", tape="x")
    written = capsys.readouterr().err
    assert "hello" in written
    assert "\x1b" not in written


def test_every_line_of_a_request_has_its_id_and_no_key(
    tape: bt.Tape, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.configure(Settings(log_format="json", log_level="debug"))
    key, entry = new_key("desk", ["read"])
    with serving(tape, settings=Settings(api_keys=(entry,))) as running, running.client() as client:
        loaded = running.service.deck.tape(tape.id)

        def broken() -> None:
            raise RuntimeError("on purpose")

        monkeypatch.setattr(loaded, "details", broken)
        headers = {"Authorization": f"Bearer {key}", "X-Request-ID": "mine"}
        assert client.get(f"/api/v1/tapes/{tape.id}", headers=headers).status_code == 500
        assert client.get("/api/v1/tapes", headers={"X-API-Key": "a-wrong-one"}).status_code == 401
    written = capsys.readouterr().err
    assert key not in written
    assert "a-wrong-one" not in written
    lines = [json.loads(line) for line in written.splitlines()]
    mine = [line for line in lines if line.get("request_id") == "mine"]
    assert [line["event"] for line in mine] == ["request failed", "request"]
    assert {line["caller"] for line in mine} == {"key desk"}
    other = next(line for line in lines if line.get("status") == 401)
    assert re.fullmatch("[0-9a-f]{32}", other["request_id"])
    assert "caller" not in other


def test_the_line_of_a_stream_counts_its_bytes(tape: bt.Tape, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(Settings(log_format="json", log_level="info"))
    with serving(tape) as running:
        bodies = [running.stream(f"/api/v1/tapes/{tape.id}/stream"), running.stream("/api/mbo/stream/json/0")]
        with running.client() as client:
            listed = client.get("/api/v1/tapes").content
    requests = [line for line in lines(capsys) if line["event"] == "request"]
    assert [line["bytes"] for line in requests] == [*map(len, bodies), len(listed)]
