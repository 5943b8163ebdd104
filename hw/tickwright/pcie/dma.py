"""Writes of the card to host memory, from a command to beats."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.types import (
    RECORD_BITS,
    RECORD_WORDS,
    REQUEST_HEADER_WORDS,
    RQ_USER_BITS,
    WORD_BITS,
    AxiStream,
    MemoryWrite,
    RequestKind,
    RqDescriptor,
)

__all__ = ["MemoryWriter"]

HEADER_BITS = REQUEST_HEADER_WORDS * WORD_BITS


class MemoryWriter(wiring.Component):
    """Sends one write after another, each without a gap.

    The records of a write must all be waiting when it is commanded; they leave in order. ::

        commands ──▶ [ header │ words or first record ] ──▶ rq
        records  ──────────────▲ as soon as one header's worth of words is left

    Latency: 1 cycle from a command to its first beat. Throughput: one beat per cycle within a
    write, one cycle between two.

    Members
    -------
    commands : ``In(stream.Signature(MemoryWrite))``
        What to write, and where. It is ready whenever nothing is under way.
    records : ``In(stream.Signature(RECORD_BITS))``
        The records of the commands, in order.
    rq : ``Out(AxiStream(width, ...))``
        Requester requests for the hard block.
    """

    def __init__(self, width: int):
        self._width = width
        super().__init__({
            "commands": In(stream.Signature(MemoryWrite)),
            "records":  In(stream.Signature(RECORD_BITS)),
            "rq":       Out(AxiStream(width, RQ_USER_BITS)),
        })

    def elaborate(self, platform):
        m = Module()

        lanes = self._width // WORD_BITS
        held = Signal(HEADER_BITS + RECORD_BITS)  # what leaves next, from below
        left = Signal(range(REQUEST_HEADER_WORDS + RECORD_WORDS + 1))  # words of it
        more = Signal.like(self.commands.payload.records)      # records that are still to be taken
        single, sends = Signal(), Signal()
        command = self.commands.payload
        header = self._describe(m, command)
        m.d.comb += sends.eq(self.rq.tvalid & self.rq.tready)

        with m.If(left == 0):
            m.d.comb += self.commands.ready.eq(1)
            with m.If(self.commands.valid):
                with m.If(command.records != 0):
                    m.d.comb += self.records.ready.eq(1)
                    m.d.sync += [
                        held.eq(Cat(header, self.records.payload)),
                        left.eq(REQUEST_HEADER_WORDS + RECORD_WORDS),
                        more.eq(command.records - 1),
                        single.eq(0),
                    ]
                with m.Else():
                    m.d.sync += [
                        held.eq(Cat(header, command.data)),
                        left.eq(REQUEST_HEADER_WORDS + command.words),
                        more.eq(0),
                        single.eq(command.words == 1),
                    ]
        with m.Elif(sends):
            m.d.sync += [held.eq(held >> self._width), left.eq(left - lanes)]
            with m.If(self.rq.tlast):
                m.d.sync += left.eq(0)
            with m.Elif((left == lanes + REQUEST_HEADER_WORDS) & (more != 0)):
                m.d.comb += self.records.ready.eq(1)
                m.d.sync += [
                    held.eq(Cat((held >> self._width)[:HEADER_BITS], self.records.payload)),
                    left.eq(REQUEST_HEADER_WORDS + RECORD_WORDS),
                    more.eq(more - 1),
                ]

        m.d.comb += [
            self.rq.tvalid.eq(left != 0),
            self.rq.tdata.eq(held),
            self.rq.tlast.eq((left <= lanes) & (more == 0)),
            self.rq.tkeep.eq(Mux(left < lanes, (1 << left[:lanes.bit_length() - 1]) - 1, -1)),
            self.rq.tuser.eq(Mux(single, 0x0f, 0xff)),  # all bytes of the first and the last word
        ]

        return m

    def _describe(self, m, command) -> Value:
        """Return the descriptor of a command."""
        header = Signal(RqDescriptor)
        m.d.comb += [
            header.address.eq(command.address[2:]),
            header.kind.eq(RequestKind.WRITE),
            header.words.eq(Mux(command.records != 0, command.records * RECORD_WORDS,
                                command.words)),
        ]
        return header.as_value()
