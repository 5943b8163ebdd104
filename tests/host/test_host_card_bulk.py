"""A load of the largest card takes few enough accesses to be over at once on any bus.

On PCI Express a write is posted and the endpoint takes it in a few cycles; what takes time is a
read, some microseconds there and back. At a microsecond a write and ten a read, all of it is over
in less than 50 ms.
"""

from __future__ import annotations

from fake_card.card import FakeCard

from tickwright.bus.way import Way
from tickwright.host.card import Card
from tickwright.host.sets import LimitSet, ParameterSet
from tickwright.host.setup import GateSetup, PairSetup, SymbolSetup
from tickwright.top.presets import PRESETS

LARGEST = PRESETS["alveo"]
WRITE_NS, READ_NS, MOST_NS = 1_000, 10_000, 50_000_000


class Counted(Way):
    """A way on which accesses are counted."""

    def __init__(self, card: FakeCard) -> None:
        self._card = card
        self.reads = self.writes = 0

    def read(self, addr: int) -> int:
        self.reads += 1
        return self._card.read(addr)

    def write(self, addr: int, value: int) -> None:
        self.writes += 1
        self._card.write(addr, value)

    def close(self) -> None:
        """Nothing is held."""


def a_pair(index: int) -> PairSetup:
    return PairSetup(
        name=f"pair {index}",
        symbol_a=index,
        symbol_b=(index + 1) % LARGEST.symbols,
        hedge=1 << 16,
        mean=-5,
        entry_deviation=1 << 20,
        exit_deviation=1 << 10,
        stop_deviation=1 << 24,
        min_edge=7,
        shares_a=100,
        shares_b=50,
        max_spread_a=3,
        max_spread_b=3,
        aggression_a=1,
        aggression_b=2,
        retry_ns=10,
    )


def test_512_pairs_and_512_symbols_take_less_than_50_ms_of_bus_time():
    assert (LARGEST.symbols, LARGEST.pairs) == (512, 512)
    symbols = tuple(
        SymbolSetup(name=f"S{n}", max_shares=100, max_notional=10**9, max_position=500, collar=5000)
        for n in range(LARGEST.symbols)
    )
    gate = GateSetup(state="armed", max_shares=100, max_notional=10**9)
    parameters = ParameterSet(epoch=1, pairs=tuple(map(a_pair, range(LARGEST.pairs))))
    way = Counted(FakeCard(LARGEST))
    card = Card(way)
    card.load_limits(LimitSet(epoch=1, symbols=symbols, gate=gate), positions_confirmed=False)
    card.load_parameters(parameters)
    assert card.strategy.active_epoch == card.risk.active_limits_epoch == 1
    assert way.writes > LARGEST.pairs * 20 + LARGEST.symbols * 5
    assert way.writes * WRITE_NS + way.reads * READ_NS < MOST_NS, (way.writes, way.reads)
