"""What the card says of a symbol is read whole, though it changes while it is read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fake_card.bench import Bench

from tickwright.host.card import Card
from tickwright.host.ledger import read_account, read_pair
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import base

LOW, HIGH = (base("risk") + RiskRegs.worst_long.offset + 4 * word for word in range(2))


class Turning:
    """A card whose worst case turns from 5 to -5 and back while it is read, once."""

    def __init__(self, card) -> None:
        self.card = card
        self.turns = 1

    def read(self, addr: int) -> int:
        if addr == HIGH:
            return 0
        if addr == LOW:
            self.turns -= 1
            return 5 if self.turns < 0 else (1 << 32) - 5
        return self.card.read(addr)

    def write(self, addr: int, value: int) -> None:
        self.card.write(addr, value)


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path).started() as bench:
        bench.load()
        yield bench


def test_an_account_is_what_the_card_has(bench):
    found = read_account(Card(bench.card), 0)
    assert (found.position, found.worst_long, found.worst_short) == (30, 30, -30)


def test_an_account_and_a_pair_are_one_turn_on_the_bus_each(bench, monkeypatch):
    card, turns = Card(bench.card), 0

    def read_words(addrs: Sequence[int]) -> list[int]:
        nonlocal turns
        turns += 1
        return [bench.card.read(addr) for addr in addrs]

    monkeypatch.setattr(bench.card, "read_words", read_words, raising=False)
    read_account(card, 0)
    assert turns == 1
    read_pair(card, 0)
    assert turns == 2


def test_a_worst_case_whose_sign_turns_twice_is_read_again(bench):
    assert read_account(Card(Turning(bench.card)), 0).worst_long == 5
