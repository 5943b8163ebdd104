"""Many counts in one memory."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.core.regs import WORD_BITS

__all__ = ["CounterBank", "whole"]


class CounterBank(wiring.Component):
    """Counts events of many kinds, any of them in any cycle, and shows one count at a time.

    Counts are since reset, and stop at their maximum rather than wrapping. The low bits of each are
    a counter of its own; the bits above lie in a row of a memory, with the top low bit as it was
    when the row was written. Where that was 1 and is 0, the low bits have wrapped since: a sweep
    over the rows, one a cycle, adds the carry, and so does a read to what it shows. The low bits
    count twice as far as events may come between, so no wrap is missed or taken for another. ::

        events ──▶ [ low bits ] ─┬────────────────────▶ found ──▶ [ + carry ] ──▶ count
                                 └─ top bit ─▶ carry? ────▲
                                      rows ──────┴────────┘
                                       ▲ ▼
                                  sweep, + carry

    A row is 0 until the first sweep has written it; events are counted from reset on. Who reads a
    count may add the carry a cycle later: `whole` makes ``count`` of ``found``.

    Latency: 1 cycle from an event to its count, 0 from ``counter`` to ``found`` and ``count``.
    Throughput: 1 event of each kind and 1 read per cycle.

    Members
    -------
    events : ``In(counters)``
        A 1 is an event, one bit for each kind.
    counter : ``In(range(counters))``
        Kind that is shown.
    found : ``Out(data.StructLayout({"low": ..., "high": ..., "carry": 1}))``
        The parts of its count, and the carry from the low bits to the high ones.
    count : ``Out(bits)``
        Events of that kind in all cycles before this one.
    """

    def __init__(self, counters: int, bits: int = WORD_BITS):
        # The top low bit in a row is at most `counters` + 1 cycles old: so many events change it at
        # most once.
        low_bits = counters.bit_length() + 1
        high_bits = bits - low_bits + 1  # the topmost says that the count is full
        super().__init__({
            "events":  In(counters),
            "counter": In(range(counters)),
            "found":   Out(data.StructLayout({"low": low_bits, "high": high_bits, "carry": 1})),
            "count":   Out(bits),
        })

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
            write.data.high.eq(row.high + _carry(row, top)),
            write.data.top.eq(top),
        ]

    def _show(self, m, read):
        """Show the count asked for, its row brought up to date."""
        low, found = self._lows[self.counter], self.found
        m.d.comb += read.addr.eq(self.counter), found.low.eq(low)
        with m.If(self._cleared):
            m.d.comb += found.high.eq(read.data.high), found.carry.eq(_carry(read.data, low[-1]))
        m.d.comb += self.count.eq(whole(found))


def whole(found) -> Value:
    """Return the count whose parts were found."""
    high = (found.high + found.carry)[:len(found.high)]
    count = Cat(found.low, high[:-1])
    return Mux(high[-1], ~0, count)[:len(count)]


def _carry(row, top) -> Value:
    """Return what the low bits add to the high ones of a row, given their top bit as it is now."""
    return row.top & ~top & ~row.high[-1]
