"""BAR0 of a card on PCI Express, through the files that Linux keeps of it."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from tickwright.bus.bar import Bar, PcieError
from tickwright.bus.errors import BusError

__all__ = ["DEVICE_ID", "VENDOR_ID", "PcieBar", "card_at", "check_ids", "find_cards"]

VENDOR_ID = 0x10EE  # of the hard block's maker: the project holds no vendor id of its own
DEVICE_ID = 0x7457  # chosen by the project, so the map hash of the card has the last word


def find_cards(sysfs: Path) -> list[Path]:
    """Return the devices below ``sysfs`` (say /sys/bus/pci/devices) that carry our ids, by name."""
    return [device for device in sorted(sysfs.iterdir()) if _ids(device) == (VENDOR_ID, DEVICE_ID)]


def card_at(sysfs: Path, place: str) -> Path:
    """Return the device below ``sysfs`` at DOMAIN:BUS:DEVICE.FUNCTION; "" means the only card.

    Raises BusError: there are no devices, or not one card but more or none.
    """
    if place:
        return sysfs / place
    try:
        cards = find_cards(sysfs)
    except PcieError as error:
        raise BusError(f"pcie: {error}") from None
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(f"pcie: {sysfs}: found {told}, expected the devices of a PCI bus") from None
    if len(cards) != 1:
        names = ", ".join(card.name for card in cards) or "none"
        raise BusError(
            f"pcie: found {names}, expected one card, or pcie:DOMAIN:BUS:DEVICE.FUNCTION"
        )
    return cards[0]


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
