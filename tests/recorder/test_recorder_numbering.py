"""What is missing is counted by the numbers, whatever the batches."""

from __future__ import annotations

import numpy as np
import pytest

from tickwright.recorder.numbering import Numbering


@pytest.mark.parametrize(
    ("batches", "missing", "restarts"),
    [
        pytest.param([[]], 0, 0, id="nothing"),
        pytest.param([[17, 18], [19]], 0, 0, id="a-first-number-says-nothing"),
        pytest.param([[0, 1, 4]], 2, 0, id="within-a-batch"),
        pytest.param([[0, 1], [], [5]], 3, 0, id="between-batches"),
        pytest.param([[7, 8], [0, 2]], 1, 1, id="a-card-that-began-anew"),
        pytest.param([[3, 3]], 0, 1, id="the-same-number-twice"),
        pytest.param([[(1 << 48) - 2], [(1 << 48) - 1]], 0, 0, id="the-largest-numbers"),
    ],
)
def test_missing_numbers_are_counted(batches: list[list[int]], missing: int, restarts: int):
    numbering = Numbering()
    found = sum(numbering.follow(np.array(batch, np.int64)) for batch in batches)
    assert (found, numbering.missing, numbering.restarts) == (missing, missing, restarts)


def test_batches_of_any_size_find_the_same():
    rng = np.random.default_rng(5)
    numbers = np.cumsum(rng.integers(1, 4, 1000))
    numbering, place = Numbering(), 0
    while place < len(numbers):
        size = int(rng.integers(0, 30))
        numbering.follow(numbers[place : place + size])
        place += size
    assert numbering.missing == numbers[-1] - numbers[0] + 1 - len(numbers)
    numbering.begin()
    assert numbering.follow(np.array([0])) == 0
