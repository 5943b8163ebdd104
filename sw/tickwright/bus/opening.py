"""From the text that names a card to the way to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.way import Way
from tickwright.top.memory_map import IdentityRegs, base, fingerprint

__all__ = ["checked", "open_bus", "place_of"]

EXPECTED = (
    "twin:PATH, pcie, pcie:DOMAIN:BUS:DEVICE.FUNCTION, vfio:DOMAIN:BUS:DEVICE.FUNCTION, "
    "uart:DEVICE[@BAUD] or recorded:FILE"
)

SYSFS = Path("/sys/bus/pci/devices")


def open_bus(text: str) -> Way:
    """Return the way to the card that ``text`` names.

    It is ``twin:PATH``, ``pcie[:DOMAIN:BUS:DEVICE.FUNCTION]``, ``vfio:DOMAIN:BUS:DEVICE.FUNCTION``,
    ``uart:DEVICE[@BAUD]`` or ``recorded:FILE``. Raises BusError: the text is none of these, or the
    card cannot be reached.
    """
    scheme, _, place = checked(text).partition(":")
    return WAYS[scheme](place)


def checked(text: str) -> str:
    """Return a text that names a card, whether or not it is there. Raises BusError."""
    scheme, colon, place = text.partition(":")
    if scheme not in WAYS or (not place and (colon or scheme != "pcie")):
        raise BusError(f"card: found {text!r}, expected {EXPECTED}")
    return text


def place_of(text: str) -> Path:
    """Return the file, or the folder of a PCI device, that is the card, however it is named.

    Raises BusError: the text names no card, or does not say which of several.
    """
    scheme, _, place = checked(text).partition(":")
    if scheme in ("pcie", "vfio"):
        from tickwright.bus.pcie import card_at

        place = str(card_at(SYSFS, place))
    elif scheme == "uart":
        place = place.partition("@")[0]
    return Path(os.path.realpath(place))


# Each imports what it needs when it is asked for: a host of one kind needs nothing of the others.


def _twin(place: str) -> Way:
    from tickwright.bus.twin import TwinBus

    return TwinBus(place)


def _recorded(place: str) -> Way:
    from tickwright.bus.recorded import RecordedBus

    return RecordedBus(place)


def _pcie(place: str) -> Way:
    from tickwright.bus.bar import PcieError
    from tickwright.bus.pcie import PcieBar, card_at

    device = card_at(SYSFS, place)
    try:
        return _of_our_map(PcieBar(device), device.name)
    except PcieError as error:
        raise BusError(f"pcie: {error}") from None


def _vfio(place: str) -> Way:
    from tickwright.bus.bar import PcieError
    from tickwright.bus.vfio import VfioCard

    try:
        return _of_our_map(VfioCard(SYSFS / place), place)
    except PcieError as error:
        raise BusError(f"vfio: {error}") from None


def _of_our_map(way: Way, place: str) -> Way:
    """Return the way; close it and raise BusError if the card has another register map.

    The ids on the bus are those of the hard block's maker, so they alone do not tell a card.
    """
    try:
        found = IdentityRegs(way, base("identity")).map_hash
        if found != fingerprint():
            raise BusError(
                f"{place}: found map hash {found:#010x}, expected {fingerprint():#010x}: "
                f"not a card of ours, or card and host are of different versions"
            )
    except BaseException:
        way.close()
        raise
    return way


def _uart(place: str) -> Way:
    from tickwright.bus.uart import UartBus

    return UartBus(place)


WAYS: dict[str, Callable[[str], Way]] = {
    "twin": _twin,
    "pcie": _pcie,
    "vfio": _vfio,
    "uart": _uart,
    "recorded": _recorded,
}
