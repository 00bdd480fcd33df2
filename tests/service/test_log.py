"""Logs are structured and bounded."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from booktape.service import log
from booktape.settings import Settings


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
