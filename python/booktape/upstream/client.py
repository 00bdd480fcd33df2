"""Databento's own client, with what goes wrong told apart: what to wait for, what to mend, what to pay."""

from __future__ import annotations

import errno
import os
from io import IOBase
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, TypeVar

from booktape.errors import CostError, CredentialsError, ParameterError, UpstreamError
from booktape.upstream.request import Estimate, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from databento import Historical

Value = TypeVar("Value")

KEY_VARIABLES = ("DATABENTO_API_KEY", "DBN_KEY")
"""Where the key is looked for, in this order."""
_REFUSED = {401, 403}
_UNPAID = 402
_WORTH_WAITING = {408, 429}
_SERVER = 500
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG}


class DroppedError(UpstreamError):
    """The connection, or the other end, gave up under way: to be tried again."""


class Databento:
    """The Historical API. The key is in here and in what is sent, and nowhere else."""

    def __init__(self, key: str | None = None, gateway: str | None = None) -> None:
        from databento import Historical, HistoricalGateway

        self._client: Historical = Historical(key or key_of_environment(), gateway or HistoricalGateway.BO1)

    def __repr__(self) -> str:
        return f"Databento({self._client.gateway})"

    def estimate(self, request: Request, start: int, limit: int | None) -> Estimate:
        """What a request would come to from a time on.

        Raises:
            UpstreamError: there is no answer.
            ParameterError: there is nothing of the kind.
        """
        asked = {**_asked(request, start), "limit": limit}
        metadata = self._client.metadata
        return Estimate(
            int(_told_apart(lambda: metadata.get_record_count(**asked))),
            int(_told_apart(lambda: metadata.get_billable_size(**asked))),
            float(_told_apart(lambda: metadata.get_cost(**asked))),
        )

    def stream(self, request: Request, start: int, limit: int | None, path: Path) -> None:
        """Writes what comes, DBN compressed with zstd, to a file that is not there yet.

        Raises:
            UpstreamError: it ended before its end.
            ParameterError: there is nothing of the kind.
            OSError: the file cannot be written.
        """
        from databento_dbn import DBNError

        def written() -> None:
            try:
                self._client.timeseries.get_range(**_asked(request, start), limit=limit, path=path)
            except (ValueError, DBNError) as error:
                # It opens what it has written; whether that can be read is for the one who asked to see.
                if not path.exists():
                    raise ParameterError(f"Databento's client: {error}") from None

        _told_apart(written)


def key_of_environment() -> str:
    """The key of whoever runs this.

    Raises:
        CredentialsError: there is none.
    """
    for name in KEY_VARIABLES:
        if key := os.environ.get(name, "").strip():
            return key
    raise CredentialsError(f"no key for Databento: set {' or '.join(KEY_VARIABLES)}")


def _asked(request: Request, start: int) -> dict[str, Any]:
    return {
        "dataset": request.dataset,
        "symbols": list(request.symbols),
        "schema": request.schema,
        "start": start,
        "end": request.span.end,
        "stype_in": request.stype_in,
    }


def _told_apart(call: Callable[[], Value]) -> Value:
    """The result of a call, with the client's errors as ours."""
    from databento import BentoError
    from requests import RequestException

    try:
        return call()
    except (BentoError, RequestException) as error:
        failure = _ours(error)
        _let_go(error)
    raise failure


def _ours(error: Exception) -> Exception:
    """What an error of the client's comes to."""
    from databento import BentoError, BentoHttpError
    from requests import RequestException

    if isinstance(error, BentoHttpError):
        return _of_status(error.http_status, _line(error))
    if isinstance(error, BentoError):
        # What broke off is told in words only, and hidden behind them.
        if (system := _of_the_disk(error)) is not None:
            return system
        kind = DroppedError if isinstance(error.__context__, (RequestException, OSError)) else UpstreamError
        return kind(f"Databento: {_line(error)}")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return UpstreamError("the certificate shown for Databento is not trusted: see REQUESTS_CA_BUNDLE")
    return DroppedError(f"Databento cannot be reached: {type(error).__name__}")


def _let_go(error: BaseException | None) -> None:
    """Closes what calls that failed left open: the client's file would get its last bytes at some later time."""
    while error is not None:
        for frame, _ in walk_tb(error.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, IOBase):
                    value.close()
        error = error.__context__


def _of_status(status: int, said: str) -> Exception:
    if status in _REFUSED:
        return CredentialsError(f"Databento refuses the key: {said}")
    if status == _UNPAID:
        return CostError(f"Databento wants to be paid first: {said}")
    if status in _WORTH_WAITING or status >= _SERVER:
        return DroppedError(f"Databento: {said}")
    return ParameterError(f"Databento: {said}")


def _of_the_disk(error: BaseException) -> OSError | None:
    seen = error.__context__
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _NO_ROOM:
            return OSError(seen.errno, seen.strerror, seen.filename)
        seen = seen.__context__
    return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
