"""The newest quote of every symbol, as evaluations see it."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.types import Quote

__all__ = ["QuoteStore", "Touch"]

TRADING = ord("T")


class Touch(data.Struct):
    """What a strategy needs of a quote."""

    bid:        unsigned(32)  # 1/10000 dollar
    bid_shares: unsigned(32)
    ask:        unsigned(32)  # 1/10000 dollar
    ask_shares: unsigned(32)
    trading:    unsigned(1)   # the status is 'T'
    trusted:    unsigned(1)


class QuoteStore(wiring.Component):
    """Keeps the newest quote of each symbol; reads two symbols at once.

    Trust is kept beside the rows, in flip-flops, so that a taint takes it from all symbols in one
    cycle. After reset the rows clear themselves, which takes a cycle a symbol.

    Latency: 1 cycle from the symbols to their touches, as of before what is written in the cycle of
    the symbols. Throughput: 1 quote or taint, and 1 read, per cycle.

    Members
    -------
    quote : ``In(Quote(symbols))``
        Quote to keep.
    write : ``In(1)``
        Keep it in this cycle; not while the store is not ready.
    taint : ``In(1)``
        No symbol is trusted any more; not in the cycle of a quote.
    symbols : ``In(ArrayLayout(range(symbols), 2))``
        Symbols to read.
    touches : ``Out(ArrayLayout(Touch, 2))``
        Their touches, in the cycle after.
    ready : ``Out(1)``
        The store is cleared.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "quote":   In(Quote(preset.symbols)),
            "write":   In(1),
            "taint":   In(1),
            "symbols": In(data.ArrayLayout(range(preset.symbols), 2)),
            "touches": Out(data.ArrayLayout(Touch, 2)),
            "ready":   Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=Touch, depth=self._symbols, init=[])
        write = rows.write_port()
        trusted = Signal(self._symbols)

        walk = Signal(range(self._symbols + 1))
        m.d.comb += self.ready.eq(walk == self._symbols)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        m.d.comb += [
            write.en.eq(self.write | ~self.ready),
            write.addr.eq(Mux(self.ready, self.quote.symbol, walk)),
        ]
        with m.If(self.ready):
            m.d.comb += [write.data[name].eq(self.quote[name])
                         for name in ("bid", "bid_shares", "ask", "ask_shares")]
            m.d.comb += write.data.trading.eq(self.quote.status == TRADING)
        with m.If(self.taint):
            m.d.sync += trusted.eq(0)
        with m.Elif(self.write):
            m.d.sync += trusted.bit_select(self.quote.symbol, 1).eq(self.quote.trusted)

        for side in range(2):
            read = rows.read_port()
            is_trusted = Signal(name=f"is_trusted_{side}")
            m.d.comb += [
                read.addr.eq(self.symbols[side]),
                self.touches[side].eq(read.data),
                self.touches[side].trusted.eq(is_trusted),
            ]
            m.d.sync += is_trusted.eq(trusted.bit_select(self.symbols[side], 1))

        return m
