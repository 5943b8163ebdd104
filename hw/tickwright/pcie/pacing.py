"""How often the host is interrupted for new records."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.regs import PcieRegs

__all__ = ["InterruptPacer"]


class InterruptPacer(wiring.Component):
    """Tells the host that records came: at once, but never twice within ``spacing`` cycles.

    What comes meanwhile is told together, when the time has passed.

    Latency: 1 cycle. Throughput: one cause per cycle.

    Members
    -------
    spacing : ``In(32)``
        Least time from one cause to the next, in cycles.
    told : ``In(1)``
        A head was written.
    cause : ``Out(1)``
        The host is to be interrupted.
    """

    spacing: In(PcieRegs.spacing.bits)
    told:    In(1)
    cause:   Out(1)

    def elaborate(self, platform):
        m = Module()

        owed, rest = Signal(), Signal.like(self.spacing)
        m.d.comb += self.cause.eq(owed & (rest == 0))
        with m.If(rest != 0):
            m.d.sync += rest.eq(rest - 1)
        with m.If(self.cause):
            m.d.sync += [owed.eq(0), rest.eq(Mux(self.spacing == 0, 0, self.spacing - 1))]
        with m.If(self.told):
            m.d.sync += owed.eq(1)

        return m
