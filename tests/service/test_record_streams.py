"""Record streams are lossless from any point, in every format."""

import io
import json
from typing import Any

import databento
import msgspec
import numpy as np
import pytest

import booktape as bt
from booktape.service.streams.schemas import COMPACT_FIELDS, CompactRecord, FullEvent
from tests.service.running import Running, VirtualClock, cuts, ends_well, events, serving

POSITIONS = [1, 63, 64, 65, 255, 256, 1_000, 1_024, 3_333, 4_095, 4_096, 4_097]


@pytest.fixture(scope="session")
def full(tape: bt.Tape) -> list[dict[str, object]]:
    """What a full stream must say, from the library's own market."""
    market = bt.Market()
    return [_full(record, market.apply_record(record.tobytes())) for record in tape.to_numpy()]


def _full(record: np.void, effect: object) -> dict[str, object]:
    header = {name: int(record[name]) for name in ("length", "rtype", "publisher_id", "instrument_id", "ts_event")}
    fields = ("order_id", "price", "size", "flags", "channel_id")
    message: dict[str, object] = {"hd": header} | {name: int(record[name]) for name in fields}
    message |= {name: ord(record[name]) for name in ("action", "side")}
    message |= {name: int(record[name]) for name in ("ts_recv", "ts_in_delta", "sequence")}
    return {"mbo_msg": message, "market_effect": effect}


def test_the_first_tape_comes_one_record_an_event(running: Running, full: list[dict[str, object]]) -> None:
    body = running.stream("/api/mbo/stream/json/0")
    assert ends_well(body)
    seen = events(body)
    assert [event.data for event in seen] == full
    assert [event.id for event in seen] == list(range(1, len(full) + 1))


def test_a_full_stream_is_the_same(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    assert running.stream(path, format="full") == running.stream("/api/mbo/stream/json/0")


def test_a_json_stream_has_every_record_in_the_documented_order(running: Running, tape: bt.Tape) -> None:
    body = running.stream(f"/api/v1/tapes/{tape.id}/stream")
    assert ends_well(body)
    seen = events(body)
    rows = [row for event in seen for row in event.data]
    records = tape.to_numpy()
    assert [row[0] for row in rows] == list(range(len(tape)))
    for field, column in zip(COMPACT_FIELDS[1:], list(zip(*rows, strict=True))[1:], strict=True):
        wanted = records[field]
        if wanted.dtype.kind == "S":
            assert [value.encode() for value in column] == wanted.tolist()
        else:
            assert [int(value) for value in column] == wanted.tolist()
    assert [event.id for event in seen] == [event.data[-1][0] + 1 for event in seen]


def test_a_dbn_stream_is_what_databentos_decoder_reads(running: Running, tape: bt.Tape) -> None:
    body = running.stream(f"/api/v1/tapes/{tape.id}/stream", format="dbn")
    decoded = databento.DBNStore.from_bytes(io.BytesIO(body)).to_ndarray(schema="mbo")
    assert decoded.tobytes() == tape.to_numpy().tobytes()


def test_resuming_a_full_stream_anywhere_gives_exactly_the_rest(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    whole = running.stream(path, format="full")
    for position in cuts(len(tape), POSITIONS):
        rest = running.stream(path, format="full", start=position)
        assert rest == running.stream(path, format="full", last_event_id=position)
        assert whole.endswith(rest)
        assert rest.count(b"\ndata: ") == len(tape) - position


def test_resuming_a_json_stream_anywhere_gives_exactly_the_rest(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    whole = _rows(running.stream(path))
    for position in cuts(len(tape), POSITIONS):
        rest = running.stream(path, start=position)
        assert rest == running.stream(path, last_event_id=position)
        assert _rows(rest) == whole[position:]
        assert ends_well(rest)


def test_the_header_wins_over_from(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    resumed = running.stream(path, format="full", last_event_id=4990, start=10)
    assert [event.id for event in events(resumed)] == list(range(4_991, 5_001))


def test_the_delayed_route_resumes_too(running: Running) -> None:
    for delay in (0, 1):
        body = running.stream(f"/api/mbo/stream/json/{delay}", last_event_id=4995)
        assert [event.id for event in events(body)] == list(range(4_996, 5_001))


def test_a_stream_from_a_time_begins_with_the_first_record_at_or_after_it(running: Running, tape: bt.Tape) -> None:
    times = tape.to_numpy()["ts_recv"]
    ts = int(times[4_000])
    body = running.stream(f"/api/v1/tapes/{tape.id}/stream", format="full", start=f"ns:{ts}")
    first = events(body)[0]
    assert first.id == int(np.searchsorted(times, ts, side="left")) + 1


def test_a_filter_lets_only_its_instrument_pass(running: Running, two_instruments: bt.Tape) -> None:
    path = f"/api/v1/tapes/{two_instruments.id}/stream"
    records = two_instruments.to_numpy()
    for instrument_id, symbol in two_instruments.symbols.items():
        wanted = np.flatnonzero(records["instrument_id"] == instrument_id)
        rows = [row for event in events(running.stream(path, instrument=symbol)) for row in event.data]
        assert [row[0] for row in rows] == wanted.tolist()
        full = events(running.stream(path, instrument=instrument_id, format="full"))
        assert [event.id for event in full] == (wanted + 1).tolist()


@pytest.mark.parametrize("speed", ["max", "1000"])
def test_a_dbn_client_resumes_with_the_records_it_has(two_instruments: bt.Tape, speed: str) -> None:
    instrument_id = min(two_instruments.symbols)
    parameters: dict[str, Any] = {"format": "dbn", "start": 1_234, "instrument": instrument_id, "speed": speed}
    records = two_instruments.to_numpy()[1_234:]
    wanted = records[records["instrument_id"] == instrument_id].tobytes()
    with serving(two_instruments, clock=VirtualClock()) as running:
        path = f"/api/v1/tapes/{two_instruments.id}/stream"
        whole = running.stream(path, **parameters)
        assert whole.endswith(wanted)
        head = whole.removesuffix(wanted)
        for skip in (1, 2, 100, len(wanted) // 56 - 1, len(wanted) // 56, len(wanted)):
            assert running.stream(path, **parameters, skip=skip) == head + wanted[skip * 56 :]


@pytest.mark.parametrize("form", ["full", "json", "dbn"])
def test_a_paced_stream_says_the_same_as_one_at_full_speed(tape: bt.Tape, form: str) -> None:
    with serving(tape, clock=VirtualClock()) as running:
        path = f"/api/v1/tapes/{tape.id}/stream"
        for position in (0, 4_321):
            paced = running.stream(path, format=form, start=position, speed=10)
            unpaced = running.stream(path, format=form, start=position)
            if form == "json":  # cut into events where records were due
                assert _rows(paced) == _rows(unpaced)
            else:
                assert paced == unpaced


def _rows(body: bytes) -> list[object]:
    return [row for event in events(body) for row in event.data]


def test_a_paced_stream_takes_the_tapes_time_divided_by_speed(tape: bt.Tape) -> None:
    clock = VirtualClock()
    assert tape.start_ns is not None
    assert tape.end_ns is not None
    with serving(tape, clock=clock) as running:
        running.stream(f"/api/v1/tapes/{tape.id}/stream", speed=4)
    assert clock.seconds == pytest.approx((tape.end_ns - tape.start_ns) / 4e9, rel=1e-3, abs=1e-3)


def test_delays_add_up_and_long_ones_are_not_silent(tape: bt.Tape) -> None:
    clock = VirtualClock()
    with serving(tape, clock=clock) as running:
        body = running.stream("/api/mbo/stream/json/20000", last_event_id=4997)
    assert [event.id for event in events(body)] == [4_998, 4_999, 5_000]
    assert clock.seconds == pytest.approx(40)
    assert body.count(b": heartbeat\n\n") == 2


def test_what_events_say_is_what_the_schema_says(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/stream"
    for event in events(running.stream(path, format="full")):
        read = msgspec.json.decode(json.dumps(event.data), type=FullEvent)
        assert json.loads(msgspec.json.encode(read)) == event.data
    for event in events(running.stream(path)):
        msgspec.json.decode(json.dumps(event.data), type=list[CompactRecord])
