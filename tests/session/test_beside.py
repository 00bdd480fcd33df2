"""What stands beside the records: those of other types as Databento's decoder upgrades them, and what ids mean."""

from pathlib import Path
from typing import Any

import pytest
from databento_dbn import DBNDecoder, SType, SymbolMappingMsg

import booktape as bt
from booktape import _native
from tests.dbn_files import metadata
from tests.session.mixed import BESIDE, aside, upgraded
from tests.session.reading import native, records_of, session, taken, whole


@pytest.mark.parametrize("in_memory", [True, False])
def test_records_beside_come_in_their_places_and_in_version_3(
    mixed_file: tuple[bytes, bytes], tmp_path: Path, in_memory: bool
) -> None:
    data, expected = mixed_file
    (path := tmp_path / "mixed.dbn").write_bytes(data)
    tape = native(bt.open(path, max_in_memory=2**30 if in_memory else 0, data_dir=tmp_path))
    assert whole(tape, "mbo", *BESIDE) == expected
    for kind, (rtype, _, _) in BESIDE.items():
        only = b"".join(record for record in records_of(expected) if record[1] == rtype)
        assert whole(tape, kind) == only
        frames = session(tape, kind, ids=[2])
        mine = (record for record in records_of(only) if int.from_bytes(record[4:8], "little") == 2)
        assert taken(frames, tape, 0, len(tape)) == b"".join(mine)
    for start in (1, 999, 1_000, 1_001, 1_024, 2_048, len(tape)):
        frames = _native.SessionFrames()
        frames.subscribe(tape, "status", None, position=start)
        later = [record for record in records_of(expected) if record[1] == 0x12]
        later = [record for record in later if int.from_bytes(record[8:16], "little") >= start]
        assert taken(frames, tape, start, len(tape)) == b"".join(later)


def test_a_record_beside_of_another_length_is_left_out() -> None:
    odd = bytes([4, 0x13]) + bytes(14)
    tape = native(bt.open(metadata() + odd + bt.synthesize(messages=10, seed=1).to_numpy().tobytes()))
    assert len(whole(tape, "mbo", "definition")) == 10 * 56


@pytest.mark.parametrize("version", [1, 3])
def test_of_records_that_carry_ts_out_only_ours_goes_on(version: int) -> None:
    head = bytearray(metadata(version))
    head[ts_out_at(version)] = 1
    definition = aside("definition", version, 1, 0, 1)
    record = bt.synthesize(messages=1, seed=1).to_numpy().tobytes()

    def with_ts_out(record: bytes) -> bytes:
        return bytes([record[0] + 2]) + record[1:] + (99).to_bytes(8, "little")

    tape = native(bt.open(bytes(head) + with_ts_out(definition) + with_ts_out(record)))
    expected = upgraded(definition, version) + record
    assert whole(tape, "mbo", "definition") == expected
    frames = session(tape, "mbo", "definition", ts_out=True)
    stamped = [bytes([one[0] + 2]) + one[1:] + (5).to_bytes(8, "little") for one in records_of(expected)]
    assert taken(frames, tape, 0, 1, ts_out=5) == b"".join(stamped)


def ts_out_at(version: int) -> int:
    """Where the metadata say that records carry ts_out: behind dataset, schema, start, end, limit and symbol types."""
    return 8 + 16 + 2 + 8 + 8 + 8 + (8 if version == 1 else 0) + 2


def mapping(symbol: str, instrument_id: int = 1) -> bytes:
    raw = SType.from_str("raw_symbol")
    return bytes(SymbolMappingMsg(0, instrument_id, 5, raw, symbol, raw, symbol, 0, 2**64 - 1))


def test_a_client_is_told_where_an_id_means_another_symbol() -> None:
    flow = bt.synthesize(messages=300, seed=1).to_numpy().copy()
    flow["instrument_id"] = 1
    parts = [metadata(), mapping("CLX5"), flow[:100].tobytes(), mapping("CLX5"), flow[100:200].tobytes()]
    tape = native(bt.open(b"".join([*parts, mapping("CLZ5"), flow[200:].tobytes()])))
    assert [name[1] for name in tape.names()] == ["CLX5", "CLZ5"]
    *before, told, after = split_at_mappings(whole(tape, "mbo"))
    assert before == [flow[:200].tobytes()]
    assert (told.instrument_id, told.stype_out_symbol, told.stype_in_symbol) == (1, "CLZ5", "CLZ5")
    assert told.ts_event == told.start_ts == int(flow["ts_recv"][200])
    assert after == flow[200:].tobytes()
    assert whole(tape, "mbo", ids=[2]) == b""

    frames = session(tape, "mbo")
    taken(frames, tape, 0, 300)
    frames.restart(tape, 150)
    [told, records] = split_at_mappings(taken(frames, tape, 150, 200))
    assert told.stype_out_symbol == "CLX5"
    assert records == flow[150:200].tobytes()

    frames = _native.SessionFrames()
    frames.subscribe(tape, "mbo", None, position=200)
    assert taken(frames, tape, 200, 300) == flow[200:].tobytes()


def split_at_mappings(data: bytes) -> list[Any]:
    found: list[Any] = []
    for record in records_of(data):
        if record[1] == 0x16:
            found.extend(DBNDecoder(has_metadata=False, input_version=3).write_and_decode(record))
        elif found and isinstance(found[-1], bytes):
            found[-1] += record
        else:
            found.append(record)
    return found
