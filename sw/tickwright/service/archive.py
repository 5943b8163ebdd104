"""Every set that was ever meant for a card: its text, and what became of it on the card."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Archive"]


class Archive:
    """The sets of one service, in a folder of its own; it is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
