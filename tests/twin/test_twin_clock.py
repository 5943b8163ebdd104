"""Card time never goes faster than the wall clock times the pace, and never back."""

from __future__ import annotations

import random
from itertools import pairwise

from tickwright.twin.clock import MOST_NS, CardClock


class Wall:
    now_ns = 5

    def __call__(self) -> int:
        return self.now_ns


def test_time_is_granted_as_it_passes():
    wall = Wall()
    clock = CardClock(wall, 100)
    wall.now_ns += 1_000
    assert clock.waiting_ns == 1_000
    assert clock.target_ns(100, 1.0) == 1_100
    wall.now_ns += 1_000
    assert clock.target_ns(1_100, 2.5) == 3_600


def test_a_pause_is_lost():
    wall = Wall()
    clock = CardClock(wall, 0)
    wall.now_ns += 3 * MOST_NS
    assert clock.target_ns(0, 1.0) == MOST_NS


def test_what_was_not_simulated_is_lost():
    wall = Wall()
    clock = CardClock(wall, 0)
    wall.now_ns += 1_000
    assert clock.target_ns(0, 1.0) == 1_000
    wall.now_ns += 1_000
    assert clock.target_ns(400, 1.0) == 1_400


def test_what_was_simulated_beyond_the_grant_is_owed():
    wall = Wall()
    clock = CardClock(wall, 0)
    wall.now_ns += 1_000
    assert clock.target_ns(0, 1.0) == 1_000
    wall.now_ns += 500
    assert clock.target_ns(1_700, 1.0) == 1_700
    wall.now_ns += 500
    assert clock.target_ns(1_700, 1.0) == 2_000


def test_behind_a_run_at_any_pace_card_time_goes_on_soon():
    wall = Wall()
    clock = CardClock(wall, 0)
    wall.now_ns += MOST_NS
    assert clock.target_ns(10**15, 1.0) == 10**15
    wall.now_ns += MOST_NS
    assert clock.target_ns(10**15, 1.0) == 10**15 + MOST_NS


def test_over_no_span_is_card_time_faster_than_the_wall():
    dice = random.Random(2026)
    wall = Wall()
    clock, now, pace = CardClock(wall, 0), 0, 3.0
    times = [(wall.now_ns, now)]
    for _ in range(2_000):
        wall.now_ns += dice.randrange(2 * MOST_NS)
        target = clock.target_ns(now, pace)
        assert target >= now
        now += dice.randrange(target - now + 1)
        times.append((wall.now_ns, now))
    most = MOST_NS * pace
    for (start, before), (end, after) in pairwise(times):
        assert after - before <= min((end - start) * pace, most)
    assert now > 0
