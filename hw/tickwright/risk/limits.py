"""The limits of the risk officer: those in force, and the next ones."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.strategy.types import LEGS

__all__ = ["LimitTable", "OfAll", "OrderLimits", "SymbolLimits"]

SymbolLimits = data.StructLayout({name: getattr(RiskRegs, f"symbol_{name}").bits
                                  for name in SYMBOL_LIMITS})
"""The limits of a symbol, named and sized as their registers."""

OrderLimits = data.StructLayout({name: getattr(RiskRegs, name).bits
                                 for name in ("max_shares", "max_notional")})
"""The limits of an order of any symbol, named and sized as their registers."""

OfAll = data.StructLayout({"limits": OrderLimits, "epoch": RiskRegs.limits_epoch.bits,
                           "checksum": RiskRegs.limits_checksum.bits})
"""What a set of limits has beside its symbols."""


class LimitTable(wiring.Component):
    """Holds two sets of limits: the one in force, and a shadow to write the next one to.

    What is read of the set in force, for both legs and for all, is of one set. After reset both
    sets are 0, which refuses everything: the rows clear themselves, those in force first.

    A row is looked at instead of the second symbol: there is one read port for both. ::

        row, clear ─▶ [ shadow   ] ◀─ look_symbol ┐
                          ⇅ swap                  ├─▶ looked
                      [ in force ] ◀─ symbols ────┴─▶ limits, of_all

    Latency: 1 cycle from the symbols to their limits and to those of all; 1 cycle from a row to the
    shadow, and from a swap to the set that is read. Clearing takes a cycle a symbol, twice after
    reset. Throughput: 2 reads, or 1 and a look, and 1 row per cycle.

    Members
    -------
    clear : ``In(1)``
        Clear the shadow, from this cycle on.
    shadow_ready : ``Out(1)``
        The shadow is cleared, and nothing in this cycle clears it.
    symbol, row, write : ``In``
        Row of the shadow and what to write to it in this cycle, with a bit for each limit: whether
        to write that one; only while the shadow is ready.
    looks, look_symbol, look_in_force : ``In``
        Look at a row in this cycle, of the shadow or of the set in force; the second symbol is not
        read.
    looked : ``Out(SymbolLimits)``
        What the row looked at in the cycle before held then.
    swap, next_of_all : ``In(1)``, ``In(OfAll)``
        Put the shadow in force from the next cycle on, with this for all.
    in_force : ``Out(OfAll)``
        What is in force for all.
    symbols : ``In(ArrayLayout(range(symbols), 2))``
        Symbols to read.
    limits, of_all : ``Out(ArrayLayout(SymbolLimits, 2))``, ``Out(OfAll)``
        Limits of the symbols of the cycle before, and of all, as they were in force then; those of
        the second symbol only if no row was looked at.
    ready : ``Out(1)``
        The rows in force are cleared.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "clear":         In(1),
            "shadow_ready":  Out(1),
            "symbol":        In(range(preset.symbols)),
            "row":           In(SymbolLimits),
            "write":         In(len(SYMBOL_LIMITS)),
            "looks":         In(1),
            "look_symbol":   In(range(preset.symbols)),
            "look_in_force": In(1),
            "looked":        Out(SymbolLimits),
            "swap":          In(1),
            "next_of_all":   In(OfAll),
            "in_force":      Out(OfAll),
            "symbols":       In(data.ArrayLayout(range(preset.symbols), LEGS)),
            "limits":        Out(data.ArrayLayout(SymbolLimits, LEGS)),
            "of_all":        Out(OfAll),
            "ready":         Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        bits = exact_log2(self._symbols)
        bank, shadow = Signal(), Signal()  # which half of the rows is which
        m.d.comb += shadow.eq(~bank)

        # The walk has the rows in force in its first half, which only a reset starts.
        walk, cleared = Signal(range(2 * self._symbols + 1)), Signal()
        m.d.comb += [
            cleared.eq(walk == 2 * self._symbols),
            self.ready.eq(walk >= self._symbols),
            self.shadow_ready.eq(cleared & ~self.clear),
        ]
        with m.If(self.clear & self.ready):
            m.d.sync += walk.eq(self._symbols)
        with m.Elif(~cleared):
            m.d.sync += walk.eq(walk + 1)

        at = Cat(Mux(cleared, self.symbol, walk)[:bits], Mux(self.ready, shadow, bank))
        look = Cat(self.look_symbol[:bits], Mux(self.look_in_force, bank, shadow))
        first, second = (Cat(symbol[:bits], bank) for symbol in self.symbols)
        rows_read = first, Mux(self.looks, look, second)
        for index, (name, field) in enumerate(SymbolLimits):
            m.submodules[name] = rows = Memory(shape=field.shape, depth=2 * self._symbols, init=[])
            write = rows.write_port()
            m.d.comb += [
                write.en.eq(self.write[index] | ~cleared),
                write.addr.eq(at),
                write.data.eq(Mux(cleared, self.row[name], 0)),
            ]
            for row, limits in zip(rows_read, self.limits, strict=True):
                read = rows.read_port()
                m.d.comb += [read.addr.eq(row), limits[name].eq(read.data)]
        m.d.comb += self.looked.eq(self.limits[-1])
        m.d.sync += self.of_all.eq(self.in_force)
        with m.If(self.swap):
            m.d.sync += [bank.eq(shadow), self.in_force.eq(self.next_of_all)]

        return m
