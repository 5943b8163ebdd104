"""What makes every symbol doubtful, until it can be said."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.moldudp64 import Origin
from tickwright.feed.types import Reason, Trust

__all__ = ["PendingTrust"]


class PendingTrust(wiring.Component):
    """Keeps the reasons to distrust all symbols until a cycle without a message has passed.

    Reasons that meet become one record.

    Latency: 1 cycle, or 2 with a message in the first one. Throughput: 1 record per cycle.

    Members
    -------
    taint : ``In(1)``
        Reason ``fault``.
    gap, first, last : ``In(1)``, ``In(64)``, ``In(64)``
        Reason ``gap``: these sequences are lost.
    delivering : ``In(1)``
        A message is delivered in this cycle; never while ``waiting``.
    expected : ``In(64)``
        Sequence of the next message.
    datagram : ``In(Origin)``
        The last datagram.
    waiting : ``Out(1)``
        A record waits, or leaves in this cycle.
    trusts : ``Out(stream.Signature(Trust(symbols), always_ready=True))``
        Records of scope all.
    """

    def __init__(self, symbols: int):
        super().__init__({
            "taint":      In(1),
            "gap":        In(1),
            "first":      In(64),
            "last":       In(64),
            "delivering": In(1),
            "expected":   In(64),
            "datagram":   In(Origin),
            "waiting":    Out(1),
            "trusts":     Out(stream.Signature(Trust(symbols), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        reasons, first, last = Signal(Reason), Signal(64), Signal(64)
        spoke = Signal()  # a message was delivered in the cycle before
        leaves = Signal()
        news = Mux(self.taint, Reason.FAULT.value, 0) | Mux(self.gap, Reason.GAP.value, 0)
        m.d.comb += self.waiting.eq(reasons.as_value().any())
        m.d.comb += leaves.eq(self.waiting & ~spoke)
        m.d.sync += spoke.eq(self.delivering)
        m.d.sync += reasons.eq(Mux(leaves, 0, reasons.as_value()) | news)
        with m.If(self.gap):
            m.d.sync += first.eq(self.first), last.eq(self.last)
        with m.Elif(leaves):
            m.d.sync += first.eq(0), last.eq(0)

        trust = self.trusts.p
        m.d.comb += [
            self.trusts.valid.eq(leaves),
            trust.all.eq(1),
            trust.reasons.eq(reasons),
            trust.first.eq(first),
            trust.last.eq(last),
            trust.cause.sequence.eq(self.expected),
            trust.cause.stamp.eq(self.datagram.stamp),
            trust.cause.frame.eq(self.datagram.frame),
            trust.cause.line.eq(self.datagram.line),
        ]

        return m
