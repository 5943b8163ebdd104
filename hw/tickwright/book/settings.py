"""Where the window of a symbol lies."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import TICK_BITS, Setting

__all__ = ["SymbolSettings"]


class SymbolSettings(wiring.Component):
    """Keeps the window base and the tick size of every symbol; both are 0 until the host sets them.

    The memory is never cleared: a bit a symbol, which is, tells whether its row means anything. So
    the host may set symbols from the first cycle on.

    Latency: 1 cycle. Throughput: 1 a cycle.

    Members
    -------
    settings : ``In(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says.
    symbol : ``In(range(symbols))``
        Symbol to look up.
    base_tick : ``Out(25)``
        Lowest tick of its window, in the next cycle.
    cent_tick : ``Out(1)``
        Its tick is 100/10000 dollar, else 1/10000; in the next cycle.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "settings":  In(stream.Signature(Setting(preset.symbols), always_ready=True)),
            "symbol":    In(range(preset.symbols)),
            "base_tick": Out(TICK_BITS),
            "cent_tick": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        shape = data.StructLayout({"base_tick": TICK_BITS, "cent_tick": 1})
        m.submodules.rows = rows = Memory(shape=shape, depth=self._symbols, init=[])
        write, read = rows.write_port(), rows.read_port()
        told  = Signal(self._symbols)  # the host has set the symbol
        known = Signal()
        setting = self.settings.p

        m.d.comb += [
            write.en.eq(self.settings.valid),
            write.addr.eq(setting.symbol),
            write.data.base_tick.eq(setting.base_tick),
            write.data.cent_tick.eq(setting.cent_tick),
            read.addr.eq(self.symbol),
        ]
        with m.If(self.settings.valid):
            m.d.sync += told.bit_select(setting.symbol, 1).eq(1)

        m.d.sync += known.eq(told.bit_select(self.symbol, 1))
        with m.If(known):
            m.d.comb += self.base_tick.eq(read.data.base_tick)
            m.d.comb += self.cent_tick.eq(read.data.cent_tick)

        return m
