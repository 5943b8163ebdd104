"""One service a card: what a service holds as long as it owns one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tickwright.bus.opening import place_of
from tickwright.core.closing import Closing

__all__ = ["CardLock", "CardLockError"]

TWIN, PCI = "twin:", ("pcie", "vfio:")
IDS = "vendor"  # a file of the device that all may open, and lock: VFIO needs no leave for BAR0


class CardLockError(RuntimeError):
    """Another service owns the card, or it cannot be found out: one line."""


class CardLock(Closing):
    """Holds the card that ``card`` names, whatever its state folder, until closed or killed.

    A twin is held by a file beside its socket, a card on PCI Express by a file of its device, by
    whichever way and under whichever name it is reached. A serial port is for one process alone
    anyway, and a recording is nobody's. Raises CardLockError; BusError: no card is so named.
    """

    def __init__(self, card: str) -> None:
        self._file = -1
        place = _held(card)
        if place is None:
            return
        try:
            made = os.O_RDWR | os.O_CREAT if card.startswith(TWIN) else os.O_RDONLY
            self._file = os.open(place, made | os.O_CLOEXEC, 0o600)
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
    if card.startswith(TWIN):
        path = place_of(card)
        return path.with_name(f"{path.name}.owner")
    return place_of(card) / IDS if card.startswith(PCI) else None
