"""Several tapes of one dataset are one history: in the order of time, each record once."""

from pathlib import Path

import numpy as np
import pytest
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
