"""Several tapes of one dataset are one history: in the order of time, each record once."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from databento_dbn import Metadata, Schema, SType
from numpy.typing import NDArray

import booktape as bt
from booktape.settings import Settings
from tests.historical.gateway import gateway

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

DATASET = "GLBX.MDP3"


def part(tape: bt.Tape, wanted: NDArray[np.bool_], path: Path) -> bt.Tape:
    """Some records of a tape as a tape of its own."""
    path.write_bytes(tape._native.dbn_head + tape.to_numpy()[wanted].tobytes())
    return bt.open(path)


def test_parts_in_time_and_of_instruments_come_together(made: bt.Tape, tmp_path: Path) -> None:
    records = made.to_numpy()
    times, ids = records["ts_recv"], records["instrument_id"]
    first = next(iter(made.symbols))
    middle, end = times[20_000], times[45_000]
    before = part(made, times < middle, tmp_path / "before.dbn")
    of_one = part(made, (times >= middle) & (times < end) & (ids == first), tmp_path / "one.dbn")
    of_others = part(made, (times >= middle) & (times < end) & (ids != first), tmp_path / "others.dbn")
    after = part(made, times >= end, tmp_path / "after.dbn")
    day = str(np.datetime64(made.start_ns or 0, "ns").astype("M8[D]"))
    with gateway(after, of_others, before, of_one, settings=Settings(data_dir=tmp_path)) as running:
        client = running.client()
        found = client.timeseries.get_range(DATASET, day, schema="mbo").to_ndarray()
        assert len(found) == len(records) == client.metadata.get_record_count(DATASET, day, schema="mbo")
        assert (np.diff(found["ts_recv"].astype(np.int64)) >= 0).all()
        for instrument_id in made.symbols:  # between instruments, equal times may change places
            assert found[found["instrument_id"] == instrument_id].tobytes() == records[ids == instrument_id].tobytes()
        some = client.timeseries.get_range(DATASET, day, schema="mbo", limit=30_001).to_ndarray()
        assert some.tobytes() == found[:30_001].tobytes()


def test_what_two_tapes_have_comes_once(made: bt.Tape, tmp_path: Path) -> None:
    records = made.to_numpy()
    again = part(made, np.ones(len(records), np.bool_), tmp_path / "again.dbn")
    late = part(made, records["ts_recv"] >= records["ts_recv"][30_000], tmp_path / "late.dbn")
    day = str(np.datetime64(made.start_ns or 0, "ns").astype("M8[D]"))
    with gateway(late, made, again, settings=Settings(data_dir=tmp_path)) as running:
        found = running.client().timeseries.get_range(DATASET, day, schema="mbo").to_ndarray()
    assert found.tobytes() == records.tobytes()


def test_an_id_that_means_another_symbol_from_a_day_on(tmp_path: Path) -> None:
    """Each symbol has the records, and the bars, of its own days."""
    begin = int(np.datetime64("2026-01-05", "ns").astype(np.int64))
    records = bt.synthesize(messages=20_000, seed=3).to_numpy().copy()
    number = int(records["instrument_id"][0])
    middle = begin + 86_400 * 10**9
    for field in ("ts_event", "ts_recv"):
        records[field] += np.uint64(middle - int(records["ts_recv"][10_000]))
    days = [("OLD", "2026-01-05", "2026-01-06"), ("NEW", "2026-01-06", "2026-01-07")]
    mappings = [
        SimpleNamespace(
            raw_symbol=name,
            intervals=[
                SimpleNamespace(
                    start_date=date.fromisoformat(start), end_date=date.fromisoformat(end), symbol=str(number)
                )
            ],
        )
        for name, start, end in days
    ]
    head = Metadata(
        dataset=DATASET,
        start=begin,
        stype_in=SType.from_str("raw_symbol"),
        stype_out=SType.from_str("instrument_id"),
        schema=Schema.from_str("mbo"),
        symbols=[name for name, _, _ in days],
        mappings=mappings,
        version=3,
    )
    path = tmp_path / "two-days.dbn"
    path.write_bytes(head.encode() + records.tobytes())
    tape = bt.open(path)
    with gateway(tape, settings=Settings(data_dir=tmp_path)) as running:
        series = running.client().timeseries

        def got(symbols: str, schema: str) -> bytes:
            store = series.get_range(DATASET, "2026-01-05", "2026-01-07", symbols=symbols, schema=schema)
            return store.to_ndarray().tobytes()

        assert got("OLD", "mbo") == records[records["ts_recv"] < middle].tobytes()
        assert got("NEW", "mbo") == records[records["ts_recv"] >= middle].tobytes()
        for schema in ("mbo", "ohlcv-1s", "ohlcv-1d", "trades"):
            both = got("OLD,NEW", schema)
            assert both == got("OLD", schema) + got("NEW", schema)
            assert both == got("ALL_SYMBOLS", schema) == b"".join(tape.derive(schema)._rows.blocks())
