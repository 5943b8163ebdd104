"""Frames at the user port of a MAC of AMD, as words and back.

Source: AMD, 10G/25G High Speed Ethernet Subsystem (PG210), AXI4-Stream user interface of the MAC
with a 64-bit data path: byte i of a beat is ``tdata[8*i:8*i+8]``, the bytes that count are the
lowest ones, and ``tuser`` of the last beat received says that the frame is bad. The MAC adds and
removes preamble and FCS; what it sends must not pause within a frame.
"""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, FrameEnd, Word
from tickwright.ethernet.reasons import FrameReason

__all__ = ["MacBeat", "MacReceiver", "MacTransmitter"]


class MacBeat(wiring.Signature):
    """What one direction of a MAC's user port shows in a cycle.

    Members
    -------
    tdata, tkeep, tlast, tuser, tvalid : ``Out``
        A beat; ``tkeep`` has a bit for each byte.
    """

    def __init__(self):
        super().__init__({
            "tdata":  Out(8 * WORD_BYTES),
            "tkeep":  Out(WORD_BYTES),
            "tlast":  Out(1),
            "tuser":  Out(1),
            "tvalid": Out(1),
        })


class MacReceiver(wiring.Component):
    """Makes words of the beats that a MAC received; it takes each at once.

    Latency: 0 cycles; the verdict comes with the last word. Throughput: 1 word per cycle.

    Members
    -------
    beats : ``In(MacBeat())``
        Frames without preamble and FCS.
    words, frame_end : ``Out(stream, always ready)``
        The same, and the verdict on each.
    """

    beats:     In(MacBeat())
    words:     Out(stream.Signature(Word, always_ready=True))
    frame_end: Out(stream.Signature(FrameEnd, always_ready=True))

    def elaborate(self, platform):
        m = Module()

        within = Signal()  # a frame has begun and not ended
        ends = self.beats.tvalid & self.beats.tlast
        with m.If(self.beats.tvalid):
            m.d.sync += within.eq(~self.beats.tlast)
        m.d.comb += [
            self.words.valid.eq(self.beats.tvalid),
            self.words.p.data.eq(self.beats.tdata),
            self.words.p.bytes.eq(sum(self.beats.tkeep)),
            self.words.p.first.eq(~within),
            self.words.p.last.eq(self.beats.tlast),
            self.frame_end.valid.eq(ends),
            self.frame_end.p.good.eq(~self.beats.tuser),
            self.frame_end.p.reason.eq(
                Mux(self.beats.tuser, FrameReason.ERROR, FrameReason.GOOD)),
        ]

        return m


class MacTransmitter(wiring.Component):
    """Makes beats of the words that a MAC is to send.

    Latency: 0 cycles. Throughput: 1 word per cycle.

    Members
    -------
    words : ``In(stream.Signature(Word))``
        Frames without preamble and FCS; no word may be late within a frame.
    beats : ``Out(MacBeat())``
        The same.
    tready : ``In(1)``
        The MAC takes the beat.
    """

    words:  In(stream.Signature(Word))
    beats:  Out(MacBeat())
    tready: In(1)

    def elaborate(self, platform):
        m = Module()

        m.d.comb += [
            self.beats.tvalid.eq(self.words.valid),
            self.beats.tdata.eq(self.words.p.data),
            self.beats.tkeep.eq((1 << self.words.p.bytes) - 1),
            self.beats.tlast.eq(self.words.p.last),
            self.words.ready.eq(self.tready),
        ]

        return m
