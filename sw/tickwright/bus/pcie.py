"""BAR0 of a card on PCI Express, through the files that Linux keeps of it."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["DEVICE_ID", "VENDOR_ID", "PcieBar", "PcieError", "find_cards"]

VENDOR_ID = 0x10EE  # of the hard block's maker: the project holds no vendor id of its own
DEVICE_ID = 0x7457  # chosen by the project, so the map hash of the card has the last word

WORD_BYTES = 4


class PcieError(OSError):
    """A card is not there, not ours, or was asked for what its BAR does not hold."""


def find_cards(sysfs: Path) -> list[Path]:
    """Return the devices below ``sysfs`` (say /sys/bus/pci/devices) that carry our ids, by name."""
    return [device for device in sorted(sysfs.iterdir()) if _ids(device) == (VENDOR_ID, DEVICE_ID)]


class PcieBar:
    """BAR0 of one device, word by word; leaving its context unmaps it.

    Addresses are in bytes and multiples of 4. Raises PcieError if the device has other ids, if its
    BAR0 cannot be mapped, and for an address outside of it.
    """

    def __init__(self, device: Path) -> None:
        found = _ids(device)
        if found != (VENDOR_ID, DEVICE_ID):
            raise PcieError(
                f"{device}: found ids {found[0]:#06x}:{found[1]:#06x}, "
                f"expected {VENDOR_ID:#06x}:{DEVICE_ID:#06x}"
            )
        try:
            file = os.open(device / "resource0", os.O_RDWR | os.O_SYNC)
            try:
                self._map = mmap.mmap(file, 0)
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            raise PcieError(f"{device}/resource0: BAR0 cannot be mapped: {error}") from error
        self._bytes = memoryview(self._map)
        self._words = self._bytes[: len(self._map) // WORD_BYTES * WORD_BYTES].cast("I")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

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


def _ids(device: Path) -> tuple[int, int]:
    try:
        vendor, model = (int((device / name).read_text(), 16) for name in ("vendor", "device"))
    except (OSError, ValueError) as error:
        raise PcieError(f"{device}: no ids of a PCI device: {error}") from error
    return vendor, model
