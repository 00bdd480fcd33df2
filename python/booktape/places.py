"""Where booktape keeps what it needs again, and how much it takes into memory; the environment may say otherwise."""

from __future__ import annotations

import os

from booktape.parameters import COUNT_RANGE, bad_parameter, within

MAX_IN_MEMORY = 2**28
"""Bytes of records that a file may take in memory; a larger one is read by position."""


def data_dir(given: str | os.PathLike[str] | None = None) -> str:
    """The data folder: as given, else ``BOOKTAPE_DATA_DIR``, else booktape's folder in the user's data folder.

    >>> data_dir("/somewhere")
    '/somewhere'
    """
    if given is not None:
        return os.fspath(given)
    if named := os.environ.get("BOOKTAPE_DATA_DIR"):
        return named
    from platformdirs import user_data_dir

    return user_data_dir("booktape", appauthor=False)


def max_in_memory(given: int | None = None) -> int:
    """Bytes of records that a file may take in memory: as given, else ``BOOKTAPE_MAX_IN_MEMORY``, else 256 MiB.

    >>> max_in_memory(0)
    0
    """
    if given is not None:
        return within("max_in_memory", given, COUNT_RANGE, "bytes, from 0")
    named = os.environ.get("BOOKTAPE_MAX_IN_MEMORY", "")
    if named and not named.isdecimal():
        raise bad_parameter("BOOKTAPE_MAX_IN_MEMORY", named, "bytes, from 0")
    return int(named) if named else MAX_IN_MEMORY
