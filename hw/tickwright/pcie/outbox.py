"""Raw frames of the host on their way out."""

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.regfile import BusSignature
from tickwright.core.regs import WORD_BITS as BUS_BITS
from tickwright.core.streams import WORD_BYTES, Word
from tickwright.pcie.regs import OUTBOX_BYTES, FrameRegs

__all__ = ["FrameOutbox"]

DEPTH       = OUTBOX_BYTES // WORD_BYTES
LENGTH_BITS = 16
STATUSES    = ("outbox_taken", "frames_sent", "outbox_errors")


class FrameOutbox(wiring.Component):
    """Sends the frames that the host has put into it, each without a gap of its own.

    A frame lies behind a word with its length. It is taken when ``outbox_written`` counts all of
    it, and its words are given back when the last one has left. A length of 0, or beyond what was
    written, and a count beyond what the outbox holds empty the outbox unsent, counted once: what
    lies in it can no longer be told apart.

    Latency: 2 cycles from ``outbox_written`` to the first word. Throughput: 1 word per cycle, 2
    cycles between two frames.

    Members
    -------
    bus : ``In(BusSignature(10))``
        The words of the outbox, the lower half of each first; they are only written, and read as 0.
    outbox_written, outbox_taken, frames_sent, outbox_errors
        As in `FrameRegs`.
    frames : ``Out(stream.Signature(Word))``
        The frames.
    """

    def __init__(self):
        super().__init__({
            "bus":            In(BusSignature((OUTBOX_BYTES * 8 // BUS_BITS - 1).bit_length())),
            "outbox_written": In(FrameRegs.outbox_written.bits),
            **{name: Out(getattr(FrameRegs, name).bits) for name in STATUSES},
            "frames":         Out(stream.Signature(Word)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.words = words = memory.Memory(shape=8 * WORD_BYTES, depth=DEPTH, init=[])
        store, fetch = words.write_port(granularity=BUS_BITS), words.read_port()
        waiting = Signal.like(self.outbox_written)
        at, left, first = Signal(range(DEPTH)), Signal(LENGTH_BITS), Signal()
        length = fetch.data[:LENGTH_BITS]
        needed = Signal(LENGTH_BITS)  # words of a frame and the one before it
        m.d.comb += [
            store.addr.eq(self.bus.addr[1:]),
            store.data.eq(self.bus.w_data.replicate(2)),
            store.en.eq(Mux(self.bus.w_en, 1 << self.bus.addr[0], 0)),
            waiting.eq(self.outbox_written - self.outbox_taken),
            needed.eq((length + WORD_BYTES - 1) // WORD_BYTES + 1),
            fetch.addr.eq(at),
            self.frames.payload.data.eq(fetch.data),
            self.frames.payload.bytes.eq(Mux(left < WORD_BYTES, left, WORD_BYTES)),
            self.frames.payload.first.eq(first),
            self.frames.payload.last.eq(left <= WORD_BYTES),
        ]

        with m.FSM():
            with m.State("WAIT"), m.If(waiting != 0):
                m.d.comb += fetch.addr.eq(self.outbox_taken)
                m.next = "LENGTH"
            with m.State("LENGTH"):
                after = (self.outbox_taken + 1)[:len(at)]
                m.d.comb += fetch.addr.eq(after)
                m.d.sync += [at.eq(after), left.eq(length), first.eq(1)]
                m.next = "SEND"
                with m.If((length == 0) | (needed > waiting) | (waiting > DEPTH)):
                    m.d.sync += [
                        self.outbox_taken.eq(self.outbox_written),
                        self.outbox_errors.eq(self.outbox_errors + 1),
                    ]
                    m.next = "WAIT"
            with m.State("SEND"):
                m.d.comb += self.frames.valid.eq(1)
                with m.If(self.frames.ready):
                    after = (at + 1)[:len(at)]
                    m.d.comb += fetch.addr.eq(after)
                    m.d.sync += [at.eq(after), left.eq(left - WORD_BYTES), first.eq(0)]
                    with m.If(self.frames.payload.last):
                        taken = (after - self.outbox_taken)[:len(at)]
                        m.d.sync += [
                            self.outbox_taken.eq(self.outbox_taken + Mux(taken == 0, DEPTH, taken)),
                            self.frames_sent.eq(self.frames_sent + 1),
                        ]
                        m.next = "WAIT"

        return m
