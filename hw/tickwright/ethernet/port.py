"""The two directions of a port, between the registers of its pins and the card."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.streams import FrameEnd, Word
from tickwright.ethernet.crossing import ReceiveCrossing, TransmitCrossing
from tickwright.ethernet.receiver import GmiiReceiver
from tickwright.ethernet.rgmii import RgmiiReceiver, RgmiiTransmitter
from tickwright.ethernet.transmitter import GmiiTransmitter
from tickwright.ethernet.types import Rgmii, RgmiiSpeed

__all__ = ["ReceivePort", "TransmitPort"]


class ReceivePort(wiring.Component):
    """Brings the frames of a PHY to the card. ::

        pins ──▶ RgmiiReceiver ──▶ GmiiReceiver ──▶ ReceiveCrossing ──▶ words, frame_end

    Latency: that of its parts, 6 cycles of the PHY's clock and at most 2 of the card's from a
    word's last byte to the word. Throughput: 1 byte per cycle of the PHY's clock.

    ``phy_domain``: the PHY's clock, RXC; the other side is ``sync``.

    Members
    -------
    pins : ``In(Rgmii)``
        RD and RX_CTL.
    words, frame_end : ``Out(stream.Signature(..., always_ready=True))``
        Frames, and the verdict on each together with its last word.
    gigabit : ``Out(1)``
        The PHY told last that the link is up at 1 Gb/s; in its own domain.
    """

    pins:      In(Rgmii)
    words:     Out(stream.Signature(Word, always_ready=True))
    frame_end: Out(stream.Signature(FrameEnd, always_ready=True))
    gigabit:   Out(1)

    def __init__(self, phy_domain: str):
        self.phy_domain = phy_domain
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        of_phy = DomainRenamer(self.phy_domain)
        pins, receiver = RgmiiReceiver(), GmiiReceiver()
        m.submodules.pins     = of_phy(pins)
        m.submodules.receiver = of_phy(receiver)
        m.submodules.crossing = crossing = ReceiveCrossing(self.phy_domain)

        connect(m, receiver.words, crossing.phy_words)
        connect(m, receiver.frame_end, crossing.phy_end)
        connect(m, crossing.words, flipped(self.words))
        connect(m, crossing.frame_end, flipped(self.frame_end))
        m.d.comb += [
            pins.pins.eq(self.pins),
            receiver.gmii.eq(pins.gmii),
            self.gigabit.eq(pins.link_up & (pins.speed == RgmiiSpeed.MBPS_1000)),
        ]

        return m


class TransmitPort(wiring.Component):
    """Brings the frames of the card to a PHY, one when the one before is on the line. ::

        words ──▶ TransmitCrossing ──▶ GmiiTransmitter ──▶ RgmiiTransmitter ──▶ pins

    Latency: that of its parts, 1 cycle of the card's clock and at most 3 of the PHY's from a first
    word that is taken to the first byte of the preamble. Throughput: a frame of n bytes takes
    ``max(n, 60) + 24`` cycles of the PHY's clock, and what the crossing needs to know of its end.

    ``phy_domain``: the PHY's clock, TXC; the other side is ``sync``.

    Members
    -------
    words : ``In(stream.Signature(Word))``
        Frames, without padding and FCS; ``ready`` before a frame says that the line is free.
    pins : ``Out(Rgmii)``
        TD and TX_CTL.
    """

    words: In(stream.Signature(Word))
    pins:  Out(Rgmii)

    def __init__(self, phy_domain: str):
        self.phy_domain = phy_domain
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        of_phy = DomainRenamer(self.phy_domain)
        transmitter = GmiiTransmitter()
        m.submodules.crossing    = crossing = TransmitCrossing(self.phy_domain)
        m.submodules.transmitter = of_phy(transmitter)
        m.submodules.pins        = pins = RgmiiTransmitter()

        connect(m, flipped(self.words), crossing.words)
        connect(m, crossing.phy_words, transmitter.words)
        m.d.comb += [
            crossing.phy_idle.eq(transmitter.idle),
            pins.gmii.eq(transmitter.gmii),
            self.pins.eq(pins.pins),
        ]

        return m
