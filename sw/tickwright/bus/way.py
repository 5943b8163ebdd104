"""What every way to a card offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from tickwright.core.closing import Closing

__all__ = ["Posting", "Way"]


@runtime_checkable
class Way(Closing, Protocol):
    """A bus to one card that has to be closed: leaving its context closes it.

    Addresses are in bytes and multiples of 4. A write is posted; a read flushes the writes before
    it. Every method raises an error of one line when the card cannot be reached.
    """

    def read(self, addr: int) -> int:
        """Return the word at ``addr``, after all writes before it."""
        ...

    def read_words(self, addrs: Sequence[int]) -> list[int]:
        """Return the words at ``addrs``, read one after the other in this order."""
        return [self.read(addr) for addr in addrs]

    def write(self, addr: int, value: int) -> None:
        """Write the word at ``addr``; it may still be under way when this returns."""
        ...

    def close(self) -> None:
        """Give the way back; the card stays as it is."""
        ...


@runtime_checkable
class Posting(Way, Protocol):
    """A way that may lose a write after ``write`` has returned."""

    def settle(self) -> None:
        """Return once every write has been answered; raise BusError if one may be lost."""
        ...
