"""How fast card time may go where a wall clock counts."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["CardClock"]

MOST_NS = 20_000_000  # granted at once


class CardClock:
    """Grants card time as the wall clock goes, ``pace`` times as much.

    What was granted and could not be simulated in time is lost, not caught up: over no span does
    card time go faster than the wall clock times the pace, so whoever feeds the card's watchdog by
    a wall clock is never late for a reason of the simulation. ``wall_ns`` returns a time that never
    goes back.
    """

    def __init__(self, wall_ns: Callable[[], int], now_ns: int) -> None:
        self._wall_ns = wall_ns
        self._last_ns = wall_ns()
        self._target_ns = now_ns

    @property
    def waiting_ns(self) -> int:
        """Wall time since the last grant."""
        return self._wall_ns() - self._last_ns

    def target_ns(self, now_ns: int, pace: float) -> int:
        """Return the card time that may be reached from ``now_ns``; never before it."""
        wall = self._wall_ns()
        granted = int(min(wall - self._last_ns, MOST_NS) * pace)
        self._last_ns = wall
        behind = max(
            self._target_ns, now_ns - MOST_NS
        )  # of a run at any pace, only so much is owed
        self._target_ns = min(behind, now_ns) + granted
        return max(self._target_ns, now_ns)
