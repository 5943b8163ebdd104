"""Whether market data comes, as far as a host can see it from the feed's counters."""

from __future__ import annotations

from dataclasses import dataclass

from tickwright.feed.regs import FeedRegs
from tickwright.host.card import Card

__all__ = ["FeedFlow", "FeedView"]

LOOKED_AT = (
    FeedRegs.messages_a,
    FeedRegs.messages_b,
    FeedRegs.duplicates,
    FeedRegs.hold_overflow,
    FeedRegs.delivered,
    FeedRegs.heartbeats,
    FeedRegs.gaps,
    FeedRegs.enable,
)
"""In this order: what came before what became of it, so the difference is never too large."""


@dataclass(frozen=True)
class FeedView:
    """What was seen at one look."""

    enabled: bool
    heard: bool  # a datagram of the session came within the time that counts
    gap_open: bool  # messages wait for one that is missing
    gaps: int  # declared since reset

    @property
    def ok(self) -> bool:
        """Whether the gate would let orders pass, as far as the feed goes."""
        return self.enabled and self.heard and not self.gap_open


class FeedFlow:
    """Watches what comes, one look after the other; a look is two turns on the bus.

    The card's own word on it is in each verdict; between verdicts a host has the counters. A
    datagram is heard when a count has grown since the look before, so the first look hears none. A
    gap is seen while messages wait behind it; one that only heartbeats tell of is not.
    """

    def __init__(self) -> None:
        self._count: int | None = None
        self._heard_ns: int | None = None  # card time

    def look(self, card: Card, max_age_ns: int) -> FeedView:
        """Look at the counters; ``max_age_ns`` is how long a datagram counts, in card time."""
        found = card.feed.read_registers(LOOKED_AT)
        messages = found["messages_a"] + found["messages_b"]
        gone = found["duplicates"] + found["hold_overflow"] + found["delivered"]
        count = messages + found["heartbeats"]
        now_ns = card.identity.now_ns
        if self._count is not None and count != self._count:
            self._heard_ns = now_ns
        self._count = count
        heard = self._heard_ns is not None and now_ns - self._heard_ns <= max_age_ns
        return FeedView(
            enabled=bool(found["enable"]),
            heard=heard,
            gap_open=messages > gone,
            gaps=found["gaps"],
        )
