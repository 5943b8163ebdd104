"""The ways of one service to its card: of its own for each who needs one, or one that all share."""

from __future__ import annotations

from collections.abc import Callable

from tickwright.bus.opening import open_bus
from tickwright.bus.shared import SharedWay
from tickwright.bus.way import Way
from tickwright.core.closing import Closing

__all__ = ["Reach"]

SEVERAL = ("twin:", "pcie")
RECORDED = "recorded:"


class Reach(Closing):
    """Opens ways to the card that ``text`` names. Raises BusError where it cannot be reached."""

    def __init__(self, text: str, opened: Callable[[str], Way] = open_bus) -> None:
        self.text = text
        self.several = text.startswith(SEVERAL)
        self.recorded = text.startswith(RECORDED)
        self._open = opened
        self._shared = None if self.several else SharedWay(opened(text))

    def close(self) -> None:
        """Close the way that is shared, if one is."""
        if self._shared is not None:
            self._shared.close()

    def way(self) -> Way:
        """Return a way for what may wait."""
        return self._open(self.text) if self._shared is None else self._shared.view()

    def urgent_way(self) -> Way:
        """Return a way for what goes before all others."""
        return self._open(self.text) if self._shared is None else self._shared.view(urgent=True)
