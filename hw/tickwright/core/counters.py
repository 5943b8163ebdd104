"""Many counts in one memory."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.core.regs import WORD_BITS

__all__ = ["CounterBank"]


class CounterBank(wiring.Component):
    """Counts events of many kinds, any of them in any cycle, and shows one count at a time.

    Counts are since reset, and stop at their maximum rather than wrapping. The low bits of each are
    a counter of its own; the bits above lie in a row of a memory, with the top low bit as it was
    when the row was written. Where that was 1 and is 0, the low bits have wrapped since: a sweep
    over the rows, one a cycle, adds the carry, and so does a read to what it shows. The low bits
    count twice as far as events may come between, so no wrap is missed or taken for another. ::

        events ──▶ [ low bits ] ─┬──────────────────▶ count
                         top bit └─▶ [ + carry ] ───────▲
                                   rows ─▲ │
                                     ▲     ▼
                                     └─ sweep

    A row is 0 until the first sweep has written it; events are counted from reset on.

    Latency: 1 cycle from an event to its count, 0 from ``counter`` to ``count``. Throughput: 1
    event of each kind and 1 read per cycle.

    Members
    -------
    events : ``In(counters)``
        A 1 is an event, one bit for each kind.
    counter : ``In(range(counters))``
        Kind that is shown.
    count : ``Out(bits)``
        Events of that kind in all cycles before this one.
    """

    def __init__(self, counters: int, bits: int = WORD_BITS):
        # The top low bit in a row is at most `counters` + 1 cycles old: so many events change it at
        # most once.
        low_bits = counters.bit_length() + 1
        super().__init__({
            "events":  In(counters),
            "counter": In(range(counters)),
            "count":   Out(bits),
        })

        high_bits = bits - low_bits + 1  # the topmost says that the count is full
        self._row = data.StructLayout({"high": high_bits, "top": 1})
        self._lows = Signal(data.ArrayLayout(low_bits, counters))
        self._cleared = Signal()

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=self._row, depth=len(self.events), init=[])
        for event, low in zip(self.events, self._lows, strict=True):
            with m.If(event):
                m.d.sync += low.eq(low + 1)
        self._sweep(m, rows.read_port(domain="comb"), rows.write_port())
        self._show(m, rows.read_port(domain="comb"))

        return m

    def _sweep(self, m, read, write):
        """Bring a row up to date: read in one cycle, written in the next."""
        last = len(self.events) - 1
        row, top = Signal(self._row), Signal()
        m.d.sync += [
            read.addr.eq(Mux(read.addr == last, 0, read.addr + 1)),
            write.addr.eq(read.addr),
            row.eq(Mux(self._cleared, read.data, 0)),
            top.eq(Cat(low[-1] for low in self._lows).bit_select(read.addr, 1)),
            self._cleared.eq(self._cleared | (write.addr == last)),
        ]
        m.d.comb += [
            write.en.eq(1),
            write.data.high.eq(_carried(row, top)),
            write.data.top.eq(top),
        ]

    def _show(self, m, read):
        """Show the count asked for, its row brought up to date."""
        low, high = self._lows[self.counter], Signal(self._row["high"].shape)
        m.d.comb += [
            read.addr.eq(self.counter),
            high.eq(Mux(self._cleared, _carried(read.data, low[-1]), 0)),
            self.count.eq(Mux(high[-1], ~0, Cat(low, high[:-1]))),
        ]


def _carried(row, top) -> Value:
    """Return the high bits of a row, given the top low bit as it is now."""
    return row.high + (row.top & ~top & ~row.high[-1])
