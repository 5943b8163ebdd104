"""The limits of the risk officer, in force."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.strategy.types import LEGS

__all__ = ["LimitTable", "OrderLimits", "SymbolLimits"]

SymbolLimits = data.StructLayout({name: getattr(RiskRegs, f"symbol_{name}").bits
                                  for name in SYMBOL_LIMITS})
"""The limits of a symbol, named and sized as their registers."""

OrderLimits = data.StructLayout({name: getattr(RiskRegs, name).bits
                                 for name in ("max_shares", "max_notional")})
"""The limits of an order of any symbol, named and sized as their registers."""


class LimitTable(wiring.Component):
    """Holds the limits in force: 0, which refuses everything, until the host says otherwise.

    While the gate is killed, `commit` puts the limits of all symbols in force as they are written;
    else each only where it is lower than the one in force. After reset the rows of the symbols
    clear themselves, which takes a cycle a symbol.

    Latency: 1 cycle from the symbols to their limits, 1 cycle from a load or commit to the limits
    in force. Throughput: 1 read and 1 load per cycle.

    Members
    -------
    symbol, symbol_max_shares, ..., symbol_collar : ``In(bits)``
        Symbol and limits to load.
    load : ``In(1)``
        Load them in this cycle; only while killed, and a symbol that the card has.
    max_shares, max_notional : ``In(bits)``
        Limits of an order of any symbol, to commit.
    commit : ``In(1)``
        Commit them in this cycle.
    killed : ``In(1)``
        The gate is killed in this cycle.
    symbols : ``In(ArrayLayout(range(symbols), 2))``
        Symbols to read.
    limits : ``Out(ArrayLayout(SymbolLimits, 2))``
        Limits of the symbols of the cycle before.
    of_all : ``Out(OrderLimits)``
        Limits of an order of any symbol, in force.
    ready : ``Out(1)``
        The rows are cleared.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "symbol":  In(RiskRegs.symbol.bits),
            **{f"symbol_{name}": In(SymbolLimits[name].width) for name in SYMBOL_LIMITS},
            "load":    In(1),
            **{name: In(field.width) for name, field in OrderLimits},
            "commit":  In(1),
            "killed":  In(1),
            "symbols": In(data.ArrayLayout(range(preset.symbols), LEGS)),
            "limits":  Out(data.ArrayLayout(SymbolLimits, LEGS)),
            "of_all":  Out(OrderLimits),
            "ready":   Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=SymbolLimits, depth=self._symbols, init=[])
        write = rows.write_port()

        walk = Signal(range(self._symbols + 1))
        m.d.comb += [
            self.ready.eq(walk == self._symbols),
            write.en.eq(self.load | ~self.ready),
            write.addr.eq(Mux(self.ready, self.symbol, walk)),
        ]
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)
        with m.Else():
            m.d.comb += [write.data[name].eq(getattr(self, f"symbol_{name}"))
                         for name in SYMBOL_LIMITS]

        for leg in range(LEGS):
            read = rows.read_port(transparent_for=(write,))
            m.d.comb += [read.addr.eq(self.symbols[leg]), self.limits[leg].eq(read.data)]

        for name, _ in OrderLimits:
            wanted, in_force = getattr(self, name), self.of_all[name]
            with m.If(self.commit & (self.killed | (wanted < in_force))):
                m.d.sync += in_force.eq(wanted)

        return m
