"""How often the gate passed and refused, and why."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.risk.checks import CHECKS
from tickwright.risk.regs import RiskRegs
from tickwright.risk.types import Verdict

__all__ = ["Tally"]


class Tally(wiring.Component):
    """Counts orders sent, intents refused, and the checks that refused them; each modulo 2^32.

    Latency: 1 cycle. Throughput: 1 verdict and 1 order per cycle.

    Members
    -------
    verdicts : ``In(stream.Signature(Verdict, always_ready=True))``
        The gate's word on each intent.
    sends : ``In(1)``
        An order leaves in this cycle.
    sent, refused, refused_killed, ..., refused_ledger : ``Out(32)``
        The counts; an intent that several checks refused is in the count of each.
    """

    def __init__(self):
        names = ("sent", "refused", *(f"refused_{check}" for check in CHECKS))
        super().__init__({
            "verdicts": In(stream.Signature(Verdict, always_ready=True)),
            "sends":    In(1),
            **{name: Out(getattr(RiskRegs, name).bits) for name in names},
        })

    def elaborate(self, platform):
        m = Module()

        verdict = self.verdicts.payload
        with m.If(self.sends):
            m.d.sync += self.sent.eq(self.sent + 1)
        with m.If(self.verdicts.valid & ~verdict.passed):
            m.d.sync += self.refused.eq(self.refused + 1)
            for bit, check in enumerate(CHECKS):
                count = getattr(self, f"refused_{check}")
                m.d.sync += count.eq(count + verdict.checks[bit])

        return m
