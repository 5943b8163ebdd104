"""What empties a table of two banks."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Clearing"]


class Clearing(wiring.Component):
    """Walks over both banks after reset, and over the shadow when asked to.

    The shadow is the bank that is not in force. It may be written once it is cleared, and no longer
    when it comes in force: the bank that was in force before is a shadow yet to be cleared.

    Latency: 1 cycle from a clear to the first row; a cycle a row.

    Members
    -------
    clear : ``In(1)``
        Clear the shadow; ignored while a walk is under way.
    swap, bank : ``In(1)``
        The banks change places after this cycle; the one in force.
    active, row : ``Out(1)``, ``Out(range(2 * rows))``
        Clear this row; the highest bit is the bank.
    ready : ``Out(1)``
        Both banks have been cleared since reset.
    shadow_ready : ``Out(1)``
        The shadow may be written.
    """

    def __init__(self, rows: int):
        self._bits = (rows - 1).bit_length()
        super().__init__({
            "clear":        In(1),
            "swap":         In(1),
            "bank":         In(1),
            "active":       Out(1, init=1),
            "row":          Out(range(2 * rows)),
            "ready":        Out(1),
            "shadow_ready": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        cleared = Signal()
        m.d.comb += self.shadow_ready.eq(cleared & ~self.active & ~self.clear)
        with m.If(self.active):
            m.d.sync += self.row.eq(self.row + 1)
            with m.If(Mux(self.ready, self.row[:self._bits].all(), self.row.all())):
                m.d.sync += [self.active.eq(0), self.ready.eq(1), cleared.eq(1)]
        with m.Elif(self.clear):
            m.d.sync += [self.active.eq(1), self.row.eq(Cat(C(0, self._bits), ~self.bank))]
        with m.If(self.swap):
            m.d.sync += cleared.eq(0)

        return m
