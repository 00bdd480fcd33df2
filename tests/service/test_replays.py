"""A replay goes by its clock, and every control does what it says; nothing here waits for real time."""

from pathlib import Path

import pytest
from anyio import CapacityLimiter

import booktape as bt
from booktape.service.deck import LoadedTape
from booktape.service.replays.replay import LAP_PAUSE, UNPACED_STEP, Replay
from booktape.service.streams.signal import Pulse
from tests.service.running import VirtualClock


class Deck:
    """A replay of a tape, its clock, and somebody who watches it."""

    def __init__(self, tape: bt.Tape, *, watched: bool = True, reads: bool = False, **options: object) -> None:
        self.clock = VirtualClock()
        self.tape = LoadedTape(tape, Pulse(), CapacityLimiter(1), None)
        self.replay = Replay("replay-1", self.tape, self.clock, Pulse().signal(), **options)  # type: ignore[arg-type]
        self.watching = self.replay.watched(reads=reads)
        if watched:
            self.watching.__enter__()

    def let(self, seconds: float) -> int:
        """Lets time pass, turn by turn; where the replay is then."""
        until = self.clock.seconds + seconds
        while (wait := self.replay.turn()) is not None and self.clock.seconds + wait <= until:
            self.clock.seconds += wait
        self.clock.seconds = until
        self.replay.turn()
        return self.replay.limit


def due(tape: bt.Tape, seconds: float) -> int:
    """Records of a tape's first seconds."""
    assert tape.start_ns is not None
    return tape._native.due(0, tape.start_ns + round(seconds * 1e9))


@pytest.mark.parametrize("speed", [0.1, 1.0, 7.5, 100.0])
def test_it_is_where_its_clock_says(tape: bt.Tape, speed: float) -> None:
    deck = Deck(tape, speed=speed)
    for seconds in (0.5, 1.0, 1.75):
        deck.let(seconds / speed - deck.clock.seconds)
        assert deck.replay.limit == due(tape, seconds)


def test_a_pause_is_no_time_on_the_tape(tape: bt.Tape) -> None:
    deck = Deck(tape)
    deck.let(1.0)
    deck.replay.pause()
    assert deck.let(1_000) == due(tape, 1.0)
    deck.replay.play()
    position = deck.let(0)
    assert tape.to_numpy()["ts_recv"][position - 1] == tape.to_numpy()["ts_recv"][due(tape, 1.0)]
    assert deck.let(0.5) > position


def test_a_change_of_speed_goes_on_from_where_it_is(tape: bt.Tape) -> None:
    deck = Deck(tape)
    here = deck.let(1.0)
    deck.replay.set(speed=4.0)
    deck.let(0)
    times = tape.to_numpy()["ts_recv"]
    origin = int(times[here])
    assert deck.let(0.5) == tape._native.due(0, origin + 2_000_000_000)


def test_a_long_silence_is_left_out(tape: bt.Tape) -> None:
    slow = Deck(tape, speed=0.01, longest_wait=0.25)
    assert slow.let(0.25 * len(tape)) == len(tape)


def test_a_seek_begins_an_epoch_there(tape: bt.Tape) -> None:
    deck = Deck(tape)
    deck.let(0.5)
    epoch = deck.replay.epoch
    deck.replay.seek(4_000)
    assert deck.replay.epoch > epoch
    assert deck.replay.entry == (4_000, "seek")
    assert deck.replay.limit == 4_000
    assert deck.replay.finish(epoch) == 0
    assert deck.let(0.1) > 4_000


def test_at_the_end_it_stops_or_begins_another_lap(tape: bt.Tape) -> None:
    once = Deck(tape, speed=1_000.0)
    assert once.let(60) == len(tape)
    assert not once.replay.playing
    once.replay.play()
    assert once.replay.entry == (0, "loop")
    looping = Deck(tape, speed=1_000.0, loop=True)
    epoch = looping.replay.epoch
    assert looping.let(LAP_PAUSE / 2) == len(tape)
    assert looping.replay.epoch == epoch
    looping.let(LAP_PAUSE)
    assert looping.replay.epoch > epoch
    assert looping.replay.finish(epoch) == len(tape)
    assert looping.replay.playing


def test_nobody_watching_pauses_it_or_not(tape: bt.Tape) -> None:
    pausing, running = Deck(tape), Deck(tape, when_unwatched="run")
    for deck in (pausing, running):
        deck.let(1.0)
        deck.watching.__exit__(None, None, None)
        deck.let(1.0)
    assert pausing.replay.limit == due(tape, 1.0)
    assert pausing.replay.playing
    assert running.replay.limit == due(tape, 2.0)
    with pausing.replay.watched(reads=False):
        assert pausing.let(0.25) > due(tape, 1.0)


def test_a_step_to_a_trade_stops_where_screens_show_it(tape: bt.Tape) -> None:
    records = tape.to_numpy()
    trades, ends = records["action"] == b"T", (records["flags"] & 128) != 0
    places = sorted({int(at + ends[at:].argmax()) + 1 for at in trades.nonzero()[0]})
    deck = Deck(tape, playing=False)
    seen = []
    while deck.replay.limit < len(tape):
        deck.replay.step("trade", 1)
        seen.append(deck.replay.limit)
    assert [place for place in seen if place < len(tape)] == [place for place in places if place < len(tape)]
    back = []
    while deck.replay.limit:
        deck.replay.step("trade", -1)
        back.append(deck.replay.limit)
    assert [place for place in back if place] == [place for place in reversed(places) if place < len(tape)]


@pytest.mark.parametrize("by", ["record", "event"])
def test_steps_pause_and_forward_steps_are_played(tape: bt.Tape, by: str) -> None:
    deck = Deck(tape)
    deck.let(1.0)
    here, epoch = deck.replay.limit, deck.replay.epoch
    deck.replay.step(by, 1)  # type: ignore[arg-type]
    assert not deck.replay.playing
    assert deck.replay.epoch == epoch
    assert deck.replay.limit == tape._native.step(here, by, 1)
    there = deck.replay.limit
    deck.replay.step(by, -1)  # type: ignore[arg-type]
    assert deck.replay.epoch > epoch
    assert deck.replay.limit == tape._native.step(there, by, -1) < there
    assert deck.let(100) == deck.replay.limit


async def test_without_a_clock_it_goes_as_fast_as_the_fastest_reader(tape: bt.Tape) -> None:
    deck = Deck(tape, speed=None, reads=True)
    deck.replay.turn()
    assert deck.replay.limit == UNPACED_STEP
    assert deck.replay.turn() is None
    assert deck.replay.limit == UNPACED_STEP
    await deck.replay.more(0)
    assert deck.replay.turn() is None, "a reader that is behind does not take it further"


def test_without_a_clock_and_readers_it_goes_at_a_steady_rate(tape: bt.Tape) -> None:
    deck = Deck(tape, speed=None)
    assert deck.let(1.0) == len(tape)


def test_on_a_tape_that_grows_it_follows_the_end(tape: bt.Tape, tape_file: Path) -> None:
    data, size = tape_file.read_bytes(), tape.to_numpy().nbytes

    def first(records: int) -> bt.Tape:
        return bt.open(data[: len(data) - size + 56 * records])

    deck = Deck(first(3_000), speed=1_000.0)
    deck.tape.grow(first(3_001), complete=False)
    assert deck.let(60) == 3_001
    assert deck.replay.at_head
    deck.tape.grow(first(4_000), complete=False)
    assert deck.let(0) == 4_000, "at once, whatever the times of the records"
    deck.replay.seek(100)
    assert deck.let(0) < 4_000
    deck.replay.seek(4_000)
    deck.let(0)
    deck.tape.grow(first(5_000), complete=True)
    assert deck.let(0) == 5_000
    deck.let(0)
    assert not deck.replay.describe().at_head
    assert not deck.replay.describe().playing
