"""A depth stream shows the book as it was, at most so often, and nothing that did not change."""

import json
from typing import Any

import msgspec
import pytest

import booktape as bt
from booktape.service.streams.lead import LONGEST_WAIT_SECONDS, UNPACED_STEP
from booktape.service.streams.schemas import DepthFrame
from booktape.settings import Settings
from tests.service.running import Event, Running, VirtualClock, ends_well, events, serving


def levels(book: bt.Book, side: str, depth: int, view: Any) -> list[list[Any]]:
    found = book.bids(depth, view=view) if side == "bids" else book.asks(depth, view=view)
    return [[str(level.price), level.size, level.count] for level in found]


def frames(body: bytes) -> list[Event]:
    return [event for event in events(body) if event.name == "message"]


@pytest.mark.parametrize("view", ["matched", "published"])
def test_every_frame_is_the_book_at_its_index(running: Running, tape: bt.Tape, view: str) -> None:
    body = running.stream(f"/api/v1/tapes/{tape.id}/depth", speed="max", view=view, levels=5)
    assert ends_well(body)
    seen = frames(body)
    assert seen[0].id == 0
    assert seen[-1].id == len(tape)
    for event in seen:
        frame = event.data
        assert (frame["index"], frame["total"], frame["view"]) == (event.id, len(tape), view)
        if event.id:
            book = tape.book_at(event.id - 1)
            assert frame["bids"] == levels(book, "bids", 5, view)
            assert frame["asks"] == levels(book, "asks", 5, view)
            assert frame["ts_recv"] == str(tape.to_numpy()["ts_recv"][event.id - 1])


def test_without_a_clock_a_frame_comes_every_so_many_records(running: Running, tape: bt.Tape) -> None:
    seen = frames(running.stream(f"/api/v1/tapes/{tape.id}/depth", speed="max"))
    ids = [event.id for event in seen if event.id is not None]
    assert len(ids) >= len(tape) / UNPACED_STEP
    assert ids == sorted(set(ids))


def test_frames_are_what_the_schema_says(running: Running, tape: bt.Tape) -> None:
    body = running.stream(f"/api/v1/tapes/{tape.id}/depth", speed="max", trades=True)
    for event in frames(body):
        read = msgspec.json.decode(json.dumps(event.data), type=DepthFrame)
        assert json.loads(msgspec.json.encode(read)) == event.data


def test_trades_since_the_last_frame_are_all_there(running: Running, tape: bt.Tape) -> None:
    records = tape.to_numpy()
    path = f"/api/v1/tapes/{tape.id}/depth"
    for start in (0, 2_345):
        seen = frames(running.stream(path, speed="max", trades=True, start=start))
        trades = [trade for event in seen for trade in event.data["trades"]]
        wanted = records[start:][records["action"][start:] == b"T"]
        assert [(int(price), size) for price, size, _, _ in trades] == list(
            zip(wanted["price"].tolist(), wanted["size"].tolist(), strict=True)
        )
        assert seen[-1].data["volume"] == int(records["size"][records["action"] == b"T"].sum())
    assert "trades" not in frames(running.stream(path, speed="max"))[0].data


def test_a_clock_shows_at_most_hz_frames_a_second(tape: bt.Tape) -> None:
    clock = VirtualClock()
    with serving(tape, clock=clock) as running:
        path = f"/api/v1/tapes/{tape.id}/depth"
        often = frames(running.stream(path, speed=1, hz=20))
        seconds = clock.seconds
        rarely = frames(running.stream(path, speed=1, hz=1))
    assert len(often) <= seconds * 20 + 2
    assert len(rarely) < len(often)
    assert often[-1].data["bids"] == rarely[-1].data["bids"]


def test_it_takes_the_tapes_time_divided_by_speed_but_no_long_silence(tape: bt.Tape) -> None:
    assert tape.start_ns is not None
    assert tape.end_ns is not None
    span = (tape.end_ns - tape.start_ns) / 1e9
    clock = VirtualClock()
    with serving(tape, clock=clock) as running:
        path = f"/api/v1/tapes/{tape.id}/depth"
        running.stream(path, speed=4, hz=60)
        normal, clock.seconds = clock.seconds, 0.0
        running.stream(path, speed=0.01, hz=60)
    assert normal <= span / 4 + 1
    assert clock.seconds <= span * 100 + 1
    assert clock.seconds <= len(tape) * LONGEST_WAIT_SECONDS


def test_resuming_goes_on_from_there(running: Running, tape: bt.Tape) -> None:
    path = f"/api/v1/tapes/{tape.id}/depth"
    resumed = frames(running.stream(path, speed="max", last_event_id=3210))
    assert resumed[0].id == 3_210
    assert resumed[0].data["bids"] == levels(tape.book_at(3_209), "bids", 10, "matched")
    assert frames(running.stream(path, speed="max", start=3_210)) == resumed


def test_at_the_end_there_is_one_frame_and_the_end(running: Running, tape: bt.Tape) -> None:
    body = running.stream(f"/api/v1/tapes/{tape.id}/depth", start=len(tape))
    assert [event.id for event in events(body)] == [len(tape)]
    assert ends_well(body)


def test_each_instrument_has_its_own_screen(running: Running, two_instruments: bt.Tape) -> None:
    for instrument_id, symbol in two_instruments.symbols.items():
        body = running.stream(f"/api/v1/tapes/{two_instruments.id}/depth", instrument=symbol, speed="max")
        last = frames(body)[-1].data
        assert last["instrument_id"] == instrument_id
        book = two_instruments.book_at(len(two_instruments) - 1, instrument_id)
        assert last["asks"] == levels(book, "asks", 10, "matched")


def test_a_quiet_screen_is_seen_to_be_alive(two_instruments: bt.Tape) -> None:
    quiet = min(two_instruments.instruments, key=lambda instrument: instrument.records).instrument_id
    settings = Settings(heartbeat_seconds=0.05)
    with serving(two_instruments, settings=settings, clock=VirtualClock()) as running:
        path = f"/api/v1/tapes/{two_instruments.id}/depth"
        body = running.stream(path, instrument=quiet, speed=0.05, hz=60)
    assert b": heartbeat\n\n" in body
    assert ends_well(body)
