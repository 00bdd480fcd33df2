"""The rows that answer a query, as one DBN stream made piece by piece, and how many there are."""

from collections.abc import Callable, Iterator
from itertools import chain
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np
import zstandard
from databento_dbn import Metadata, Schema, SType
from numpy.typing import NDArray

from booktape.historical.query import Query
from booktape.historical.stretches import Stretch, clusters, interval, stretches
from booktape.layouts import Layout
from booktape.values import BESIDE

Look: TypeAlias = Callable[[int, int], object]
"""Called now and then while rows are made; what it raises ends the work."""
_VERSION = 3
_LONGEST_SYMBOL = 70
"""Characters that a symbol may have in DBN."""


def dbn(query: Query, *, compressed: bool, look: Look) -> Iterator[bytes]:
    """The stream: metadata as upstream would write it, then the rows in the order of time."""
    pieces = chain([_metadata(query)], rows(query, look))
    if not compressed:
        yield from pieces
        return
    packed = zstandard.ZstdCompressor(level=1).compressobj()
    for piece in pieces:
        yield packed.compress(piece)
    yield packed.flush()


def count(query: Query, look: Look) -> int:
    """How many rows there are: at once for records of every instrument, else by making them."""
    parts = stretches(query)
    if query.schema == "mbo" and all(part.instruments is None for part in parts):
        found = sum(stop - start for start, stop in (part.positions(query.schema) for part in parts))
    else:
        size = Layout.of(query.schema).size
        found = sum(len(block) // size for part in parts for block in _of_part(part, query, look))
    return found if query.limit is None else min(found, query.limit)


def size(query: Query, look: Look) -> int:
    """The bytes of those rows, as they are without compression."""
    return count(query, look) * Layout.of(query.schema).size


def rows(query: Query, look: Look) -> Iterator[bytes]:
    """The rows, some hundred KiB at a time, or none where much work brought none."""
    layout = Layout.of(query.schema)
    left = None if query.limit is None else query.limit * layout.size
    for together in clusters(stretches(query)):
        streams = [_of_part(part, query, look) for part in together]
        for block in streams[0] if len(streams) == 1 else _merged(streams, layout):
            if left is None:
                yield block
                continue
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return


def _of_part(part: Stretch, query: Query, look: Look) -> Iterator[bytes]:
    look(0, 0)
    is_exact = not interval(query.schema) and query.schema not in BESIDE
    layout = Layout.of(query.schema)
    span = part.span if query.schema in BESIDE else query.span
    for block in part.rows(query.schema, query.span.start):
        look(0, 0)
        if is_exact:
            yield block
            continue
        table = layout.table(block)
        times = layout.times(table)
        yield table[(times >= span.start) & (times < span.end)].tobytes()


def _merged(streams: list[Iterator[bytes]], layout: Layout) -> Iterator[bytes]:
    """Rows of several streams in the order of time; where that is the same, of the first stream first."""
    held = {number: table for number, stream in enumerate(streams) if (table := _next(stream, layout)) is not None}
    while held:
        # Up to the earliest end of what is held, nothing that comes later can lie before.
        wall = min(layout.times(table)[-1] for table in held.values())
        taken = []
        for number, table in list(held.items()):
            # Times that run backwards stay where they are in their stream.
            upto = int(np.searchsorted(np.maximum.accumulate(layout.times(table)), wall, side="right"))
            taken.append(table[:upto])
            held[number] = table[upto:]
            if upto == len(table):
                following = _next(streams[number], layout)
                if following is None:
                    del held[number]
                else:
                    held[number] = following
        rows = np.concatenate(taken)
        yield rows[np.argsort(layout.times(rows), kind="stable")].tobytes()


def _next(stream: Iterator[bytes], layout: Layout) -> NDArray[np.uint8] | None:
    return next((layout.table(block) for block in stream if block), None)


def _metadata(query: Query) -> bytes:
    resolution = query.resolution
    symbols = resolution.symbols
    # All symbols, and those of a parent, are told apart by their raw symbols.
    by_raw = symbols.are_all or symbols.stype_in == "parent"
    mappings: dict[str, list[SimpleNamespace]] = {}
    for name in resolution.mappings:
        for part, (start, end, becomes) in zip(resolution.mappings[name], resolution.intervals(name), strict=True):
            called = part.raw_symbol if by_raw else name
            if len(called) <= _LONGEST_SYMBOL:
                meant = SimpleNamespace(start_date=start, end_date=end, symbol=becomes)
                mappings.setdefault(called, []).append(meant)
    stype_in: SType = SType("raw_symbol" if by_raw else symbols.stype_in)
    metadata = Metadata(
        dataset=query.dataset.code,
        start=query.span.start,
        end=query.span.end,
        schema=Schema(query.schema),
        stype_in=stype_in,
        stype_out=SType(symbols.stype_out),
        symbols=list(mappings) if symbols.are_all else [name for name in symbols.names if len(name) <= _LONGEST_SYMBOL],
        partial=resolution.partial,
        not_found=[name for name in resolution.not_found if len(name) <= _LONGEST_SYMBOL],
        mappings=[SimpleNamespace(raw_symbol=name, intervals=parts) for name, parts in mappings.items()],
        limit=query.limit,
        version=_VERSION,
    )
    return metadata.encode()
