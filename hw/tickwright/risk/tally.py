"""What is counted of the gate's work."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.risk.checks import CHECKS
from tickwright.risk.types import Verdict

__all__ = ["Tally"]


class Tally(wiring.Component):
    """Tells orders sent, intents refused, and the checks that refused them, to be counted.

    Latency: 0 cycles. Throughput: 1 verdict and 1 order per cycle.

    Members
    -------
    verdicts : ``In(stream.Signature(Verdict, always_ready=True))``
        The gate's word on each intent.
    sends : ``In(1)``
        An order leaves in this cycle.
    sent, refused, refused_killed, ..., refused_ledger : ``Out(1)``
        For a cycle: what the counter of this name counts. Each check that refused an intent is
        told.
    """

    def __init__(self):
        super().__init__({
            "verdicts": In(stream.Signature(Verdict, always_ready=True)),
            "sends":    In(1),
            "sent":     Out(1),
            "refused":  Out(1),
            **{f"refused_{check}": Out(1) for check in CHECKS},
        })

    def elaborate(self, platform):
        m = Module()

        verdict = self.verdicts.payload
        m.d.comb += self.sent.eq(self.sends)
        m.d.comb += self.refused.eq(self.verdicts.valid & ~verdict.passed)
        for bit, check in enumerate(CHECKS):
            told = getattr(self, f"refused_{check}")
            m.d.comb += told.eq(self.refused & verdict.checks[bit])

        return m
