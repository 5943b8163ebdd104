"""The time of a card, from nothing but its clock."""

from fractions import Fraction

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["ElapsedTime"]


class ElapsedTime(wiring.Component):
    """Counts nanoseconds, exactly: what a period has beyond whole ones is added when it is one.

    It begins at 0 and never goes back. It is as right as the clock, and has no relation to a time
    of day: the host finds that.

    ``period_ns``: of the clock, a fraction.

    Members
    -------
    now_ns : ``Out(64)``
        Whole nanoseconds since the first cycle.
    """

    now_ns: Out(64)

    def __init__(self, period_ns: Fraction):
        self.period_ns = period_ns
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        whole, parts = divmod(self.period_ns.numerator, self.period_ns.denominator)
        of = self.period_ns.denominator
        rest = Signal(range(of))  # of a nanosecond, in that many parts
        carries = rest + parts >= of
        m.d.sync += [
            rest.eq(rest + parts - Mux(carries, of, 0)),
            self.now_ns.eq(self.now_ns + whole + carries),
        ]

        return m
