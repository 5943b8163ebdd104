"""One service a card: what a service holds as long as it owns one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tickwright.core.closing import Closing

__all__ = ["CardLock", "CardLockError"]

TWIN, PCIE = "twin", "pcie"
SYSFS = Path("/sys/bus/pci/devices")
BAR0 = "resource0"


class CardLockError(RuntimeError):
    """Another service owns the card, or it cannot be found out: one line."""


class CardLock(Closing):
    """Holds the card that ``card`` names, whatever its state folder, until closed or killed.

    A twin is held by a file beside its socket, a card on PCI Express by its BAR0. A serial port is
    for one process alone anyway, and a recording is nobody's. Raises CardLockError.
    """

    def __init__(self, card: str) -> None:
        self._file = -1
        place = _held(card)
        if place is None:
            return
        try:
            flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if card.startswith(TWIN) else 0)
            self._file = os.open(place, flags, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise CardLockError(
                f"{card}: found another service that owns it, expected none"
            ) from None
        except OSError as error:
            self.close()
            raise CardLockError(f"{place}: {(error.strerror or 'failed').lower()}") from None

    def close(self) -> None:
        """Give the card up."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _held(card: str) -> Path | None:
    """Return the file by which a card is held."""
    scheme, _, place = card.partition(":")
    if scheme == TWIN:
        path = Path(place)
        return path.with_name(f"{path.name}.owner")
    if scheme != PCIE:
        return None
    if place:
        return SYSFS / place / BAR0

    from tickwright.bus.pcie import find_cards

    cards = find_cards(SYSFS) if SYSFS.is_dir() else []
    return cards[0] / BAR0 if cards else None
