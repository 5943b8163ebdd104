"""Whether a thread gets on with what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tickwright.bus.way import Way

__all__ = ["Progress"]


class Progress:
    """Knows when a thread last began, ended or reached the card; ``clock_ns`` does not go back."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self._busy = False
        self._newest_ns = clock_ns()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do one piece of work within this."""
        self._newest_ns = self._clock_ns()
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def stuck(self, patience_ns: int) -> bool:
        """Return whether the thread is at work and has not got on for so long."""
        return self._busy and self._clock_ns() - self._newest_ns > patience_ns

    def watched(self, way: Way) -> Way:
        """Return a way on which each access that ends is progress."""
        return _Watched(self, way)

    def note(self) -> None:
        """Tell that the thread has got on."""
        self._newest_ns = self._clock_ns()


class _Watched(Way):
    def __init__(self, progress: Progress, way: Way) -> None:
        self._progress = progress
        self._way = way

    def read(self, addr: int) -> int:
        value = self._way.read(addr)
        self._progress.note()
        return value

    def read_words(self, addrs: Sequence[int]) -> list[int]:
        values = self._way.read_words(addrs)
        self._progress.note()
        return values

    def write(self, addr: int, value: int) -> None:
        self._way.write(addr, value)
        self._progress.note()

    def close(self) -> None:
        self._way.close()
