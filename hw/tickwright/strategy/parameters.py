"""What the host says of each pair."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.strategy.regs import PARAMETERS, StrategyRegs

__all__ = ["ParameterTable", "Parameters"]

SIGNED = ("hedge", "mean", "min_edge")
SYMBOLS = ("symbol_a", "symbol_b")


def Parameters(symbols: int) -> data.StructLayout:
    """The parameters of a pair, named and sized as their registers."""
    shapes = {name: getattr(StrategyRegs, name).bits for name in PARAMETERS}
    shapes |= {name: signed(shapes[name]) for name in SIGNED}
    shapes |= {name: range(symbols) for name in SYMBOLS}
    return data.StructLayout(shapes)


class ParameterTable(wiring.Component):
    """Holds the parameters of each pair; a row changes as a whole, between two evaluations.

    After reset the table clears itself: no pair is enabled. A load is refused, and counted, until
    then; so is one of a pair or a symbol that the card does not have, and one that would enable a
    pair of a symbol with itself.

    Latency: symbols of the pair in the same cycle, row 1 cycle; both as of before a load in that
    cycle. Throughput: 1 pair per cycle. Clearing takes a cycle a pair.

    Members
    -------
    pair : ``In(16)``
        Pair to load.
    enabled, symbol_a, ..., retry_ns : ``In(bits)``
        Parameters to load.
    load : ``In(1)``
        Load them in this cycle.
    refused : ``Out(1)``
        The load of this cycle is refused.
    read_pair : ``In(range(pairs))``
        Pair to read.
    read_symbols : ``Out(ArrayLayout(range(symbols), 2))``
        Its symbols, A and B.
    row : ``Out(Parameters(symbols))``
        All its parameters, in the cycle after.
    ready : ``Out(1)``
        The table is cleared.
    """

    def __init__(self, preset):
        self._pairs, self._symbols = preset.pairs, preset.symbols
        self._row = Parameters(preset.symbols)
        self._both = data.ArrayLayout(range(preset.symbols), len(SYMBOLS))
        super().__init__({
            "pair":         In(StrategyRegs.pair.bits),
            **{name: In(getattr(StrategyRegs, name).bits) for name in PARAMETERS},
            "load":         In(1),
            "refused":      Out(1),
            "read_pair":    In(range(preset.pairs)),
            "read_symbols": Out(self._both),
            "row":          Out(self._row),
            "ready":        Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=self._row, depth=self._pairs, init=[])
        m.submodules.symbols = symbols = Memory(shape=self._both, depth=self._pairs, init=[])
        write, read = rows.write_port(), rows.read_port()
        write_symbols = symbols.write_port()
        read_symbols = symbols.read_port(domain="comb")

        walk = Signal(range(self._pairs + 1))
        m.d.comb += self.ready.eq(walk == self._pairs)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        known = ((self.pair < self._pairs) & (self.symbol_a < self._symbols)
                 & (self.symbol_b < self._symbols))
        of_one = self.enabled & (self.symbol_a == self.symbol_b)
        loads = Signal()
        m.d.comb += [
            loads.eq(self.load & self.ready & known & ~of_one),
            self.refused.eq(self.load & ~loads),
            write.en.eq(loads | ~self.ready),
            write.addr.eq(Mux(self.ready, self.pair, walk)),
            write_symbols.en.eq(write.en),
            write_symbols.addr.eq(write.addr),
            read.addr.eq(self.read_pair),
            self.row.eq(read.data),
            read_symbols.addr.eq(self.read_pair),
            self.read_symbols.eq(read_symbols.data),
        ]
        with m.If(self.ready):
            m.d.comb += [write.data[name].eq(getattr(self, name)) for name in PARAMETERS]
            m.d.comb += [write_symbols.data[index].eq(getattr(self, name))
                         for index, name in enumerate(SYMBOLS)]

        return m
