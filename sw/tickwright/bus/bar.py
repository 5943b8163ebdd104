"""BAR0 of a card, mapped: word by word, whoever mapped it."""

from __future__ import annotations

import mmap

from tickwright.bus.way import Way

__all__ = ["Bar", "PcieError"]

WORD_BYTES = 4


class PcieError(OSError):
    """A card is not there, not ours, or was asked for what its BAR does not hold."""


class Bar(Way):
    """The words of a BAR; leaving its context unmaps it.

    Addresses are in bytes and multiples of 4. Raises PcieError for an address outside of the BAR.
    """

    def __init__(self, mapped: mmap.mmap) -> None:
        self._map = mapped
        self._bytes = memoryview(mapped)
        self._words = self._bytes[: len(mapped) // WORD_BYTES * WORD_BYTES].cast("I")

    def close(self) -> None:
        """Unmap the BAR; the card goes on as it was."""
        self._words.release()
        self._bytes.release()
        self._map.close()

    def read(self, addr: int) -> int:
        """Return the word at ``addr``; the writes before it have arrived by then."""
        return self._words[self._index(addr)]

    def write(self, addr: int, value: int) -> None:
        """Post ``value`` (32 bits) to the word at ``addr``."""
        self._words[self._index(addr)] = value

    def _index(self, addr: int) -> int:
        index, rest = divmod(addr, WORD_BYTES)
        if rest or not 0 <= index < len(self._words):
            raise PcieError(
                f"address of a word in BAR0: found {addr:#x}, "
                f"expected a multiple of 4 below {len(self._words) * WORD_BYTES:#x}"
            )
        return index
