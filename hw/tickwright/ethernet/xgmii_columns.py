"""Columns of the XGMII as a frame sees them, wherever it begins."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES
from tickwright.ethernet.xgmii import HALF_BYTES, START_BYTES, Code, Xgmii

__all__ = ["XgmiiColumns"]

START = int.from_bytes(START_BYTES, "little")
HALF = 8 * HALF_BYTES


class XgmiiColumns(wiring.Component):
    """Finds the frames of a line, and joins the halves of columns where they begin in lane 4.

    A frame begins with a start in lane 0 or 4, and the preamble and SFD behind it; so that the
    lanes of ``column`` begin with it. It runs to the first code that is no error. A start within a
    frame, in another lane, or with anything else behind it begins none. ::

        xgmii ─┬──────────────────────────▶ column  start in lane 0
               └─▶ [ half a column ] ─ join ─▶       start in lane 4

    Latency: 0 cycles to ``column``; from a start in lane 4, half its column is there before.
    Throughput: 8 bytes per cycle.

    Members
    -------
    xgmii : ``In(Xgmii)``
        What the PHY received.
    column : ``Out(Xgmii)``
        The same; lane 0 of it is lane 4 of the PHY in a frame that began there.
    start : ``Out(1)``
        This column is the preamble of a frame.
    codes : ``Out(8)``
        Lanes of this column with a code that is no error.
    no_start : ``Out(1)``
        For a cycle: a start began no frame.
    """

    xgmii:    In(Xgmii)
    column:   Out(Xgmii)
    start:    Out(1)
    codes:    Out(WORD_BYTES)
    no_start: Out(1)

    def elaborate(self, platform):
        m = Module()

        before  = Signal(Xgmii)
        shifts  = Signal()  # the last frame began in lane 4
        running = Signal()  # it goes on
        opening = Signal()  # the column before had a start in lane 4
        starts  = Signal(WORD_BYTES)
        early, half = Signal(), Signal()  # one in lane 0, 4 is taken

        free = ~running & ~opening
        m.d.comb += [
            starts.eq(self._lanes(self.xgmii, Code.START)),
            early.eq(free & starts[0]),
            half.eq(starts[HALF_BYTES] & ~early & (free | running & self.codes.any())),
        ]
        m.d.sync += [before.eq(self.xgmii), opening.eq(half)]
        with m.If(early | half):
            m.d.sync += shifts.eq(half)

        m.d.comb += self.column.eq(self.xgmii)
        with m.If(shifts & ~early):
            m.d.comb += [
                self.column.data.eq(Cat(before.data[HALF:], self.xgmii.data[:HALF])),
                self.column.control.eq(
                    Cat(before.control[HALF_BYTES:], self.xgmii.control[:HALF_BYTES])),
            ]

        expected = early | opening
        proper = (self.column.data == START) & (self.column.control == 1)
        m.d.sync += running.eq(self.start | running & ~self.codes.any())
        m.d.comb += [
            self.start.eq(expected & proper),
            self.codes.eq(self.column.control & ~self._lanes(self.column, Code.ERROR)),
            self.no_start.eq(expected & ~proper
                             | (starts != Cat(early, C(0, HALF_BYTES - 1), half))),
        ]

        return m

    def _lanes(self, column, code: Code):
        """Return the lanes that have this code."""
        return Cat(column.control[lane] & (column.data.word_select(lane, 8) == code)
                   for lane in range(WORD_BYTES))
