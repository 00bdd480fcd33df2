import math
from dataclasses import dataclass, field

import numpy as np
import pytest

import booktape as bt
from tests.conformance.records import Record
from tests.dbn_files import metadata

SECOND = 1_000_000_000
BEGAN = 1_700_000_000 * SECOND


@dataclass
class TestClock:
    """A clock that only sleeping moves."""

    __test__ = False
    time: float = 100.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


def tape_received_at(*seconds: float) -> bt.Tape:
    """A tape of adds that were received so many seconds after its first."""
    records = b"".join(
        Record("A", "B", number, 64, 1, 128, ts_recv=BEGAN + round(after * SECOND)).pack()
        for number, after in enumerate(seconds)
    )
    return bt.open(metadata() + records)


def test_records_come_when_they_are_due(clock: TestClock) -> None:
    tape = tape_received_at(0, 1, 1, 5)
    moments = [(clock.now() - 100, len(batch)) for batch in tape.replay(speed=1, clock=clock)]
    assert [count for _, count in moments] == [1, 2, 1]
    assert [moment for moment, _ in moments] == pytest.approx([0, 1, 5], abs=0.002)


def test_speed_divides_the_waits(clock: TestClock) -> None:
    list(tape_received_at(0, 10).replay(speed=10, clock=clock))
    assert sum(clock.slept) == pytest.approx(1, abs=0.002)


def test_batches_are_the_records_in_order(tape: bt.Tape, clock: TestClock) -> None:
    batches = list(tape.replay(speed=1_000, clock=clock))
    assert len(batches) > 1
    assert np.array_equal(np.concatenate(batches), tape.to_numpy())


def test_replayed_records_make_the_same_books(tape: bt.Tape, clock: TestClock) -> None:
    replayed, at_once = bt.Market(), bt.Market()
    for batch in tape.replay(speed=100, clock=clock):
        replayed.apply(batch)
    at_once.apply(tape.to_numpy())
    assert replayed.audit() == at_once.audit()


def test_without_a_speed_nothing_waits(tape: bt.Tape, clock: TestClock) -> None:
    assert sum(len(batch) for batch in tape.replay(speed=math.inf, clock=clock)) == len(tape)
    assert clock.slept == []


def test_a_slow_consumer_gets_what_became_due(clock: TestClock) -> None:
    batches = tape_received_at(0, 1, 2, 3, 9).replay(speed=1, clock=clock)
    next(batches)
    clock.time += 3.5
    assert len(next(batches)) == 3
    assert len(next(batches)) == 1


def test_a_replay_can_begin_anywhere(clock: TestClock) -> None:
    tape = tape_received_at(0, 100, 101, 103)
    assert [len(batch) for batch in tape.replay(start=2, clock=clock)] == [1, 1]
    assert sum(clock.slept) == pytest.approx(2, abs=0.002)
    by_time = tape.replay(start="2023-11-14T22:15:00Z", speed=math.inf)
    assert sum(len(batch) for batch in by_time) == 3


def test_long_gaps_can_be_shortened(clock: TestClock) -> None:
    list(tape_received_at(0, 1, 3_601, 3_602).replay(longest_wait=2, clock=clock))
    assert sum(clock.slept) == pytest.approx(1 + 2 + 1, abs=0.01)


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_a_speed_is_above_nothing(tape: bt.Tape, speed: float) -> None:
    with pytest.raises(bt.ParameterError, match="speed = "):
        tape.replay(speed=speed)


def test_a_start_outside_the_tape_is_refused(tape: bt.Tape) -> None:
    with pytest.raises(bt.ParameterError, match="records 0 to 4,999"):
        tape.replay(start=5_000)
