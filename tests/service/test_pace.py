"""Tape time follows the clock."""

import math

import pytest

from booktape.service.streams.pace import NS, Pace
from tests.service.running import VirtualClock


class Times:
    """A timeline of records at given seconds."""

    def __init__(self, *seconds: float) -> None:
        self.ts = [int(second * NS) for second in seconds]

    def due(self, position: int, ts: int) -> int:
        return next((at for at in range(position, len(self.ts)) if self.ts[at] > ts), len(self.ts))

    def ts_at(self, position: int) -> int | None:
        return self.ts[position] if position < len(self.ts) else None


def test_the_first_record_is_due_at_once_with_all_of_its_moment() -> None:
    pace = Pace(Times(100, 100, 101), 0, 1.0, VirtualClock())
    assert pace.due(0) == 2
    assert pace.wait(2) == 1.0


@pytest.mark.parametrize(("speed", "wait"), [(1.0, 10.0), (10.0, 1.0), (0.1, 100.0)])
def test_waits_shrink_with_speed(speed: float, wait: float) -> None:
    pace = Pace(Times(0, 10), 0, speed, VirtualClock())
    assert pace.wait(1) == pytest.approx(wait)


def test_a_late_replay_catches_up() -> None:
    clock = VirtualClock()
    pace = Pace(Times(0, 1, 2, 3, 9), 0, 1.0, clock)
    clock.seconds = 3.5
    assert pace.due(0) == 4
    assert pace.wait(4) == pytest.approx(5.5)


def test_a_wait_longer_than_the_longest_is_left_out() -> None:
    clock = VirtualClock()
    pace = Pace(Times(0, 3_600, 3_601), 0, 1.0, clock, longest_wait=2)
    assert pace.wait(1) == 0
    assert pace.due(1) == 2
    assert pace.wait(2) == pytest.approx(1)


def test_the_longest_wait_is_of_the_clock_not_of_the_tape() -> None:
    pace = Pace(Times(0, 10), 0, 10.0, VirtualClock(), longest_wait=2)
    assert pace.wait(1) == pytest.approx(1)


def test_at_the_end_nothing_is_waited_for() -> None:
    pace = Pace(Times(0, 1), 2, 1.0, VirtualClock(), longest_wait=math.inf)
    assert pace.wait(2) == 0
    assert pace.due(2) == 2


def test_records_out_of_time_order_are_due_when_they_come() -> None:
    pace = Pace(Times(5, 3, 4, 6), 0, 1.0, VirtualClock())
    assert pace.due(0) == 3
