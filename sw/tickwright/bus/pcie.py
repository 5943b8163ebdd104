"""BAR0 of a card on PCI Express, through the files that Linux keeps of it."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from tickwright.bus.bar import Bar, PcieError

__all__ = ["DEVICE_ID", "VENDOR_ID", "PcieBar", "check_ids", "find_cards"]

VENDOR_ID = 0x10EE  # of the hard block's maker: the project holds no vendor id of its own
DEVICE_ID = 0x7457  # chosen by the project, so the map hash of the card has the last word


def find_cards(sysfs: Path) -> list[Path]:
    """Return the devices below ``sysfs`` (say /sys/bus/pci/devices) that carry our ids, by name."""
    return [device for device in sorted(sysfs.iterdir()) if _ids(device) == (VENDOR_ID, DEVICE_ID)]


def check_ids(device: Path) -> None:
    """Raise PcieError unless the device carries our ids."""
    found = _ids(device)
    if found != (VENDOR_ID, DEVICE_ID):
        raise PcieError(
            f"{device}: found ids {found[0]:#06x}:{found[1]:#06x}, "
            f"expected {VENDOR_ID:#06x}:{DEVICE_ID:#06x}"
        )


class PcieBar(Bar):
    """BAR0 of one device as its resource file has it; the card goes on when it is closed.

    Raises PcieError if the device has other ids, or if its BAR0 cannot be mapped.
    """

    def __init__(self, device: Path) -> None:
        check_ids(device)
        try:
            file = os.open(device / "resource0", os.O_RDWR | os.O_SYNC)
            try:
                mapped = mmap.mmap(file, 0)
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            raise PcieError(f"{device}/resource0: BAR0 cannot be mapped: {error}") from error
        super().__init__(mapped)


def _ids(device: Path) -> tuple[int, int]:
    try:
        vendor, model = (int((device / name).read_text(), 16) for name in ("vendor", "device"))
    except (OSError, ValueError) as error:
        raise PcieError(f"{device}: no ids of a PCI device: {error}") from error
    return vendor, model
