"""A thread at work that does not get on is stuck; one that has nothing to do is not."""

from __future__ import annotations

import pytest
from service_party.gate import Gate

from tickwright.service.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns


@pytest.mark.parametrize("access", ["read", "write"])
def test_each_access_is_progress(access: str):
    clock = Clock()
    progress = Progress(clock)
    way = progress.watched(Gate().open())
    clock.ns = 1000
    assert not progress.stuck(10), "it has nothing to do"
    with progress.working():
        clock.ns = 1010
        assert not progress.stuck(10)
        clock.ns = 1011
        assert progress.stuck(10)
        way.read(0) if access == "read" else way.write(0, 0)
        assert not progress.stuck(10)
        clock.ns = 1022
        assert progress.stuck(10)
    assert not progress.stuck(10)


def test_work_that_fails_is_over():
    clock = Clock()
    progress = Progress(clock)
    with pytest.raises(ZeroDivisionError), progress.working():
        raise ZeroDivisionError
    clock.ns = 1000
    assert not progress.stuck(10)
