"""Completions to the host, from words to beats."""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.types import CC_USER_BITS, COMPLETION_HEADER_WORDS, WORD_BITS, AxiStream

__all__ = ["MOST_WORDS", "CompletionQueue"]

MOST_WORDS = 32  # of the payload: completions end at multiples of 128 bytes


class CompletionQueue(wiring.Component):
    """Keeps each completion until it is whole, then sends it without a gap.

    Latency: 4 cycles from the last word to the first beat. Throughput: 1 word per cycle.

    Members
    -------
    words : ``In(stream, always ready)``
        The words of a completion; bit 32 marks the last one. May begin while ``room`` is 1 and
        must be at most ``COMPLETION_HEADER_WORDS + MOST_WORDS`` words.
    room : ``Out(1)``
        The longest completion fits.
    cc : ``Out(AxiStream(width, ...))``
        Completer completions for the hard block.
    """

    def __init__(self, width: int):
        self._width = width
        super().__init__({
            "words": In(stream.Signature(WORD_BITS + 1, always_ready=True)),
            "room":  Out(1),
            "cc":    Out(AxiStream(width, CC_USER_BITS)),
        })

    def elaborate(self, platform):
        m = Module()

        lanes = self._width // WORD_BITS
        most_beats = -(-(COMPLETION_HEADER_WORDS + MOST_WORDS) // lanes)
        most_beats += 1  # one may still be on its way in
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._width + lanes + 1,
                                                           depth=2 * most_beats)
        word, last = self.words.payload[:WORD_BITS], self.words.payload[WORD_BITS]

        beat, lane = Signal(self._width), Signal(range(lanes))
        filled = Signal.like(queue.w_data)
        m.d.comb += queue.w_data.eq(filled)
        m.d.sync += queue.w_en.eq(0)
        with m.If(self.words.valid):
            complete, keep = Signal(self._width), Signal(lanes)
            m.d.comb += [
                complete.eq(beat),
                complete.word_select(lane, WORD_BITS).eq(word),
                keep.eq((2 << lane) - 1),
            ]
            m.d.sync += [beat.eq(complete), lane.eq(lane + 1)]
            with m.If(last | (lane == lanes - 1)):
                m.d.sync += [
                    filled.eq(Cat(complete, keep, last)),
                    queue.w_en.eq(1),
                    lane.eq(0),
                    beat.eq(0),
                ]
        m.d.comb += self.room.eq(queue.w_level + most_beats <= queue.depth)

        whole = Signal(range(queue.depth + 1))  # completions in the queue
        comes, goes = Signal(), Signal()
        m.d.comb += [
            comes.eq(queue.w_en & filled[-1]),
            goes.eq(self.cc.tvalid & self.cc.tready & self.cc.tlast),
            Cat(self.cc.tdata, self.cc.tkeep, self.cc.tlast).eq(queue.r_data),
            self.cc.tvalid.eq(queue.r_rdy & (whole != 0)),
            queue.r_en.eq(self.cc.tvalid & self.cc.tready),
        ]
        m.d.sync += whole.eq(whole + comes - goes)

        return m
