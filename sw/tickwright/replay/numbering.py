"""From the sequence of a message on the wire to its number among those delivered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tickwright.host.records import Journal
from tickwright.model.arbiter import declared_gaps

__all__ = ["Numbering"]


@dataclass(frozen=True, eq=False)
class Numbering:
    """Numbers messages from 1 in the order of delivery, leaving out those that were lost.

    ``start`` is the first sequence expected; ``lost_first`` and ``lost_last`` are the ends of the
    declared gaps, ascending.
    """

    start: int
    lost_first: np.ndarray
    lost_last: np.ndarray

    @classmethod
    def of(cls, journal: Journal, start: int) -> Numbering:
        """Return the numbering of a run from the gaps its journal declares."""
        gaps = declared_gaps(journal.trusts)
        return cls(start, gaps["first"].astype(np.int64), gaps["last"].astype(np.int64))

    @property
    def lost(self) -> int:
        """How many messages were declared lost."""
        return int((self.lost_last - self.lost_first + 1).sum())

    def number(self, sequence: int) -> int:
        """Return the number of one message."""
        return int(self.numbers(np.array([sequence]))[0])

    def numbers(self, sequences: np.ndarray) -> np.ndarray:
        """Return the number of each message."""
        sequences = sequences.astype(np.int64)
        lengths = np.concatenate([[0], np.cumsum(self.lost_last - self.lost_first + 1)])
        before = np.searchsorted(self.lost_last, sequences, side="left")
        return sequences - self.start + 1 - lengths[before]
