"""Ethernet frames as they arrive: their start, their words and the late verdict on them."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import fields
from tickwright.core.streams import FrameEnd, Word
from tickwright.net.headers import ETHERTYPE_IPV4, ETHERTYPE_VLAN, Ethernet, VlanTag

__all__ = ["HEAD_WORDS", "PACKET_BYTES", "Arrival", "FrameHead", "FrameVerdicts"]

HEAD_WORDS = 6
"""Words of a frame that hold its headers up to UDP, tagged or not."""

PACKET_BYTES = 28
"""Bytes shown of the packet in a frame: an IPv4 and a UDP header."""

UNTAGGED = Ethernet.size
TAGGED = Ethernet.size + VlanTag.size


class Arrival(data.Struct):
    """When and how a frame came."""

    stamp_ns: unsigned(64)  # card time of its first word
    frame:    unsigned(16)  # frames received before it, modulo 2**16
    enabled:  unsigned(1)   # frames were to be taken then


class FrameHead(wiring.Component):
    """Passes words on and keeps the head of their frame for the checks of the layers above. ::

        arriving ──▶ [ register ] ──▶ words, index, arrival
                          └──▶ [ keep 6 words ] ──▶ packet ──▶ checks

    Latency: 1 cycle to ``words``, ``index`` and ``arrival``; 2 cycles to ``packet`` and ``tagged``;
    4 cycles to ``not_ipv4``. Throughput: 1 word per cycle.

    Members
    -------
    arriving : ``In(stream.Signature(Word, always_ready=True))``
        Frames from the MAC.
    now_ns, enable : ``In(64)``, ``In(1)``
        Card time and whether frames are to be taken; read in the cycle of a frame's first word.
    words : ``Out(stream.Signature(Word, always_ready=True))``
        The same frames.
    index : ``Out(4)``
        Words of the frame before this one; stops at 15.
    arrival : ``Out(Arrival)``
        When the frame of ``words`` came.
    packet : ``Out(8 * PACKET_BYTES)``
        What follows the Ethernet header and its tag; its first byte lowest.
    tagged : ``Out(1)``
        The frame carries one 802.1Q tag.
    not_ipv4 : ``Out(1)``
        What follows is no IPv4 packet.
    """

    arriving: In(stream.Signature(Word, always_ready=True))
    now_ns:   In(64)
    enable:   In(1)
    words:    Out(stream.Signature(Word, always_ready=True))
    index:    Out(4)
    arrival:  Out(Arrival)
    packet:   Out(8 * PACKET_BYTES)
    tagged:   Out(1)
    not_ipv4: Out(1)

    def elaborate(self, platform):
        m = Module()

        count = Signal(16)
        m.d.sync += self.words.valid.eq(self.arriving.valid)
        with m.If(self.arriving.valid):
            m.d.sync += self.words.p.eq(self.arriving.p)
            with m.If(self.arriving.p.first):
                m.d.sync += [
                    count.eq(count + 1),
                    self.index.eq(0),
                    self.arrival.stamp_ns.eq(self.now_ns),
                    self.arrival.frame.eq(count),
                    self.arrival.enabled.eq(self.enable),
                ]
            with m.Elif(~self.index.all()):
                m.d.sync += self.index.eq(self.index + 1)

        head = Signal(HEAD_WORDS * 64)
        with m.If(self.words.valid), m.Switch(self.index):
            for index in range(HEAD_WORDS):
                with m.Case(index):
                    m.d.sync += head[64 * index : 64 * (index + 1)].eq(self.words.p.data)

        outer = fields(Ethernet, head).ethertype
        inner = fields(VlanTag, head, at=Ethernet.size).ethertype
        other = Signal()
        m.d.comb += [
            self.tagged.eq(outer == ETHERTYPE_VLAN),
            self.packet.eq(Mux(self.tagged, head[8 * TAGGED :], head[8 * UNTAGGED :])),
        ]
        m.d.sync += other.eq(Mux(self.tagged, inner, outer) != ETHERTYPE_IPV4)
        m.d.sync += self.not_ipv4.eq(other)

        return m


class FrameVerdicts(wiring.Component):
    """Says of which frame a late verdict is, and when all else of that frame has been seen.

    A verdict comes with the last word of its frame, or later, up to the cycle of the next frame's
    first word.

    Latency: 4 cycles from a verdict in step with ``words``, so that a verdict follows everything
    that the frame said, and comes before anything the next frame says.

    ``short_words``: a frame of fewer words than this is short.

    Members
    -------
    words : ``In(stream.Signature(Word, always_ready=True))``
        Frames, as `FrameHead` passes them on.
    index : ``In(4)``
        Words of the frame before this one.
    frame_end : ``In(stream.Signature(FrameEnd, always_ready=True))``
        Verdicts, delayed as the words are.
    bad, bad_short : ``Out(1)``
        For a cycle: a frame was bad; it was a short one.
    """

    words:     In(stream.Signature(Word, always_ready=True))
    index:     In(4)
    frame_end: In(stream.Signature(FrameEnd, always_ready=True))
    bad:       Out(1)
    bad_short: Out(1)

    DELAY = 4

    def __init__(self, *, short_words: int):
        if not 0 < short_words < 16:
            raise ValueError(f"short_words is {short_words}, expected 1 to 15")
        self.short_words = short_words
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        awaited = Signal()       # the frame before has ended, its verdict has not come
        awaited_short = Signal()
        ends_now = self.words.valid & self.words.p.last
        short = Signal()
        m.d.comb += short.eq(self.index + 1 < self.short_words)
        with m.If(ends_now):
            m.d.sync += awaited.eq(~self.frame_end.valid | awaited)
            m.d.sync += awaited_short.eq(short)
        with m.Elif(self.frame_end.valid):
            m.d.sync += awaited.eq(0)

        bad = self.frame_end.valid & ~self.frame_end.p.good
        bad_short = Mux(awaited, awaited_short, short)
        for _ in range(self.DELAY - 1):
            later, later_short = Signal(), Signal()
            m.d.sync += later.eq(bad)
            m.d.sync += later_short.eq(bad_short)
            bad, bad_short = later, later_short
        m.d.sync += self.bad.eq(bad)
        m.d.sync += self.bad_short.eq(bad_short)

        return m
