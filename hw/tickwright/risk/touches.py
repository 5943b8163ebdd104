"""The newest quote of every symbol, as the gate sees it."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.types import Quote
from tickwright.feed.types import Trust
from tickwright.strategy.types import LEGS

__all__ = ["GateTouch", "TouchTable"]

TRADING = ord("T")


class GateTouch(data.Struct):
    """What the gate needs of a quote."""

    bid:     unsigned(32)  # 1/10000 dollar
    ask:     unsigned(32)
    trading: unsigned(1)   # the status is 'T'
    trusted: unsigned(1)


class TouchTable(wiring.Component):
    """Keeps the newest quote of each symbol and counts what it has taken.

    In every cycle ``touches`` and ``quotes_seen`` are of one moment: they hold the quotes and
    taints of all cycles before this one, and none of this one. Trust is kept in flip-flops, so that
    a taint takes it from all symbols in one cycle. After reset the rows clear themselves, which
    takes a cycle a symbol; what comes meanwhile is counted but not trusted.

    Latency: 1 cycle from the symbols to their touches. Throughput: 1 quote or taint, and 1 read,
    per cycle.

    Members
    -------
    quotes, taints : ``In(stream)``
        As the book publishes them; never both in one cycle.
    symbols : ``In(ArrayLayout(range(symbols), 2))``
        Symbols to read.
    touches : ``Out(ArrayLayout(GateTouch, 2))``
        Touches of the symbols of the cycle before.
    quotes_seen : ``Out(32)``
        Quotes and taints taken, modulo 2^32.
    ready : ``Out(1)``
        The table is cleared.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "quotes":  In(stream.Signature(Quote(preset.symbols), always_ready=True)),
            "taints":  In(stream.Signature(Trust(preset.symbols), always_ready=True)),
            "symbols": In(data.ArrayLayout(range(preset.symbols), LEGS)),
            "touches": Out(data.ArrayLayout(GateTouch, LEGS)),
            "quotes_seen": Out(32),
            "ready":   Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=GateTouch, depth=self._symbols, init=[])
        write = rows.write_port()
        trusted = Signal(self._symbols)

        walk = Signal(range(self._symbols + 1))
        m.d.comb += self.ready.eq(walk == self._symbols)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        quote = self.quotes.payload
        m.d.comb += [
            write.en.eq(self.quotes.valid | ~self.ready),
            write.addr.eq(Mux(self.ready, quote.symbol, walk)),
        ]
        with m.If(self.ready):
            m.d.comb += [
                write.data.bid.eq(quote.bid),
                write.data.ask.eq(quote.ask),
                write.data.trading.eq(quote.status == TRADING),
            ]
        with m.If(self.taints.valid | ~self.ready):
            m.d.sync += trusted.eq(0)
        with m.Elif(self.quotes.valid):
            m.d.sync += trusted.bit_select(quote.symbol, 1).eq(quote.trusted)
        m.d.sync += self.quotes_seen.eq(self.quotes_seen
                                        + (self.quotes.valid | self.taints.valid))

        for leg in range(LEGS):
            read = rows.read_port(transparent_for=(write,))
            symbol = Signal(range(self._symbols), name=f"symbol_{leg}")
            m.d.sync += symbol.eq(self.symbols[leg])
            m.d.comb += [
                read.addr.eq(self.symbols[leg]),
                self.touches[leg].eq(read.data),
                self.touches[leg].trusted.eq(trusted.bit_select(symbol, 1)),
            ]

        return m
