"""Each client has its turn, however much another has waiting."""

from __future__ import annotations

import random

import pytest

from tickwright.service.turns import Turns


def test_an_empty_queue_has_nothing():
    assert Turns[int](1).take() is None


def test_turns_go_round_and_each_client_keeps_its_order():
    turns: Turns[str] = Turns(9)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert turns.put(item[0], item)
    assert [turns.take() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


@pytest.mark.parametrize("most", [1, 2, 32])
def test_a_full_queue_takes_no_more_and_others_do(most: int):
    turns: Turns[int] = Turns(most)
    assert [turns.put("a", item) for item in range(most + 1)] == [True] * most + [False]
    assert turns.put("b", 0)
    assert len(turns) == most + 1
    assert turns.take() == 0
    assert turns.put("a", most)


def test_nobody_waits_longer_than_a_round():
    rng = random.Random(7)
    turns: Turns[tuple[str, int]] = Turns(50)
    clients = "abcdefgh"
    for number in range(5000):
        turns.put(rng.choice("a" * 20 + clients), ("x", number))
        if not number % 3:
            turns.put("z", ("z", number))
            found = [turns.take() for _ in range(len(clients) + 1)]
            assert ("z", number) in found
