"""How far a spread is from its mean, as the specification has it, in numbers and in columns."""

import random

import numpy as np

from tickwright.core.fixed import DEVIATION, PRICE, SPREAD
from tickwright.model.spread import DEVIATION_SHIFT, PRICE_SHIFT, distance


def test_units_are_those_of_the_card():
    assert (PRICE_SHIFT, DEVIATION_SHIFT) == (16, 8)
    assert 2 * PRICE.scale << PRICE_SHIFT == SPREAD.scale
    assert DEVIATION.scale << DEVIATION_SHIFT == SPREAD.scale


def test_distance_is_that_of_the_specification():
    rng = random.Random(7)
    hedge, mean = rng.randrange(1 << 15, 1 << 17), rng.randrange(1 << 46)
    quotes = [[rng.randrange(1 << 32) for _ in range(4)] for _ in range(100)]
    expected = [
        (((bid_a + ask_a) << 16) - (hedge * ask_b + hedge * bid_b) - mean) >> 8
        for bid_a, ask_a, bid_b, ask_b in quotes
    ]
    sums = [(quote[0] + quote[1], quote[2] + quote[3]) for quote in quotes]
    assert [distance(hedge, mean, *pair) for pair in sums] == expected
    sum_a, sum_b = np.array(sums, np.int64).T
    assert distance(hedge, mean, sum_a, sum_b).tolist() == expected
    assert min(expected) < 0 < max(expected)
