"""Memory that this process has mapped and a card can write."""

from __future__ import annotations

import ctypes
import mmap

from tickwright.bus.errors import BusError
from tickwright.core.closing import Closing

__all__ = ["MappedMemory", "virtual_address"]


def virtual_address(mapped: mmap.mmap) -> int:
    """Return where this process sees the first byte of a mapping that it may write."""
    first = ctypes.c_char.from_buffer(mapped)
    address = ctypes.addressof(first)
    del first  # it would keep the mapping open
    return address


class MappedMemory(Closing):
    """So many bytes of a mapping, from a bus address on; leaving its context gives it back.

    The card must have been told to write no more before that. ``name`` is that of the memory in
    errors. Raises BusError for bytes outside of it.
    """

    def __init__(self, mapped: mmap.mmap, address: int, size: int, name: str) -> None:
        self._map = mapped
        self.address, self.size = address, size
        self._name = name

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()

    def read(self, offset: int, size: int) -> bytes:
        """Return so many bytes from ``offset`` on."""
        self._check(offset, size)
        return self._map[offset : offset + size]

    def write(self, offset: int, data: bytes) -> None:
        """Replace the bytes from ``offset`` on."""
        self._check(offset, len(data))
        self._map[offset : offset + len(data)] = data

    def _check(self, offset: int, size: int) -> None:
        if not 0 <= offset <= offset + size <= self.size:
            raise BusError(
                f"{self._name}: found bytes {offset} to {offset + size}, expected 0 to {self.size}"
            )
