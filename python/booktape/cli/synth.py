"""`booktape synth`: a realistic tape as a DBN file."""

from __future__ import annotations

from typing import get_args

import rich_click as click

import booktape
from booktape.cli.screen import answers, progress
from booktape.values import Anomaly


class _Planted(click.ParamType[tuple[str, int]]):
    name = "kind=count"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        kind, _, count = str(value).partition("=")
        if kind not in get_args(Anomaly) or not count.isdigit():
            self.fail(f"{value!r} is not KIND=COUNT with one of the kinds {', '.join(get_args(Anomaly))}", param, ctx)
        return kind, int(count)


@click.command(short_help="Make a realistic tape, as a DBN file.")
@click.argument("output", type=click.Path(path_type=str), metavar="OUTPUT")
@click.option("--messages", "-n", type=click.IntRange(0), default=1_000_000, show_default=True, help="Records.")
@click.option("--instruments", type=click.IntRange(1), default=4, show_default=True, help="Instruments.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--anomaly", "anomalies", type=_Planted(), multiple=True, help="Plant anomalies, as unknown_cancel=5.")
def synth(*, output: str, messages: int, instruments: int, seed: int, anomalies: tuple[tuple[str, int], ...]) -> None:
    """Write realistic futures flow to a DBN file; zstd-compressed where OUTPUT ends in .zst.

    A snapshot, an opening auction that crosses and uncrosses, then continuous trading in bursts.
    """
    planted = dict(anomalies)
    with progress(f"making {messages:,} records") as on_progress:
        tape = booktape.synthesize(
            messages=messages, instruments=instruments, seed=seed, anomalies=planted, progress=on_progress
        )
    with progress(f"writing {output}") as on_progress:
        tape.to_dbn(output, progress=on_progress)
    answers().print(f"{output}: {len(tape):,} records of {len(tape.instruments):,} instruments, seed {seed}")
