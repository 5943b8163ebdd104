"""Spans of time that captures and sessions count in."""

from __future__ import annotations

__all__ = ["DAY_S", "SECOND_NS"]

SECOND_NS = 1_000_000_000
DAY_S = 86_400
