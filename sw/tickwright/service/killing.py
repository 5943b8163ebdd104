"""A kill, and how many cycles of the card it took."""

from __future__ import annotations

from contextlib import suppress

from tickwright.bus.errors import BusError
from tickwright.host.card import Card
from tickwright.service.protocol import Killed

__all__ = ["killed"]


def killed(card: Card) -> Killed:
    """Kill a card; tell the most cycles that can have passed from here to its word.

    The kill does not wait for it: where the cycles cannot be read before, all since the card's
    reset are told. Raises BusError, and CardError if the card does not say that it is killed.
    """
    before = 0
    with suppress(BusError):
        before = card.identity.cycles
    card.kill()
    passed = card.identity.cycles - before
    return Killed(card.state, passed, list(card.kill_reasons))
