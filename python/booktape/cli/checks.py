"""What the doctor looks at, a function each."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import booktape
from booktape.errors import BooktapeError

_PACKAGES = (
    "numpy",
    "pyarrow",
    "databento",
    "litestar",
    "uvicorn",
    "msgspec",
    "prometheus-client",
    "rich-click",
    "structlog",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LITTLE_MEMORY = 2**30
_RECORD = 56


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do if it is not as it should be."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


def examine() -> list[Check]:
    """Everything, in the order in which one would mend it."""
    return [
        _python(),
        _native(),
        _packages(),
        _settings(),
        _access(),
        _page(),
        _port(),
        _memory(),
        _browser(),
        _test_data(),
    ]


def _python() -> Check:
    return Check("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _native() -> Check:
    """Builds a small book, as proof that the compiled core works here."""
    try:
        tape = booktape.synthesize(messages=1_000, seed=1)
        for book in tape.market_at(len(tape) - 1).books():
            book.check()
    except BooktapeError as error:
        return Check("native core", "fail", str(error), "reinstall booktape; if it stays, please report it")
    return Check("native core", "ok", f"booktape {booktape.__version__}; 1,000 records make a book that checks")


def _packages() -> Check:
    versions, missing = [], []
    for name in _PACKAGES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("packages", "fail", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    return Check("packages", "ok", ", ".join(versions))


def _settings() -> Check:
    from pydantic import ValidationError

    from booktape.settings import Settings

    try:
        settings = Settings()
    except ValidationError as error:
        wrong = "; ".join(f"BOOKTAPE_{str(at['loc'][0]).upper()}: {at['msg']}" for at in error.errors())
        return Check("settings", "fail", wrong, "correct the environment variable or the line in .env")
    changed = settings.model_fields_set
    lines = [f"{name} = {_shown(value)}{'' if name in changed else '  (default)'}" for name, value in settings]
    return Check("settings", "ok", "\n".join(lines))


def _shown(value: object) -> str:
    """A setting as a person reads it; of API keys who they are for, and no hash."""
    if isinstance(value, tuple):
        return ", ".join(str(getattr(part, "name", part)) for part in value) or "none"
    return "unset" if value is None else str(value)


def _access() -> Check:
    """Who may reach the service."""
    from pydantic import ValidationError

    from booktape.keys import KeyRing
    from booktape.settings import Settings

    try:
        settings = Settings()
        ring = KeyRing.of(settings.api_keys, settings.api_keys_file)
    except ValidationError:
        return Check("access", "warn", "unknown, since the settings are wrong", "see settings")
    except BooktapeError as error:
        return Check("access", "fail", str(error), "the service does not start without its keys")
    if ring:
        return Check("access", "ok", "keys: " + ", ".join(f"{key.name} ({', '.join(key.scopes)})" for key in ring))
    if settings.allow_open:
        advice = "make a key with `booktape keys new`, or unset BOOKTAPE_ALLOW_OPEN"
        return Check("access", "warn", "no keys: whoever reaches the service may do everything", advice)
    return Check("access", "ok", "no keys: this machine only")


def _page() -> Check:
    page = Path(booktape.__file__).parent / "_frontend" / "index.html"
    if page.is_file():
        return Check("page", "ok", str(page.parent))
    return Check("page", "warn", "not built; the rest of the service works without it", "in a checkout: make build")


def _port() -> Check:
    from pydantic import ValidationError

    from booktape.settings import Settings

    try:
        host, port = Settings().host, Settings().port
    except ValidationError:
        return Check("port", "warn", "unknown, since the settings are wrong", "see settings")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return Check("port", "warn", f"{host}:{port} cannot be had: {error.strerror}", "use --port 0, or BOOKTAPE_PORT")
    return Check("port", "ok", f"{host}:{port} is free")


def _memory() -> Check:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return Check("memory", "ok", "this system does not say how much is free")
    found = f"{free / 2**30:.1f} GiB free, room for {free // _RECORD // 1_000_000:,} million records"
    if free < _LITTLE_MEMORY:
        return Check("memory", "warn", found, "close something before opening a large tape")
    return Check("memory", "ok", found)


def _browser() -> Check:
    named = os.environ.get("BOOKTAPE_CHROMIUM")
    found = named if named and Path(named).is_file() else next(filter(None, map(shutil.which, _BROWSERS)), None)
    if found:
        return Check("browser", "ok", found)
    advice = "install your system's chromium package, or set BOOKTAPE_CHROMIUM"
    return Check("browser", "warn", "no Chromium found; only a checkout's browser tests need it", advice)


def _test_data() -> Check:
    named = os.environ.get("BOOKTAPE_TEST_DATA")
    if not named:
        return Check("test data", "ok", "BOOKTAPE_TEST_DATA is not set; only a checkout's tests on real files use it")
    files = sorted(Path(named).glob("*.dbn*"))
    if files:
        return Check("test data", "ok", f"{len(files)} DBN files in {named}")
    return Check("test data", "warn", f"no DBN files in {named}", "set BOOKTAPE_TEST_DATA to a folder that has some")
