"""The self-test of the Versa: frames go out, and what comes back is counted."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib.wiring import connect

from tickwright.core.regfile import RegisterFile
from tickwright.ethernet.port import ReceivePort, TransmitPort
from tickwright.platforms.frame_source import FrameSource
from tickwright.platforms.regs import LOOPBACK_MARK, LoopbackRegs
from tickwright.platforms.versa_gateware import VersaGateware
from tickwright.uart.bridge import UartBridge

__all__ = ["VersaLoopback"]


class VersaLoopback(VersaGateware):
    """Sends frames at port 1 without end, and counts at three places how they come back. ::

        FrameSource ──▶ TransmitPort ──┬──▶ order_tx        feed_rx ──▶ port_0
                                       └──▶ internal       order_rx ──▶ port_1

    ``internal`` is a receiver of the same kind before the pins, so what is right there and wrong
    at a port was spoilt between. A cable from port 1 to port 0 brings the frames to ``port_0``; a
    plug that joins the pairs of port 1, or its PHY in loop-back, to ``port_1``. `LoopbackRegs` has
    the counts; `regs` holds them, and may be looked at in simulation.
    """

    def __init__(self, **parameters):
        self.regs = RegisterFile(LoopbackRegs)
        super().__init__(**parameters)

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs     = regs     = self.regs
        m.submodules.source   = source   = FrameSource()
        m.submodules.transmit = transmit = TransmitPort("tx")
        m.submodules.bridge   = bridge   = UartBridge(
            addr_bits=len(regs.bus.addr), cycles_per_bit=self.cycles_per_bit)
        counts = {register.name: Signal(register.bits, name=register.name)
                  for register in LoopbackRegs.registers}

        connect(m, source.words, transmit.words)
        connect(m, bridge.bus, regs.bus)
        regs.attach(m, SimpleNamespace(**counts))
        m.d.comb += [
            counts["mark"].eq(LOOPBACK_MARK),
            self.order_tx.eq(transmit.pins),
            bridge.rx.eq(self.uart_rx),
            self.uart_tx.eq(bridge.tx),
        ]
        words = source.words
        _count(m, counts["sent"], words.valid & words.ready & words.p.last)
        for place, domain, pins in (("internal", "tx",       transmit.pins),
                                    ("port_0",   "rx_feed",  self.feed_rx),
                                    ("port_1",   "rx_order", self.order_rx)):
            m.submodules[place] = port = ReceivePort(domain)
            m.d.comb += port.pins.eq(pins)
            for name, good in (("good", 1), ("bad", 0)):
                _count(m, counts[f"{place}_{name}"],
                       port.frame_end.valid & (port.frame_end.p.good == good))
            if place != "internal":
                up = self.feed_up if place == "port_0" else self.order_up
                m.d.comb += up.eq(port.gigabit)

        return m


def _count(m, counter: Signal, event: Value):
    with m.If(event & ~counter.all()):
        m.d.sync += counter.eq(counter + 1)
