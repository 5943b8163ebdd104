"""What goes wrong on the way to a card."""

from __future__ import annotations

__all__ = ["BusError"]


class BusError(RuntimeError):
    """A way to a card cannot be opened or has failed; one line: what, found, expected."""
