"""The Versa's gateware goes from one clock to another only by what is listed here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth import *
from amaranth.lib.cdc import FFSynchronizer
from oracle.clock_crossings import OUTSIDE, Crossing, Netlist

from tickwright.platforms.versa_core import VersaCore
from tickwright.platforms.versa_gateware import VersaGateware
from tickwright.top.presets import Preset

PRESET = Preset(
    name="small", symbols=4, orders=64, window=64, pairs=2, fanout=1, hold=16, queue=8, slots=8
)  # as in every size: what differs is how deep memories are
CLOCKS = ("boot", "sync", "tx", "rx_feed", "rx_order")


def queue(place: str, writer: str, reader: str) -> set[Crossing]:
    """Return the crossings of an AsyncFIFO."""
    return {
        Crossing(f"{place}.queue.produce_cdc", writer, reader, True),
        Crossing(f"{place}.queue.consume_cdc", reader, writer, True),
        Crossing(f"{place}.queue", writer, reader, True),  # its memory
    }


LISTED = {
    *queue("gateware.feed.crossing", "rx_feed", "sync"),
    *queue("gateware.order.crossing", "rx_order", "sync"),
    *queue("gateware.transmit.crossing", "sync", "tx"),
    Crossing("gateware.transmit.crossing.done_sync", "tx", "sync", True),
    Crossing("gateware.bridge.receiver.sync", OUTSIDE, "sync", True),
    Crossing("startup.sync", OUTSIDE, "boot", True),
    Crossing("gate_sync.sync", "boot", "pll_sync", True),
    Crossing("gate_tx.sync", "boot", "pll_tx", True),
}
"""The two ends of three queues, a flag that a frame was sent, and what has no clock."""


@pytest.fixture
def crossings(netlist) -> Callable[[VersaGateware], set[Crossing]]:
    def found(gateware: VersaGateware) -> set[Crossing]:
        domains, cells = netlist(gateware)
        clocks = {name: cells.signals[domains[name].clk][0] for name in CLOCKS}
        return Netlist(cells, clocks).crossings()

    return found


class Careless(VersaGateware):
    """Reads a counter where another clock rules: as it is, or through logic and a synchroniser."""

    def __init__(self, *, synchronised: bool):
        self._synchronised = synchronised
        super().__init__()

    def elaborate(self, platform):
        m = Module()
        ours, theirs, seen = Signal(2), Signal(), Signal()
        m.d.sync += ours.eq(ours + 1)
        if self._synchronised:
            m.submodules.careless = FFSynchronizer(ours.all(), seen, o_domain="tx")
        else:
            m.d.comb += seen.eq(ours[0])
        m.d.tx += theirs.eq(seen)
        m.d.comb += self.uart_tx.eq(theirs)
        return m


def test_every_crossing_is_listed(crossings):
    assert crossings(VersaCore(PRESET)) == LISTED


def test_a_crossing_without_a_synchroniser_is_found(crossings):
    assert crossings(Careless(synchronised=False)) - LISTED == {
        Crossing("gateware", "sync", "tx", False)
    }


def test_logic_before_a_synchroniser_is_found(crossings):
    assert crossings(Careless(synchronised=True)) - LISTED == {
        Crossing("gateware.careless", "sync", "tx", False)
    }
