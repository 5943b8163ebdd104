"""One way to a card that several threads use: each access whole, and a kill before all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tickwright.bus.way import Way

__all__ = ["SharedWay"]


class SharedWay:
    """Hands out views of ``way``; those that are `urgent` go before those that are not."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._turn = threading.Condition()
        self._busy = False
        self._urgent = 0  # that wait

    def view(self, *, urgent: bool = False) -> Way:
        """Return a way of the same card; closing it closes nothing."""
        return _View(self, urgent)

    def close(self) -> None:
        """Close the way itself."""
        self._way.close()

    def read(self, addr: int, urgent: bool) -> int:
        """Read in turn."""
        with self._held(urgent):
            return self._way.read(addr)

    def write(self, addr: int, value: int, urgent: bool) -> None:
        """Write in turn."""
        with self._held(urgent):
            self._way.write(addr, value)

    @contextmanager
    def _held(self, urgent: bool) -> Iterator[None]:
        with self._turn:
            self._urgent += urgent
            self._turn.wait_for(lambda: not self._busy and (urgent or not self._urgent))
            self._urgent -= urgent
            self._busy = True
        try:
            yield
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()


class _View(Way):
    """One user's end of a shared way."""

    def __init__(self, shared: SharedWay, urgent: bool) -> None:
        self._shared = shared
        self._urgent = urgent

    def read(self, addr: int) -> int:
        return self._shared.read(addr, self._urgent)

    def write(self, addr: int, value: int) -> None:
        self._shared.write(addr, value, self._urgent)

    def close(self) -> None:
        """The way stays open for others."""
