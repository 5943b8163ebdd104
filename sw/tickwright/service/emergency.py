"""A kill without the service: by a way to the card of its own."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus, place_of
from tickwright.host.card import Card, CardError
from tickwright.service.errors import ServiceError
from tickwright.service.killing import killed
from tickwright.service.protocol import Killed
from tickwright.service.state_folder import owner_of
from tickwright.service.whereabouts import WHEREABOUTS, find

__all__ = ["EmergencyKilled", "emergency_kill"]


class EmergencyKilled(Killed):
    """The card confirmed that it is killed."""

    service: str  # that was told to kill as well, or why none was


def emergency_kill(card: str, state: Path) -> EmergencyKilled:
    """Kill the card; return when it says so.

    The service of the folder ``state``, where it has this card, goes on; a signal lets it kill as
    well, so that nothing it was asked before raises the card again. Raises ServiceError: the card
    cannot be reached, or does not say that it is killed.
    """
    owner = None
    try:
        owner = _owner(card, state)
        with open_bus(card) as way:
            found = killed(Card(way))
    except BusError as error:
        hint = f"; its service, process {owner}, was told to kill" if _told(owner) else ""
        raise ServiceError.unreachable(f"kill: {error}{hint}") from None
    except CardError as error:
        _told(owner)
        raise ServiceError.failed(f"kill: {error}") from None
    service = f"process {owner}" if _told(owner) else f"none: found none at {state} with this card"
    return EmergencyKilled(found.state, found.card_cycles, found.reasons, service)


def _owner(card: str, state: Path) -> int | None:
    """Return the process that owns a folder and this card, None where none does."""
    found = find(state / WHEREABOUTS)
    return owner_of(state) if found is not None and found.place == str(place_of(card)) else None


def _told(owner: int | None) -> bool:
    """Let a service kill; one that is gone, or another user's, is left alone."""
    if owner is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(owner, signal.SIGUSR1)
            return True
    return False
