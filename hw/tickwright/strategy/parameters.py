"""What the host says of each pair."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.strategy.clearing import Clearing
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
    """Holds the parameters of each pair in two banks: one in force, one that the host writes.

    After reset the table clears itself: no pair is enabled. A load is refused while the shadow is
    not cleared or closed; so is one of a pair or a symbol that the card does not have, and one that
    would enable a pair of a symbol with itself.

    Rows have one read port. It is that of the pairs in force; a cycle in which none is read looks
    at the shadow. ::

        load, clear ─▶ [ shadow   ] ◀─ look_pair ─┐
                           ⇅ swap                 ├─▶ row
                       [ in force ] ◀─ read_pair ─┘

    Latency: symbols of the pair in the same cycle, row 1 cycle; a load shows 1 cycle later.
    Throughput: 1 pair, read or looked at, per cycle. Clearing takes a cycle a pair, after reset 2.

    Members
    -------
    pair : ``In(16)``
        Pair to load.
    enabled, symbol_a, ..., retry_ns : ``In(bits)``
        Parameters to load.
    load, clear : ``In(1)``
        Load them into the shadow; clear the shadow.
    closed : ``In(1)``
        The shadow is being checked: no load.
    refused : ``Out(1)``
        The load of this cycle is refused.
    bank, swap : ``In(1)``
        The bank in force; the banks change places after this cycle.
    read_pair, read : ``In(range(pairs))``, ``In(1)``
        Pair to read, of those in force; its row is read in this cycle.
    read_symbols : ``Out(ArrayLayout(range(symbols), 2))``
        Its symbols, A and B.
    look_pair : ``In(range(pairs))``
        Pair of the shadow whose row is looked at in a cycle in which none is read.
    row : ``Out(Parameters(symbols))``
        All parameters of the pair that was read, or else looked at, in the cycle before.
    looked_symbols : ``Out(ArrayLayout(range(symbols), 2))``
        Symbols of the pair to look at, as `read_symbols` will show them, in the cycle after.
    ready, shadow_ready : ``Out(1)``
        The table is cleared; the shadow is.
    """

    def __init__(self, preset):
        self._pairs, self._symbols = preset.pairs, preset.symbols
        self._row = Parameters(preset.symbols)
        self._both = data.ArrayLayout(range(preset.symbols), len(SYMBOLS))
        super().__init__({
            "pair":           In(StrategyRegs.pair.bits),
            **{name: In(getattr(StrategyRegs, name).bits) for name in PARAMETERS},
            "load":           In(1),
            "clear":          In(1),
            "closed":         In(1),
            "refused":        Out(1),
            "bank":           In(1),
            "swap":           In(1),
            "read_pair":      In(range(preset.pairs)),
            "read":           In(1),
            "read_symbols":   Out(self._both),
            "look_pair":      In(range(preset.pairs)),
            "row":            Out(self._row),
            "looked_symbols": Out(self._both),
            "ready":          Out(1),
            "shadow_ready":   Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.clearing = clearing = Clearing(self._pairs)
        m.submodules.rows = rows = Memory(shape=self._row, depth=2 * self._pairs, init=[],
                                          attrs={"ram_style": "block"})
        m.submodules.symbols = symbols = Memory(shape=self._both, depth=2 * self._pairs, init=[])
        write, write_symbols = rows.write_port(), symbols.write_port()

        known = ((self.pair < self._pairs) & (self.symbol_a < self._symbols)
                 & (self.symbol_b < self._symbols))
        of_one = self.enabled & (self.symbol_a == self.symbol_b)
        loads = Signal()
        bits = len(self.look_pair)
        bank = Mux(self.ready, ~self.bank, clearing.row[-1])  # that is written: the shadow
        m.d.comb += [
            clearing.clear.eq(self.clear),
            clearing.swap.eq(self.swap),
            clearing.bank.eq(self.bank),
            self.ready.eq(clearing.ready),
            self.shadow_ready.eq(clearing.shadow_ready),
            loads.eq(self.load & self.shadow_ready & ~self.closed & known & ~of_one),
            self.refused.eq(self.load & ~loads),
            write.en.eq(loads | clearing.active),
            write.addr.eq(Cat(Mux(clearing.active, clearing.row, self.pair)[:bits], bank)),
            write_symbols.en.eq(write.en),
            write_symbols.addr.eq(write.addr),
        ]
        with m.If(~clearing.active):
            m.d.comb += [write.data[name].eq(getattr(self, name)) for name in PARAMETERS]
            m.d.comb += [write_symbols.data[index].eq(getattr(self, name))
                         for index, name in enumerate(SYMBOLS)]
        self._read(m, rows, symbols, write)

        return m

    def _read(self, m, rows, symbols, write):
        """Show a pair in force, or else one of the shadow; the symbols of both.

        A row is never read while it is written: no pair is in force before all rows are cleared,
        then only the shadow is written, and that is looked at only while it is closed. Block RAM
        needs to know, so reads are enabled accordingly.
        """
        read = rows.read_port()
        read_symbols, look_symbols = (symbols.read_port(domain="comb") for _ in range(2))
        m.d.comb += [
            read_symbols.addr.eq(Cat(self.read_pair, self.bank)),
            self.read_symbols.eq(read_symbols.data),
            look_symbols.addr.eq(Cat(self.look_pair, ~self.bank)),
            read.addr.eq(Mux(self.read, read_symbols.addr, look_symbols.addr)),
            read.en.eq(Mux(self.read & self.ready, 1, ~write.en)),
            self.row.eq(read.data),
        ]
        m.d.sync += self.looked_symbols.eq(look_symbols.data)
