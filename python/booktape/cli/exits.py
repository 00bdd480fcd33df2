"""Exit codes, and every error as one line on standard error that says what to do; never a traceback."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress
from enum import IntEnum
from typing import Any

import rich_click as click

from booktape.errors import (
    AnomalyError,
    BooktapeError,
    ConflictError,
    CostError,
    CredentialsError,
    GoneError,
    InputError,
    NotFoundError,
    ParameterError,
    StoreError,
    UpstreamError,
)

DEBUG = "BOOKTAPE_DEBUG"
"""Environment variable that lets tracebacks through."""


class Exit(IntEnum):
    """What the process says to the one that started it."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    BAD_INPUT = 3
    NOT_FOUND = 4
    ANOMALIES = 5
    PORT_IN_USE = 6
    STORE = 7
    CREDENTIALS = 8
    COST = 9
    UPSTREAM = 10
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "done",
    Exit.INTERNAL: "something of booktape itself is broken: a bug, or what `doctor` found",
    Exit.USAGE: "an option, an argument or a setting is wrong",
    Exit.BAD_INPUT: "the input cannot be read: missing, not DBN, another schema, truncated, damaged, too large; "
    "or the output cannot be written",
    Exit.NOT_FOUND: "no such instrument, publisher, order, tape or key, or a moment outside the tape",
    Exit.ANOMALIES: "`audit --strict` found anomalies",
    Exit.PORT_IN_USE: "the port is taken",
    Exit.STORE: "the store cannot be used: another process has it, it is damaged or of a newer version, the disk is "
    "full; or a query is wrong",
    Exit.CREDENTIALS: "there is no key for Databento, or it refuses the key",
    Exit.COST: "what Databento asks for it was not agreed to",
    Exit.UPSTREAM: "Databento cannot be reached, or gave up too often; what has come is kept",
    Exit.INTERRUPTED: "stopped by Ctrl-C",
}

_BY_ERROR: list[tuple[type[BooktapeError], Exit]] = [
    (InputError, Exit.BAD_INPUT),
    (ConflictError, Exit.BAD_INPUT),
    (NotFoundError, Exit.NOT_FOUND),
    (GoneError, Exit.NOT_FOUND),
    (AnomalyError, Exit.ANOMALIES),
    (ParameterError, Exit.USAGE),
    (StoreError, Exit.STORE),
    (CredentialsError, Exit.CREDENTIALS),
    (CostError, Exit.COST),
    (UpstreamError, Exit.UPSTREAM),
]


def report(error: BaseException) -> Exit:
    """Says what went wrong, and gives the exit code for it."""
    match error:
        case KeyboardInterrupt() | EOFError() | click.Abort():
            return _say("stopped", Exit.INTERRUPTED)
        case _ if _is_reader_gone(error):
            # It has what it wanted, as in `booktape … | head`; the interpreter's last flush must not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.OK
        case click.ClickException():
            return _say(_usage(error), Exit.USAGE)
        case BooktapeError():
            return _say(str(error), next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.INTERNAL))
        case OSError():
            return _system(error)
        case _ if type(error).__name__ == "ValidationError":  # of settings; pydantic is too slow to import for its name
            return _say(f"settings: {_validation(error)}", Exit.USAGE)
    if os.environ.get(DEBUG):
        raise error
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return _say(f"internal error, please report it: {what} (for the traceback: {DEBUG}=1)", Exit.INTERNAL)


def _is_reader_gone(error: BaseException) -> bool:
    """Whether nobody reads standard output any more; click turns that into an exit of its own."""
    return isinstance(error.__context__ if isinstance(error, SystemExit) else error, BrokenPipeError)


def _system(error: OSError) -> Exit:
    what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return _say(f"{what}; choose another with --port, or any free one with --port 0", Exit.PORT_IN_USE)
    if isinstance(error, socket.gaierror) or error.errno in {errno.EADDRNOTAVAIL, errno.EACCES}:
        return _say(f"{what}; choose another with --host or --port", Exit.USAGE)
    return _say(what, Exit.BAD_INPUT)


def _say(line: str, code: Exit) -> Exit:
    with suppress(OSError):  # nobody can read it, but the code still tells
        complain(line)
    return code


def complain(line: str) -> None:
    """One line on standard error; what a terminal would obey in it is taken out, as names may hold anything."""
    text = "".join(character for character in " ".join(line.split()) if character.isprintable())
    click.echo(f"booktape: {text}", err=True)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    where = f"; see `{context.command_path} --help`" if context else ""
    return error.format_message().rstrip(".") + where


def _validation(error: BaseException) -> str:
    wrong = error.errors() if hasattr(error, "errors") else []
    return "; ".join(_wrong_setting(at) for at in wrong)


def _wrong_setting(at: dict[str, Any]) -> str:
    name, *inside = map(str, at["loc"])
    variable = f"BOOKTAPE_{name.upper()}"
    # They are keys, or someone may have put a key there instead of its hash.
    given = ".".join(inside) if name in {"api_keys", "gateway_keys"} else f"= {at['input']!r}"
    return f"{variable} {given}".rstrip() + f": {at['msg']}"
