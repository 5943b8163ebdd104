"""The least that can stand between the pins of the Versa, so that its board can be looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth import *
from amaranth.hdl._ir import build_netlist
from amaranth.hdl._nir import Netlist

from tickwright.ethernet.port import ReceivePort, TransmitPort
from tickwright.platforms.versa import Versa, VersaTop
from tickwright.platforms.versa_gateware import VersaGateware


class Echo(VersaGateware):
    """Sends what came in at port 1, as far as the line is free for it."""

    def elaborate(self, platform):
        m = Module()

        m.submodules.order = order = ReceivePort("rx_order")
        m.submodules.transmit = transmit = TransmitPort("tx")
        m.d.comb += [
            order.pins.eq(self.order_rx),
            transmit.words.valid.eq(order.words.valid),
            transmit.words.payload.eq(order.words.payload),
            self.order_tx.eq(transmit.pins),
            self.order_up.eq(order.gigabit),
            self.feed_up.eq(self.feed_rx.rising.control),
        ]

        return m


class Looking(Versa):
    """The board, as one that looks at its netlist instead of building it."""

    def toolchain_prepare(self, fragment, name, **_):
        return fragment.fragment.domains, build_netlist(fragment)


@pytest.fixture
def netlist() -> Callable[[VersaGateware], tuple[dict[str, ClockDomain], Netlist]]:
    """Return what tells the clock domains and the netlist of the board with some gateware."""
    return lambda gateware: Looking().build(VersaTop(gateware), do_build=False)


@pytest.fixture
def echo() -> type[VersaGateware]:
    return Echo
