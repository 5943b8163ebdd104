"""A kill without the service: by a way to the card of its own."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus
from tickwright.host.card import Card, CardError
from tickwright.service.errors import ServiceError
from tickwright.service.killing import killed
from tickwright.service.protocol import Killed
from tickwright.service.state_folder import owner_of
from tickwright.service.whereabouts import WHEREABOUTS, find

__all__ = ["emergency_kill"]

TWIN = "twin:"


def emergency_kill(card: str, state: Path) -> Killed:
    """Kill the card; return when it says so.

    The service of the folder ``state``, where it has this card, goes on; a signal lets it kill as
    well, so that nothing it was asked before raises the card again. Raises ServiceError: the card
    cannot be reached, or does not say that it is killed.
    """
    owner = _owner(card, state)
    try:
        with open_bus(card) as way:
            found = killed(Card(way))
        _signal(owner)
        return found
    except BusError as error:
        _signal(owner)
        hint = "" if owner is None else f"; its service, process {owner}, was told to kill"
        raise ServiceError.unreachable(f"kill: {error}{hint}") from None
    except CardError as error:
        _signal(owner)
        raise ServiceError.failed(f"kill: {error}") from None


def _owner(card: str, state: Path) -> int | None:
    """Return the process that owns a folder and this card, None where none does."""
    found = find(state / WHEREABOUTS)
    if found is None or _place(found.card) != _place(card):
        return None
    return owner_of(state)


def _place(card: str) -> str:
    """Return a card by a name that is its own."""
    return str(Path(card.removeprefix(TWIN)).resolve()) if card.startswith(TWIN) else card


def _signal(owner: int | None) -> None:
    """Let a service kill; one that is gone, or another user's, is left alone."""
    if owner is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(owner, signal.SIGUSR1)
