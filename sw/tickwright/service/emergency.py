"""A kill without the service: by a way to the card of its own."""

from __future__ import annotations

from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus
from tickwright.host.card import Card, CardError
from tickwright.service.errors import ServiceError
from tickwright.service.protocol import Killed
from tickwright.service.state_folder import owner_of

__all__ = ["TWIN_SOCKET", "emergency_kill", "way_to"]

TWIN = "twin"
TWIN_SOCKET = "twin.sock"  # in the folder of the service that started a twin


def way_to(card: str, state: Path) -> str:
    """Return a card as `open_bus` takes it; ``twin`` alone is the one that a service started."""
    return f"{TWIN}:{state.resolve() / TWIN_SOCKET}" if card == TWIN else card


def emergency_kill(card: str, state: Path) -> Killed:
    """Kill the card; return when it says so.

    A service that runs goes on, and journals that the card was killed. Raises ServiceError: the
    card cannot be reached, or does not say that it is killed.
    """
    try:
        with open_bus(way_to(card, state)) as way:
            found = Card(way)
            before = found.identity.cycles
            found.kill()
            passed = found.identity.cycles - before
            return Killed(found.state, passed, list(found.kill_reasons))
    except BusError as error:
        owner = owner_of(state)
        hint = "" if owner is None else f"; a service runs: `kill -USR1 {owner}` kills through it"
        raise ServiceError.unreachable(f"kill: {error}{hint}") from None
    except CardError as error:
        raise ServiceError.failed(f"kill: {error}") from None
