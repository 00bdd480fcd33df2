"""Whatever the records, booktape and the oracle agree."""

from itertools import pairwise

import pytest
import zstandard
from databento_dbn import Metadata, Schema, SType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import booktape as bt
from tests.conformance.agreement import Trial
from tests.conformance.oracle import OracleMarket
from tests.conformance.records import Record, pack
from tests.conformance.strategies import MOVES_OF_AUCTIONS, MOVES_OF_ORDERS, streams

# An example spells out and compares hundreds of whole books: no deadline fits them all.
conformance = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@conformance
@given(streams())
def test_every_record_does_the_same(stream: list[Record]) -> None:
    trial = Trial()
    for record in stream:
        trial.apply_record(record)
    trial.compare()


@conformance
@given(streams(MOVES_OF_ORDERS))
def test_orderly_flow_does_the_same(stream: list[Record]) -> None:
    """Nothing wipes these books, so queues grow long and icebergs go round."""
    trial = Trial()
    for record in stream:
        trial.apply_record(record)
    trial.compare()


@conformance
@given(streams(MOVES_OF_AUCTIONS, gaps=(0,)))
def test_auctions_do_the_same(stream: list[Record]) -> None:
    trial = Trial()
    for record in stream:
        trial.apply_for_effect(record)
        trial.compare_touch(record)
    trial.compare()


@conformance
@given(streams(), st.lists(st.integers(0, 300), max_size=4))
def test_blocks_do_what_their_records_do(stream: list[Record], cuts: list[int]) -> None:
    trial = Trial()
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, stop in pairwise(bounds):
        trial.apply(stream[start:stop])


@conformance
@given(streams(), st.sampled_from([1, 2, 3]), st.booleans(), st.data())
def test_a_tape_does_what_its_records_do(
    stream: list[Record], version: int, compressed: bool, data: st.DataObject
) -> None:
    tape = bt.open(dbn_file(stream, version, compressed))
    assert tape.to_numpy().tobytes() == pack(stream)
    trial = Trial()
    trial.oracle.apply(stream)
    assert trial.market.apply(tape).records == len(stream)
    trial.compare()
    assert tape.audit()["anomalies"] == trial.market.audit()["anomalies"]
    if stream:
        index = data.draw(st.integers(0, len(stream) - 1), label="index")
        then = Trial()
        then.oracle.apply(stream[: index + 1])
        then.market = tape.market_at(index)
        then.compare()


@conformance
@given(streams())
def test_a_strict_market_stops_at_the_first_anomaly(stream: list[Record]) -> None:
    oracle, first = OracleMarket(), None
    for index, record in enumerate(stream):
        oracle.apply_record(record)
        if oracle.anomalies():
            first = index
            break
    market = bt.Market(strict=True)
    if first is None:
        assert market.apply(pack(stream)).records == len(stream)
    else:
        with pytest.raises(bt.AnomalyError, match=rf"\brecord {first}\b"):
            market.apply(pack(stream))


def dbn_file(stream: list[Record], version: int, compressed: bool) -> bytes:
    metadata = Metadata(
        dataset="GLBX.MDP3",
        start=0,
        stype_in=SType("raw_symbol"),
        stype_out=SType("instrument_id"),
        schema=Schema("mbo"),
        version=version,
    )
    plain = bytes(metadata) + pack(stream)
    return zstandard.compress(plain) if compressed else plain
