"""The offset of the clocks is right to within what is said, whatever the reads take."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest

from tickwright.host.clock import ClockError, ClockOffset, measure_offset
from tickwright.top.memory_map import IdentityRegs, base

HOUR_NS = 3600 * 10**9
NOON = int(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()) * 10**9
LOW = base("identity") + IdentityRegs.now_ns.offset


class Summer(tzinfo):
    """A zone five hours behind UTC, but four in the middle of the year."""

    def utcoffset(self, when: datetime | None) -> timedelta:
        return timedelta(hours=-5) + self.dst(when)

    def dst(self, when: datetime | None) -> timedelta:
        return timedelta(hours=1 if when is not None and 3 < when.month < 11 else 0)

    def tzname(self, when: datetime | None) -> str:
        return "summer"


class Bench:
    """A card whose clock is that of the host and an offset; a read takes time on its way."""

    def __init__(self, host_ns: int, card_ns: int, legs: Iterator[tuple[int, int]]) -> None:
        self.host_ns = host_ns
        self.apart_ns = card_ns - host_ns
        self.legs = legs

    def read(self, addr: int) -> int:
        there, back = next(self.legs)
        self.host_ns += there
        assert addr in (LOW, LOW + 4)
        value = (self.host_ns + self.apart_ns) >> 8 * (addr - LOW) & 0xFFFF_FFFF
        self.host_ns += back
        return value

    def write(self, addr: int, value: int) -> None:
        raise AssertionError("measuring changes nothing")

    def clock(self) -> int:
        return self.host_ns


def evenly(there: int, back: int) -> Iterator[tuple[int, int]]:
    while True:
        yield there, back


def measured(bench: Bench, **settings) -> ClockOffset:
    return measure_offset(bench, bench.clock, **settings)


@pytest.mark.parametrize("apart", [0, 1, -1, 999, -(10**6), 5 * 10**9])
def test_an_even_read_tells_the_offset_exactly(apart: int):
    found = measured(Bench(NOON, 12 * HOUR_NS + apart, evenly(400, 400)))
    assert found == ClockOffset(apart, 401, NOON + 800 + 400)


@pytest.mark.parametrize("seed", range(20))
def test_the_true_offset_is_within_the_uncertainty(seed: int):
    rng = random.Random(seed)
    apart = rng.randrange(-(10**9), 10**9)
    legs = ((rng.randrange(1, 5000), rng.randrange(1, 5000)) for _ in range(200))
    found = measured(Bench(NOON, 12 * HOUR_NS + apart, legs), reads=rng.randrange(1, 20))
    assert abs(found.offset_ns - apart) <= found.uncertainty_ns


def test_the_quickest_read_counts():
    high = (1, 1)
    legs = iter([high, (9000, 10), high, high, (70, 80), high, high, (10, 5000), high])
    found = measured(Bench(NOON, 12 * HOUR_NS, legs), reads=3)
    assert found.uncertainty_ns == 76
    assert abs(found.offset_ns) <= 76


def test_only_the_read_of_the_low_word_is_timed():
    legs = iter([(10**6, 10**6), (50, 50), (10**6, 10**6)])
    assert measured(Bench(NOON, 0, legs), reads=1).uncertainty_ns == 51


def test_a_carry_into_the_high_word_between_its_reads_does_no_harm():
    card = 7 << 32
    found = measured(Bench(NOON, card - 20, evenly(10, 30)), reads=1)
    assert found.offset_ns == card - 20 - 12 * HOUR_NS - 10


@pytest.mark.parametrize(
    ("card", "told"),
    [
        (12 * HOUR_NS + 24 * HOUR_NS, 0),  # a card that has seen a midnight
        (12 * HOUR_NS + 240 * HOUR_NS + 7, 7),
        (0, -12 * HOUR_NS),
        (24 * HOUR_NS - 1, 12 * HOUR_NS - 1),
    ],
)
def test_times_of_day_are_compared(card: int, told: int):
    assert measured(Bench(NOON, card, evenly(0, 0))).offset_ns == told


def test_around_midnight_the_clocks_are_near_each_other():
    midnight = NOON + 12 * HOUR_NS
    assert measured(Bench(midnight - 5, 3, evenly(0, 0))).offset_ns == 8
    assert measured(Bench(midnight + 5, 24 * HOUR_NS - 3, evenly(0, 0))).offset_ns == -8


@pytest.mark.parametrize(
    ("zone", "month", "hour"),
    [
        (timezone(timedelta(hours=-5)), 1, 7),
        (timezone(timedelta(hours=5, minutes=30)), 1, 17.5),
        (Summer(), 1, 7),
        (Summer(), 7, 8),  # summer time
    ],
)
def test_midnight_is_that_of_the_zone(zone, month: int, hour: float):
    noon = int(datetime(2026, month, 15, 12, tzinfo=UTC).timestamp()) * 10**9
    bench = Bench(noon, int(hour * HOUR_NS), evenly(0, 0))
    assert measured(bench, zone=zone).offset_ns == 0


def jumping(steps: list[int]) -> Callable[[], int]:
    times = iter(steps)
    return lambda: NOON + next(times)


def test_a_read_in_which_the_host_was_set_back_is_left_out():
    bench = Bench(NOON, 12 * HOUR_NS, evenly(0, 0))
    found = measure_offset(bench, jumping([0, -5, 10, 30]), reads=2)
    assert (found.uncertainty_ns, found.host_ns) == (11, NOON + 20)
    with pytest.raises(ClockError, match="found it set back in each of 2 reads"):
        measure_offset(bench, jumping([0, -5, 10, 9]), reads=2)


def test_at_least_one_read_is_needed():
    with pytest.raises(ClockError, match="found 0, expected at least 1"):
        measured(Bench(NOON, 0, evenly(0, 0)), reads=0)
