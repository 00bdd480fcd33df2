"""What a store's database holds, read by SQLite alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

_QUERIES = (
    "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
    "SELECT * FROM tapes ORDER BY number",
    "SELECT * FROM instruments ORDER BY tape, instrument_id, publisher",
    "SELECT * FROM mbo_messages ORDER BY id",
)


def rows(folder: Path) -> Iterator[tuple[object, ...]]:
    """Everything in the database of a folder that nobody has open, one table after the other."""
    with closing(sqlite3.connect(folder / "booktape.db")) as connection:
        for query in _QUERIES:
            yield from connection.execute(query)
