"""What an audit has to say."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding", "UnreadableError"]


class UnreadableError(Exception):
    """The text has a construct that the audit does not know; nothing can be said of it."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it has to be."""

    what: str
    where: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where}: found {self.found}, expected {self.expected}"
