"""The newest sample is shown while it is of now; its age is shown always."""

from __future__ import annotations

import pytest

from tickwright.monitoring.metrics import Sample
from tickwright.service.newest_sample import AGE, NewestSample

TAKEN = Sample({"feed": {"lost": 7}}, {"tickwright_feed_ok": 1.0}, {"KO": 5})


class Clock:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def newest(clock: Clock) -> NewestSample:
    newest = NewestSample(clock)
    newest.keep(TAKEN, 7.0)
    return newest


def test_it_is_shown_for_as_long_as_it_is_good_with_its_age(clock, newest):
    clock.s += 7.0
    found = newest.shown()
    assert found.service == {"tickwright_feed_ok": 1.0, AGE: 7.0}
    assert (found.registers, found.positions) == (TAKEN.registers, TAKEN.positions)


def test_what_is_too_old_is_shown_as_not_known(clock, newest):
    clock.s += 7.1
    assert newest.shown() == Sample(service={AGE: pytest.approx(7.1)})
    newest.keep(TAKEN, 7.0)
    assert newest.shown().registers == TAKEN.registers


def test_what_is_forgotten_is_not_shown_and_ages_all_the_same(clock, newest):
    clock.s += 2.0
    newest.forget()
    assert newest.shown() == Sample(service={AGE: 2.0})


def test_before_the_first_the_age_is_that_of_the_service(clock):
    newest = NewestSample(clock)
    clock.s += 3.0
    assert newest.shown() == Sample(service={AGE: 3.0})
