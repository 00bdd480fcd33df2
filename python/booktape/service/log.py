"""Structured logging to standard error, console or JSON, at a bounded rate."""

import logging
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

from booktape.settings import Settings

LINES_A_SECOND = 50
"""Lines of one event let through each second; the next line tells how many were not."""


class Bounded:
    """Drops an event's lines beyond so many a second, and says so: a flood of requests is not a flood of lines."""

    def __init__(self, lines_a_second: int = LINES_A_SECOND) -> None:
        self._limit = lines_a_second
        self._second = 0
        self._seen: dict[str, int] = {}
        self._dropped: dict[str, int] = {}

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG002
        """Lets a line pass, or drops it."""
        name = str(event.get("event"))
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._dropped = {key: count - self._limit for key, count in self._seen.items() if count > self._limit}
            self._seen.clear()
        self._seen[name] = self._seen.get(name, 0) + 1
        if self._seen[name] > self._limit:
            raise structlog.DropEvent
        if dropped := self._dropped.pop(name, 0):
            event["dropped_before"] = dropped
        return event


def configure(settings: Settings) -> None:
    """Sends structlog and the standard library's loggers (uvicorn) the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        Bounded(),
    ]
    if settings.log_format == "json":
        finish: list[structlog.types.Processor] = [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    else:
        finish = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *finish],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))  # uvicorn's greetings are not ours
