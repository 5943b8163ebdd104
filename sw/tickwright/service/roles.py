"""Who may do what: four roles, each the set of verbs it is trusted with."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["EVERYONE", "STOPPERS", "Role"]


class Role(StrEnum):
    """What a key is trusted with."""

    VIEWER = "viewer"  # looks
    QUANT = "quant"  # changes parameters, within the limits
    RISK = "risk"  # sets limits, and is the only one to loosen one
    OPERATOR = "operator"  # arms, flattens, says what positions are


EVERYONE = frozenset(Role)
STOPPERS = frozenset({Role.QUANT, Role.RISK, Role.OPERATOR})
"""Whoever may change anything may stop everything."""
