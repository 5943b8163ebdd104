"""Frames to try a line with."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out

from tickwright.core.encoder import message_bits
from tickwright.core.streams import WORD_BYTES, Word
from tickwright.net.headers import Ethernet

__all__ = ["FRAME_WORDS", "FrameSource"]

FRAME_WORDS  = 16
BROADCAST    = bytes.fromhex("ffffffffffff")
SOURCE       = bytes.fromhex("020000000001")  # locally administered
EXPERIMENTAL = 0x88B5  # local experimental Ethertype 1 of IEEE 802
LFSR_TAPS    = (63, 62, 60, 59)  # of the longest sequence that 64 bits have
LFSR_INIT    = 0x9E3779B97F4A7C15


class FrameSource(wiring.Component):
    """Offers frames without end, each of `FRAME_WORDS` words: header, then noise.

    The noise is that of a shift register, which goes on from frame to frame.

    Latency: none. Throughput: 1 word per cycle.

    Members
    -------
    words : ``Out(stream.Signature(Word))``
        The frames.
    """

    words: Out(stream.Signature(Word))

    def elaborate(self, platform):
        m = Module()

        index = Signal(range(FRAME_WORDS))
        noise = Signal(8 * WORD_BYTES, init=LFSR_INIT)
        header = message_bits(Ethernet, destination=BROADCAST, source=SOURCE,
                              ethertype=EXPERIMENTAL)
        first, second = header[: 8 * WORD_BYTES], header[8 * WORD_BYTES :]
        m.d.comb += [
            self.words.valid.eq(1),
            self.words.p.data.eq(noise),
            self.words.p.bytes.eq(WORD_BYTES),
            self.words.p.first.eq(index == 0),
            self.words.p.last.eq(index == FRAME_WORDS - 1),
        ]
        with m.If(index == 0):
            m.d.comb += self.words.p.data.eq(first)
        with m.If(index == 1):
            m.d.comb += self.words.p.data.eq(Cat(second, noise[len(second) :]))
        with m.If(self.words.ready):
            m.d.sync += index.eq(index + 1)
            bits = list(noise)
            for _ in range(len(noise)):
                bits = [Cat(bits[tap] for tap in LFSR_TAPS).xor(), *bits[:-1]]
            m.d.sync += noise.eq(Cat(bits))

        return m
