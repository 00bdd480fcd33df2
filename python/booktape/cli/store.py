"""`booktape store`: tapes as SQLite tables in the data folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import rich_click as click

import booktape
from booktape.cli import options
from booktape.cli.screen import answers, progress, warn, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from booktape import Store

_EXACT = 2**53
"""Integers beyond it do not survive JavaScript's numbers."""


@click.group(short_help="Tapes as SQLite tables in the data folder.")
def store() -> None:
    """Keep tapes as SQLite tables in the data folder, and ask SQL of them.

    One process at a time may use a data folder: stop a `serve` that has it, or name another folder with --folder.
    """


def _in_folder(command: Callable[..., None]) -> Callable[..., None]:
    option = click.option(
        "--folder",
        metavar="PATH",
        type=click.Path(path_type=str),
        help="The data folder; BOOKTAPE_DATA_DIR if left out.",
    )
    return option(command)


def _open(folder: str | None, *, rebuild: bool = False) -> Store:
    return booktape.Store(folder or options.store_folder(), rebuild=rebuild)


@store.command(short_help="Add files, each as a tape.")
@_in_folder
@options.as_json
@options.tolerant
@options.max_decompressed
@click.argument("files", nargs=-1, required=True, type=options.type_of_files, metavar="FILE…")
def load(
    *, files: Sequence[str], folder: str | None, tolerant: bool, max_decompressed: int | None, as_json: bool
) -> None:
    """Add DBN files to the store, each as a tape. Records that are there already are not added again."""
    loaded = []
    with _open(folder) as opened:
        for file in files:
            tape = options.open_tape([file], tolerant=tolerant, max_decompressed=max_decompressed)
            with progress(f"storing {tape.name}") as on_progress:
                rows = opened.load(tape, progress=on_progress)
            loaded.append({"id": tape.id, "rows_added": rows, "records": len(tape)})
            if not as_json:
                answers().print(f"{tape.id}: {rows:,} of {len(tape):,} records added", soft_wrap=True)
    if as_json:
        write_json(json.dumps(loaded).encode())


@store.command(short_help="Answer a SQL query.")
@_in_folder
@click.option("--json", "as_json", is_flag=True, help="Print JSON, integers beyond 2**53 as strings.")
@click.option("--limit", type=click.IntRange(1, 10_000_000), default=1_000, show_default=True, help="Rows at most.")
@click.option("--timeout", type=click.FloatRange(0), default=60, show_default=True, help="Seconds it may take.")
@click.argument("query")
def sql(*, query: str, folder: str | None, as_json: bool, limit: int, timeout: float) -> None:
    """Answer a SQL query that only reads. The tables are mbo_messages, instruments and tapes.

    [dim]booktape store sql "SELECT action, count(*) FROM mbo_messages GROUP BY action"[/]
    """
    with _open(folder) as opened:
        answer = opened.sql(query, limit=limit, timeout=timeout)
    if as_json:
        rows = [[_shown(value) for value in row] for row in answer.rows]
        write_json(json.dumps({"columns": answer.columns, "rows": rows, "more": answer.more}).encode())
        return
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for number, name in enumerate(answer.columns):
        texts = any(isinstance(row[number], str) for row in answer.rows)
        table.add_column(name, justify="left" if texts else "right")
    for row in answer.rows:
        table.add_row(*("" if value is None else str(_shown(value)) for value in row))
    answers().print(table)
    if answer.more:
        warn(f"there are more rows than {limit:,}; --limit shows more")


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


@store.command(short_help="What is in the store.")
@_in_folder
@click.option("--verify", is_flag=True, help="Read everything first, and see whether it fits together.")
@options.as_json
def info(*, folder: str | None, verify: bool, as_json: bool) -> None:
    """Show what the store holds, and how far each tape is in it."""
    with _open(folder) as opened:
        if verify:
            opened.verify()
        status, place = opened.status(), opened.folder
    if as_json:
        tapes = [tape._asdict() | {"rows": tape.rows} for tape in status.tapes]
        write_json(json.dumps(status._asdict() | {"folder": place, "tapes": tapes}).encode())
        return
    console = answers()
    rows = sum(tape.rows for tape in status.tapes)
    console.print(
        f"{place}: {rows:,} rows, {status.bytes:,} bytes, schema version {status.schema_version}", soft_wrap=True
    )
    for tape in status.tapes:
        console.print(f"{tape.id}  {tape.dataset}  {tape.rows:,} rows", soft_wrap=True)


@store.command(short_help="Remove a tape with its rows.")
@_in_folder
@click.argument("tape_id")
def remove(*, tape_id: str, folder: str | None) -> None:
    """Remove a tape and its rows. Uploads and live tapes are deleted; a file named by its path stays where it is."""
    with _open(folder) as opened:
        opened.remove(tape_id)


@store.command(short_help="Move a damaged database aside and begin anew.")
@_in_folder
def rebuild(*, folder: str | None) -> None:
    """Move the database aside if it is damaged, and begin an empty one, which `serve` or `load` fills again."""
    with _open(folder, rebuild=True) as opened:
        try:
            opened.verify()
        except booktape.StoreError:
            damaged = True
        else:
            damaged = False
        aside = opened.set_aside
    if damaged:  # it was found by reading it all, and is noted for the next opening
        with _open(folder, rebuild=True) as opened:
            aside = opened.set_aside
    answers().print(f"the damaged database is now {aside}" if aside else "nothing is damaged", soft_wrap=True)
