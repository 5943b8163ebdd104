"""A day of a desk, verb by verb, in an order in which each can be carried out."""

from __future__ import annotations

__all__ = ["ARMED", "SCENARIO"]

SCENARIO = [
    ("preflight",),
    ("limits", "diff"),
    ("limits", "load"),
    ("limits", "show"),
    ("params", "diff"),
    ("params", "load"),
    ("params", "show"),
    ("params", "rollback"),
    ("positions",),
    ("arm",),
    ("status",),
    ("watch",),
    ("orders",),
    ("card", "info"),
    ("card", "registers"),
    ("card", "counters"),
    ("flatten",),
    ("cancel-all",),
    ("close-only",),
    ("disarm",),
    ("kill",),
    ("emergency-kill",),
    ("report",),
    ("stop",),
]
ARMED = SCENARIO.index(("arm",))
