"""Threads share a way; each access is whole, and those that are urgent go first."""

from __future__ import annotations

import threading
import time

from tickwright.bus.shared import SharedWay
from tickwright.bus.way import Way

DEADLINE_S = 30.0


class SlowWay(Way):
    """A way whose access lasts until it is let go on; it notes what came, and overlaps."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.go = threading.Semaphore(0)
        self.inside = self.overlaps = 0
        self.closed = False

    def read(self, addr: int) -> int:
        self.inside += 1
        self.overlaps += self.inside > 1
        self.came.append(addr)
        assert self.go.acquire(timeout=DEADLINE_S)
        self.inside -= 1
        return addr + 1

    def write(self, addr: int, value: int) -> None:
        self.read(addr)

    def close(self) -> None:
        self.closed = True


def begun(way: SlowWay, count: int) -> None:
    end = time.monotonic() + DEADLINE_S
    while len(way.came) < count:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_an_urgent_access_goes_before_those_that_wait_already():
    way = SlowWay()
    shared = SharedWay(way)
    normal, urgent = shared.view(), shared.view(urgent=True)
    threads = [threading.Thread(target=normal.read, args=(addr,)) for addr in (4, 8, 12)]
    threads[0].start()
    begun(way, 1)
    for each in threads[1:]:
        each.start()
    threads.append(threading.Thread(target=urgent.write, args=(16, 1)))
    threads[-1].start()
    end = time.monotonic() + DEADLINE_S
    while not shared._urgent:
        assert time.monotonic() < end
        time.sleep(0.001)
    way.go.release(4)
    for each in threads:
        each.join(DEADLINE_S)
    assert way.came[:2] == [4, 16]
    assert sorted(way.came[2:]) == [8, 12]
    assert way.overlaps == 0


def test_an_access_that_fails_lets_the_next_go_on():
    class Broken(SlowWay):
        def read(self, addr: int) -> int:
            raise ZeroDivisionError

    view = SharedWay(Broken()).view()
    for _ in range(2):
        try:
            view.read(0)
        except ZeroDivisionError:
            continue
        raise AssertionError("expected what the way raised")


def test_closing_a_view_leaves_the_way_open():
    way = SlowWay()
    way.go.release()
    shared = SharedWay(way)
    with shared.view() as view:
        assert view.read(4) == 5
    assert not way.closed
    shared.close()
    assert way.closed
