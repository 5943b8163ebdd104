"""Requests of the host, word by word."""

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.types import (
    CQ_DISCONTINUE,
    CQ_FIRST,
    CQ_USER_BITS,
    WORD_BITS,
    AxiStream,
    RequestWord,
)

__all__ = ["RequestQueue"]

DEPTH = 512  # words; the longest request of the hard block has 4 + 256


class RequestQueue(wiring.Component):
    """Keeps each request until it is whole, then passes it on word by word.

    A request that the hard block breaks off (``discontinue``) and one longer than the queue are
    forgotten as if they had never come, and counted: no register ever sees half a request. ::

        cq ──▶ [ beat: a word a cycle ] ──▶ [ queue, up to the last whole request ] ──▶ words

    Latency: from the beat with the last word until its first word can be taken, 2 cycles and one
    for each word of that beat. Throughput: 1 word per cycle.

    Members
    -------
    cq : ``In(AxiStream(width, ...))``
        Completer requests of the hard block.
    words : ``Out(stream.Signature(RequestWord))``
        The words of whole requests, without their gaps.
    discarded : ``Out(1)``
        In this cycle a request was forgotten.
    """

    def __init__(self, width: int):
        super().__init__({
            "cq":        In(AxiStream(width, CQ_USER_BITS)),
            "words":     Out(stream.Signature(RequestWord)),
            "discarded": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.queue = queue = memory.Memory(shape=RequestWord, depth=DEPTH, init=[])
        store, fetch = queue.write_port(), queue.read_port()
        write, whole, read = (Signal(DEPTH.bit_length(), name=name)  # one bit more than an address
                              for name in ("write", "whole", "read"))
        full = (write - read)[:len(write)] == DEPTH

        # The beat under way; its words leave from below.
        lanes, keep = Signal.like(self.cq.tdata), Signal.like(self.cq.tkeep)
        last, damaged, too_long = Signal(), Signal(), Signal()
        enables = Signal(8)
        passes, beat_ends = Signal(), Signal()
        m.d.comb += [
            too_long.eq(full & (whole == read)),
            passes.eq(keep[0] & (~full | too_long | damaged)),
            beat_ends.eq(passes & ~keep[1]),
            self.cq.tready.eq(~keep[0] | beat_ends),
            store.addr.eq(write[:-1]),
            store.data.eq(Cat(lanes[:WORD_BITS], enables, last & ~keep[1])),
            store.en.eq(passes & ~full & ~damaged),
        ]
        with m.If(passes):
            m.d.sync += [lanes.eq(lanes >> WORD_BITS), keep.eq(keep >> 1)]
            m.d.sync += damaged.eq(damaged | too_long)
            with m.If(store.en):
                m.d.sync += write.eq(write + 1)
        with m.If(beat_ends & last):
            m.d.sync += damaged.eq(0)
            with m.If(store.en):
                m.d.sync += whole.eq(write + 1)
            with m.Else():
                m.d.sync += write.eq(whole)
                m.d.comb += self.discarded.eq(1)
        with m.If(self.cq.tready):
            m.d.sync += keep.eq(Mux(self.cq.tvalid, self.cq.tkeep, 0))
        with m.If(self.cq.tready & self.cq.tvalid):
            m.d.sync += [lanes.eq(self.cq.tdata), last.eq(self.cq.tlast)]
            with m.If(self.cq.tuser[CQ_FIRST]):
                m.d.sync += enables.eq(self.cq.tuser[:8])
            with m.If(self.cq.tuser[CQ_DISCONTINUE]):
                m.d.sync += damaged.eq(1)

        following = Signal.like(read)
        m.d.comb += [
            following.eq(read + (self.words.valid & self.words.ready)),
            fetch.addr.eq(following[:-1]),
            self.words.payload.eq(fetch.data),
        ]
        m.d.sync += [read.eq(following), self.words.valid.eq(following != whole)]

        return m
