"""Raw frames on their way to the host, cut into records."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.encoder import message_bits
from tickwright.core.streams import WORD_BYTES, Word
from tickwright.pcie.messages import SLICE_DATA_BYTES, SliceHead
from tickwright.pcie.types import RECORD_BITS

__all__ = ["FrameSlicer"]

WORDS = SLICE_DATA_BYTES // WORD_BYTES


class FrameSlicer(wiring.Component):
    """Cuts frames into slices of 7 words and numbers them.

    Latency: 1 cycle from the last word of a slice. Throughput: 1 word per cycle.

    Members
    -------
    frames : ``In(stream.Signature(Word, always_ready=True))``
        Whole frames.
    slices : ``Out(stream.Signature(512, always_ready=True))``
        `FrameSlice`; byte i is ``payload[8*i:8*i+8]``.
    """

    frames: In(stream.Signature(Word, always_ready=True))
    slices: Out(stream.Signature(RECORD_BITS, always_ready=True))

    def elaborate(self, platform):
        m = Module()

        word = self.frames.payload
        number, place = Signal(8 * SliceHead.number.size), Signal(range(WORDS))
        first, held, filled = Signal(), Signal(8 * SLICE_DATA_BYTES), Signal(8 * SLICE_DATA_BYTES)
        ends = Signal()
        begins = Mux(place == 0, word.first, first)
        m.d.comb += [
            filled.eq(held),
            filled.word_select(place, 8 * WORD_BYTES).eq(word.data),
            ends.eq(word.last | (place == WORDS - 1)),
        ]

        m.d.sync += self.slices.valid.eq(0)
        with m.If(self.frames.valid):
            m.d.sync += [
                held.eq(filled),
                first.eq(begins),
                place.eq(Mux(ends, 0, place + 1)),
                self.slices.valid.eq(ends),
                number.eq(number + ends),
            ]
            size = (place * WORD_BYTES + word.bytes)[:8]
            head = message_bits(SliceHead, number=number, first=begins, last=word.last, bytes=size)
            m.d.sync += self.slices.payload.eq(Cat(head, filled))

        return m
