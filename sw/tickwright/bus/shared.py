"""One way to a card that several threads use: each access whole, and a kill before all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tickwright.bus.errors import BusError
from tickwright.bus.way import Posting, Way

__all__ = ["SharedWay"]


class SharedWay:
    """Hands out views of ``way``; those that are `urgent` go before those that are not.

    A write that is lost is told to the view that wrote it and to no other: a BusError of its next
    access, or of its closing. For that, what one view has posted is answered before another's turn
    begins. An urgent view waits for no more than it would wait for its own answer on the same
    line, behind what was sent before; where a write is lost, for the time of one answer.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._turn = threading.Condition()
        self._busy = False
        self._urgent = 0  # that wait
        self._writer: _View | None = None  # whose writes may not be answered yet

    def view(self, *, urgent: bool = False) -> Way:
        """Return a way of the same card; closing it closes nothing."""
        return _View(self, urgent)

    def close(self) -> None:
        """Close the way itself."""
        self._way.close()

    def read(self, addr: int, view: _View) -> int:
        """Read in turn."""
        with self._held(view):
            return self._way.read(addr)

    def write(self, addr: int, value: int, view: _View) -> None:
        """Write in turn."""
        with self._held(view):
            self._writer = view
            self._way.write(addr, value)

    def settle(self, view: _View) -> None:
        """Have what a view has written answered, in turn."""
        with self._held(view):
            self._settle()
            view.tell()

    @contextmanager
    def _held(self, view: _View) -> Iterator[None]:
        with self._turn:
            self._urgent += view.urgent
            self._turn.wait_for(lambda: not self._busy and (view.urgent or not self._urgent))
            self._urgent -= view.urgent
            self._busy = True
        try:
            if self._writer is not view:
                self._settle()
            view.tell()
            yield
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()

    def _settle(self) -> None:
        """Have what was written answered; a loss is kept for the view whose it is."""
        writer, self._writer = self._writer, None
        if writer is not None and isinstance(self._way, Posting):
            try:
                self._way.settle()
            except BusError as error:
                writer.lost = error


class _View(Way):
    """One user's end of a shared way."""

    def __init__(self, shared: SharedWay, urgent: bool) -> None:
        self._shared = shared
        self.urgent = urgent
        self.lost: BusError | None = None  # what its user is not told yet

    def read(self, addr: int) -> int:
        return self._shared.read(addr, self)

    def write(self, addr: int, value: int) -> None:
        self._shared.write(addr, value, self)

    def close(self) -> None:
        """The way stays open for others. Raises BusError: a write was lost."""
        self._shared.settle(self)

    def tell(self) -> None:
        """Raise what was lost, once."""
        lost, self.lost = self.lost, None
        if lost is not None:
            raise lost
