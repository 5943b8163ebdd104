"""Packets between the clock of the PCIe hard block and that of the card.

Both domains have to be reset together.
"""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.wiring import In, Out

from tickwright.pcie.types import (
    MOST_RECORDS,
    RECORD_BITS,
    REQUEST_HEADER_WORDS,
    WORD_BITS,
    AxiStream,
)

__all__ = ["PacketCrossing"]

LONGEST_BITS = REQUEST_HEADER_WORDS * WORD_BITS + MOST_RECORDS * RECORD_BITS


class PacketCrossing(wiring.Component):
    """Brings packets from one clock to another, and sends each without a gap.

    A packet is sent when it is there whole, for the hard block takes no pause within one. ::

        given ─▶ [ beats ] ───────────▶ sent
          └─ a cycle after the last ─▶ [ wholes ] ─▶ may be sent

    Latency: from the last beat to the first one sent, 1 cycle of the one clock and at most 3 of the
    other. Throughput: 1 beat per cycle of the slower clock.

    ``width``, ``user_bits``: as in `AxiStream`. ``from_domain``, ``to_domain``: the clocks.

    Members
    -------
    given : ``In(AxiStream(width, user_bits))``
        Packets of up to 1,040 bytes.
    sent : ``Out(AxiStream(width, user_bits))``
        The same.
    """

    def __init__(self, width: int, user_bits: int, *, from_domain: str, to_domain: str):
        self._from, self._to = from_domain, to_domain
        self._depth = 1 << (2 * LONGEST_BITS // width - 1).bit_length()
        super().__init__({
            "given": In(AxiStream(width, user_bits)),
            "sent":  Out(AxiStream(width, user_bits)),
        })

    def elaborate(self, platform):
        m = Module()

        given, sent = self.given, self.sent
        beat = Cat(given.tdata, given.tkeep, given.tuser, given.tlast)
        domains = {"w_domain": self._from, "r_domain": self._to}
        m.submodules.beats  = beats  = AsyncFIFO(width=len(beat), depth=self._depth, **domains)
        m.submodules.wholes = wholes = AsyncFIFO(width=1, depth=self._depth, **domains)

        m.d.comb += [
            beats.w_data.eq(beat),
            beats.w_en.eq(given.tvalid),
            given.tready.eq(beats.w_rdy),
        ]
        m.d[self._from] += wholes.w_en.eq(given.tvalid & given.tready & given.tlast)
        m.d.comb += [
            Cat(sent.tdata, sent.tkeep, sent.tuser, sent.tlast).eq(beats.r_data),
            sent.tvalid.eq(beats.r_rdy & wholes.r_rdy),
            beats.r_en.eq(sent.tvalid & sent.tready),
            wholes.r_en.eq(beats.r_en & sent.tlast),
        ]

        return m
