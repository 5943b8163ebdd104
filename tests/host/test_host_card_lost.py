"""Of what is lost on the way a kill is written again; the opening of the feed is told at once."""

from __future__ import annotations

import pytest
from oracle.faulty_line import FaultyLine, lost
from service_party.gate import ARM, ARM_AS, KILL, MAP_HASH, Gate, GateWay

from tickwright.bus.errors import BusError
from tickwright.bus.uart_driver import UartDriver
from tickwright.host.card import Card, CardError
from tickwright.risk.checks import STATES
from tickwright.top.memory_map import fingerprint


class LosingWay(GateWay):
    """A way that loses so many kills, and counts what is read after the first."""

    def __init__(self, gate: Gate, lost: int) -> None:
        super().__init__(gate)
        self.lost = lost
        self.kills = self.reads = 0

    def read(self, addr: int) -> int:
        self.reads += self.kills > 0
        return super().read(addr)

    def write(self, addr: int, value: int) -> None:
        self.kills += addr == KILL
        if addr != KILL or self.kills > self.lost:
            super().write(addr, value)


def losing(count: int) -> tuple[Gate, LosingWay]:
    gate = Gate()
    gate.write(ARM_AS, STATES.index("armed"))
    gate.write(ARM, 1)
    return gate, LosingWay(gate, count)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_each_kill_that_is_lost_costs_a_few_reads(count: int):
    gate, way = losing(count)
    Card(way).kill()
    assert gate.state == "killed"
    assert way.kills == count + 1
    assert way.reads <= 10 * count + 1


def test_a_card_that_hears_none_is_told():
    gate, way = losing(1_000_000)
    with pytest.raises(CardError, match="kill: state of the gate: found armed, expected killed"):
        Card(way).kill()
    assert gate.state == "armed"
    assert way.reads == 1_000


def test_a_feed_that_is_not_opened_is_told_before_it_is_said_to_be():
    line = FaultyLine()
    line.bridge.words[MAP_HASH] = fingerprint()
    with UartDriver(line) as way:
        card = Card(way)
        line.to_bridge = [lost]
        with pytest.raises(BusError, match=r"write to .* expected its answer"):
            card.open_feed()
        card.open_feed()
        assert card.feed.enable == 1
