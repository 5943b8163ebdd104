"""What makes the tables empty after reset."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["Walk", "Walker"]


class Walk(wiring.Signature):
    """Clearing of tables, a row a cycle.

    Members
    -------
    active : ``Out(1)``
        Clear a row.
    row : ``Out(bits)``
        Which one; a table with fewer rows takes the low bits, and is cleared more than once.
    """

    def __init__(self, bits: int):
        self.bits = bits
        super().__init__({"active": Out(1), "row": Out(bits)})

    def __eq__(self, other):
        return type(self) is type(other) and self.bits == other.bits

    def __repr__(self):
        return f"Walk({self.bits})"


class Walker(wiring.Component):
    """Walks over all rows once after reset.

    Memories keep what they hold over a reset, and start with anything. ::

        reset ──▶ active, row 0, 1, 2, … ──▶ cleared

    Latency: as many cycles as the deepest table has rows.

    Members
    -------
    walk : ``Out(Walk(bits))``
        The row to clear.
    cleared : ``Out(1)``
        All rows have been cleared since reset.
    """

    def __init__(self, bits: int):
        super().__init__({"walk": Out(Walk(bits)), "cleared": Out(1)})

    def elaborate(self, platform):
        m = Module()

        m.d.comb += self.walk.active.eq(~self.cleared)
        with m.If(~self.cleared):
            m.d.sync += self.walk.row.eq(self.walk.row + 1)
            m.d.sync += self.cleared.eq(self.walk.row.all())

        return m
