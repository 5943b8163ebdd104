"""What the numbers of records tell: how many are missing, and when a card began anew."""

from __future__ import annotations

import numpy as np

__all__ = ["Numbering"]


class Numbering:
    """Follows the numbers of one card's records, a batch after the other.

    ``missing`` counts the records that others came in place of; those before the first one seen are
    not missing, for the card may have told them to nobody. A number that is not above the one
    before is a card that began anew, counted in ``restarts``.
    """

    def __init__(self) -> None:
        self.newest: int | None = None
        self.missing = 0
        self.restarts = 0

    def begin(self) -> None:
        """Expect another beginning: what was seen says nothing of what comes."""
        self.newest = None

    def follow(self, numbers: np.ndarray) -> int:
        """Take the numbers of a batch; return how many are missing within it and before it."""
        if not len(numbers):
            return 0
        steps = np.diff(numbers.astype(np.int64), prepend=self._before(int(numbers[0])))
        self.newest = int(numbers[-1])
        backwards = steps < 1
        missing = int((steps[~backwards] - 1).sum())
        self.restarts += int(np.count_nonzero(backwards))
        self.missing += missing
        return missing

    def _before(self, first: int) -> int:
        return first - 1 if self.newest is None else self.newest
