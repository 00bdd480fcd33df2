"""Where output goes: answers on standard output, progress and warnings on standard error; plain when piped."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import rich_click as click
from rich.console import Console

from booktape.cli.exits import complain
from booktape.parameters import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

    from booktape.tape import Progress

_PLAIN_WIDTH = 200
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


# What would move the cursor, set colours or ring: names come from files, and files from anybody.
_CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})


class _Console(Console):
    """Shows text as it is: names of symbols and files may look like markup, or hold what a terminal obeys."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            if segment.is_control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=segment.text.translate(_CONTROLS))

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def answers() -> Console:
    """Standard output. Wide where it is no terminal, so that nothing is cut or wrapped for `grep`."""
    return _Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def questions() -> Console:
    """Standard error, for what is no answer."""
    return _Console(stderr=True)


def write_json(data: bytes) -> None:
    """One JSON document, on a line of its own."""
    sys.stdout.buffer.write(data.rstrip(b"\n") + b"\n")
    sys.stdout.buffer.flush()


def warn(line: str) -> None:
    """One line on standard error that is no failure."""
    complain(f"warning: {line}")


@contextmanager
def progress(title: str, *, unit: str = "records") -> Iterator[Progress | None]:
    """A bar on standard error while the work takes long; nothing where that is no terminal.

    Gives what the library calls with the work done and the whole.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    amount = DownloadColumn(binary_units=True) if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), amount, TimeRemainingColumn())
    with Progress(*columns, console=questions(), transient=True) as bars:
        task = bars.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total or None)

        yield advance


class ByteSize(click.ParamType[int]):
    """A number of bytes, as 8GiB, 500M or 1048576."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes from text; defaults come as they are."""
        text = str(value).strip().upper().removesuffix("B").removesuffix("I")
        unit = text[-1:] if text[-1:] in _UNITS else ""
        digits = text.removesuffix(unit).strip()
        if not digits.isdigit() or not int(digits):
            self.fail(str(bad_parameter("size", value, "bytes, such as 8GiB, 500M or 1048576")), param, ctx)
        return int(digits) * _UNITS[unit]
