"""From an operation to its effect."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.book.operations import Effect, Operation, Setting
from tickwright.book.orders import OrderTable
from tickwright.book.rules import OrderRules
from tickwright.book.settings import SymbolSettings
from tickwright.book.ticks import TickDivider
from tickwright.book.types import Capacity
from tickwright.book.walker import Walk

__all__ = ["OrderLookup"]


class OrderLookup(wiring.Component):
    """Looks up what an operation names, its order and its symbol, and applies the rules.

    ::

        cycle 0                     2
        operation ─┬─▶ settings ──┬─▶ rules ──▶ effect
                   ├─▶ ticks ─────┤     │
                   └─▶ orders ────┘◀────┘ the order as it is now

    Latency: 2 cycles, 3 to `capacities`. Throughput: 1 operation in 2 cycles.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the table.
    settings : ``In(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says.
    operations : ``In(stream.Signature(Operation(symbols), always_ready=True))``
        Operations, at least 2 cycles apart.
    effects : ``Out(stream.Signature(Effect(symbols), always_ready=True))``
        What they do.
    capacities : ``Out(stream.Signature(Capacity, always_ready=True))``
        Orders that found no free way.
    """

    def __init__(self, preset, walk_bits: int):
        self._preset    = preset
        self._walk_bits = walk_bits
        symbols = preset.symbols
        super().__init__({
            "walk":       In(Walk(walk_bits)),
            "settings":   In(stream.Signature(Setting(symbols), always_ready=True)),
            "operations": In(stream.Signature(Operation(symbols), always_ready=True)),
            "effects":    Out(stream.Signature(Effect(symbols), always_ready=True)),
            "capacities": Out(stream.Signature(Capacity, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.windows = windows = SymbolSettings(self._preset)
        m.submodules.ticks   = ticks   = TickDivider()
        m.submodules.orders  = orders  = OrderTable(self._preset, self._walk_bits)
        m.submodules.rules   = rules   = OrderRules(self._preset)

        connect(m, flipped(self.walk), orders.walk)
        connect(m, flipped(self.settings), windows.settings)
        connect(m, flipped(self.operations), rules.operations)
        connect(m, rules.effects, flipped(self.effects))
        connect(m, rules.capacities, flipped(self.capacities))

        operation = self.operations.p
        m.d.comb += [
            windows.symbol.eq(operation.symbol),
            ticks.price.eq(operation.detail.order.price),
            ticks.cent_tick.eq(windows.cent_tick),
            orders.references.valid.eq(self.operations.valid),
            orders.references.p.eq(operation.detail.order.reference),
            rules.base_tick.eq(windows.base_tick),
            rules.cent_tick.eq(windows.cent_tick),
            rules.tick.eq(ticks.tick),
            rules.on_grid.eq(ticks.on_grid),
            rules.found.eq(orders.found),
            rules.entry.eq(orders.entry),
            rules.free.eq(orders.free),
            orders.write.eq(rules.write),
            orders.remove.eq(rules.remove),
            orders.new.eq(rules.new),
        ]

        return m
