"""The spread of a pair, in the integers in which the card counts it (specification, section 6)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from tickwright.core.fixed import DEVIATION, PRICE, SPREAD

__all__ = ["DEVIATION_SHIFT", "PRICE_SHIFT", "distance"]

Integers = TypeVar("Integers", int, np.ndarray)

PRICE_SHIFT = (SPREAD.scale // (2 * PRICE.scale)).bit_length() - 1
"""From the sum of two prices, or twice one, to the unit of spreads."""

DEVIATION_SHIFT = (SPREAD.scale // DEVIATION.scale).bit_length() - 1
"""From the unit of spreads to that of deviations."""


def distance(hedge: int, mean: int, sum_a: Integers, sum_b: Integers) -> Integers:
    """Return how far a spread is from its mean, in the unit of deviations, before any clamp.

    ``sum_a`` and ``sum_b`` are bid and ask of each symbol added up: numbers, or columns of them.
    """
    return ((sum_a << PRICE_SHIFT) - hedge * sum_b - mean) >> DEVIATION_SHIFT
