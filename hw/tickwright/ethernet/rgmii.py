"""The pins of a PHY with a reduced interface, as what they carry at the two edges of a cycle.

RGMII v2.0 (Hewlett-Packard, 4/1/2002; the status in section 3.4.1); at 1 Gb/s alone, for at 10 and
100 Mb/s a cycle carries half a byte. The registers for both edges belong to the board, and so does
the delay of 2 ns between data and clock: an input register shows what it took at a rising edge and
at the falling edge after it together, an output register sends them in that order (in Amaranth's
`DDRBuffer`, ``[0]`` and ``[1]``).
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.ethernet.types import Gmii, Rgmii, RgmiiSpeed

__all__ = ["RgmiiReceiver", "RgmiiTransmitter"]


class RgmiiReceiver(wiring.Component):
    """Makes bytes of what the PHY sends, and keeps what it tells of the link between frames.

    The status is there where neither valid nor error is, in the half that comes at the rising edge;
    with an error between frames, the data mean something else. A PHY that gives no status, which is
    optional, sends zeros: then the link looks to be down.

    Latency: 0 cycles to `gmii`, 1 cycle to the status. Throughput: 1 byte per cycle.

    Members
    -------
    pins : ``In(Rgmii)``
        RD and RX_CTL, in the domain of RXC.
    gmii : ``Out(Gmii)``
        The byte of this cycle.
    link_up, full_duplex : ``Out(1)``
        What the PHY told last; 0 before it told anything.
    speed : ``Out(RgmiiSpeed)``
        The same.
    """

    pins:        In(Rgmii)
    gmii:        Out(Gmii)
    link_up:     Out(1)
    speed:       Out(RgmiiSpeed)
    full_duplex: Out(1)

    def elaborate(self, platform):
        m = Module()

        rising, falling = self.pins.rising, self.pins.falling
        m.d.comb += [
            self.gmii.data.eq(Cat(rising.data, falling.data)),
            self.gmii.valid.eq(rising.control),
            self.gmii.error.eq(rising.control ^ falling.control),
        ]
        with m.If(~self.gmii.valid & ~self.gmii.error):
            m.d.sync += Cat(self.link_up, self.speed, self.full_duplex).eq(rising.data)

        return m


class RgmiiTransmitter(wiring.Component):
    """Makes of bytes what the PHY is to get.

    Latency: 0 cycles. Throughput: 1 byte per cycle.

    Members
    -------
    gmii : ``In(Gmii)``
        The byte of this cycle.
    pins : ``Out(Rgmii)``
        TD and TX_CTL, in the domain of TXC.
    """

    gmii: In(Gmii)
    pins: Out(Rgmii)

    def elaborate(self, platform):
        m = Module()

        m.d.comb += [
            Cat(self.pins.rising.data, self.pins.falling.data).eq(self.gmii.data),
            self.pins.rising.control.eq(self.gmii.valid),
            self.pins.falling.control.eq(self.gmii.valid ^ self.gmii.error),
        ]

        return m
