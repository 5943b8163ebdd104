"""Frames between the clock of a PHY and the clock of the card.

Both domains have to be reset together: a side that begins anew by itself does not know what the
other has begun, and a frame that was under way would be joined to the next.
"""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import FrameEnd, Word

__all__ = ["ReceiveCrossing", "TransmitCrossing"]

DEPTH = 8  # of a queue: what is under way in its pointers, and as much again


class ReceiveCrossing(wiring.Component):
    """Brings what a PHY received to the card.

    The card takes what is there in every cycle, and words come a full one at a time, so the queue
    never fills while the card's clock is not slower than the PHY's by a factor of `WORD_BYTES`.

    Latency: from a word to the same in the card, 1 cycle of the PHY's clock and at most 2 of the
    card's. Throughput: 1 word per `WORD_BYTES` cycles of the PHY's clock.

    ``phy_domain``: the PHY's clock; the other side is ``sync``.

    Members
    -------
    phy_words, phy_end : ``In(stream.Signature(..., always_ready=True))``
        Frames, and the verdict on each together with its last word.
    words, frame_end : ``Out(stream.Signature(..., always_ready=True))``
        The same.
    """

    phy_words: In(stream.Signature(Word, always_ready=True))
    phy_end:   In(stream.Signature(FrameEnd, always_ready=True))
    words:     Out(stream.Signature(Word, always_ready=True))
    frame_end: Out(stream.Signature(FrameEnd, always_ready=True))

    def __init__(self, phy_domain: str):
        self.phy_domain = phy_domain
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        item = data.StructLayout({"word": Word, "ended": 1, "end": FrameEnd})
        m.submodules.queue = queue = AsyncFIFO(
            width=item.size, depth=DEPTH, w_domain=self.phy_domain, r_domain="sync")
        given, taken = Signal(item), Signal(item)
        m.d.comb += [
            given.word.eq(self.phy_words.p),
            given.ended.eq(self.phy_end.valid),
            given.end.eq(self.phy_end.p),
            queue.w_data.eq(given),
            queue.w_en.eq(self.phy_words.valid),
            queue.r_en.eq(1),
            taken.eq(queue.r_data),
            self.words.valid.eq(queue.r_rdy),
            self.words.p.eq(taken.word),
            self.frame_end.valid.eq(queue.r_rdy & taken.ended),
            self.frame_end.p.eq(taken.end),
        ]

        return m


class TransmitCrossing(wiring.Component):
    """Brings what the card sends to a PHY, and takes a frame only when its transmitter is free.

    So a frame that was taken is on the wire at once, and nothing waits behind another. Of a frame
    that has begun, each word is taken as long as the queue has room for it.

    Latency: from a first word that is taken to the same at the transmitter, 1 cycle of the card's
    clock and at most 2 of the PHY's. From the cycle in which the transmitter is free again to the
    one in which a frame may be taken, 1 cycle of the PHY's clock and at most 2 of the card's.
    Throughput: 1 word per cycle of the slower clock, within a frame.

    ``phy_domain``: the PHY's clock; the other side is ``sync``.

    Members
    -------
    words : ``In(stream.Signature(Word))``
        Frames.
    phy_words : ``Out(stream.Signature(Word))``
        The same.
    phy_idle : ``In(1)``
        The transmitter has sent all that it took, and its gap is over.
    """

    words:     In(stream.Signature(Word))
    phy_words: Out(stream.Signature(Word))
    phy_idle:  In(1)

    def __init__(self, phy_domain: str):
        self.phy_domain = phy_domain
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        m.submodules.queue = queue = AsyncFIFO(
            width=Word.as_shape().size, depth=DEPTH, w_domain="sync", r_domain=self.phy_domain)
        within = Signal()  # a frame has begun and not ended
        begun  = Signal()  # turns with every frame that begins
        done   = Signal()  # is the same once that frame is sent
        m.submodules.done_sync = FFSynchronizer(self._done(m), done)

        takes = self.words.valid & self.words.ready
        m.d.comb += [
            self.words.ready.eq(queue.w_rdy & (within | (begun == done))),
            queue.w_en.eq(takes),
            queue.w_data.eq(self.words.p),
            self.phy_words.valid.eq(queue.r_rdy),
            self.phy_words.p.eq(queue.r_data),
            queue.r_en.eq(self.phy_words.ready),
        ]
        with m.If(takes):
            m.d.sync += within.eq(~self.words.p.last)
            with m.If(~within):
                m.d.sync += begun.eq(~begun)

        return m

    def _done(self, m) -> Signal:
        """Return what turns with every frame that was sent, in the PHY's domain."""
        done, ended = Signal(), Signal()  # ended: the last word was given to the transmitter
        sent = m.d[self.phy_domain]
        with m.If(self.phy_words.valid & self.phy_words.ready & self.phy_words.p.last):
            sent += ended.eq(1)
        with m.Elif(ended & self.phy_idle):
            sent += [ended.eq(0), done.eq(~done)]
        return done
