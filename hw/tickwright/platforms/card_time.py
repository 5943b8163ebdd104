"""Card time, from the clock of the card."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["PERIOD_PS", "CardTime"]

PERIOD_PS = 6400  # of the card's clock: a word a cycle is 10 Gb/s
STEP_PS   = 200   # in which a nanosecond and the period are whole


class CardTime(wiring.Component):
    """Counts nanoseconds since reset, as whole ones.

    Members
    -------
    now_ns : ``Out(64)``
        Time at the beginning of this cycle, rounded down.
    """

    now_ns: Out(64)

    def elaborate(self, platform):
        m = Module()

        whole, part = divmod(PERIOD_PS // STEP_PS, 1000 // STEP_PS)
        rest = Signal(range(1000 // STEP_PS))  # of a nanosecond, in steps
        full = rest + part >= 1000 // STEP_PS
        m.d.sync += [
            rest.eq(rest + part - Mux(full, 1000 // STEP_PS, 0)),
            self.now_ns.eq(self.now_ns + whole + full),
        ]

        return m
