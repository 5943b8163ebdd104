"""How many orders and shares rest at each price."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import SHARES_BITS, Change, Effect, Place
from tickwright.book.walker import Walk
from tickwright.feed.types import Reason, Side

__all__ = ["LevelStore"]


class LevelStore(wiring.Component):
    """Keeps the count of orders and the shares of every level, and counts the orders outside.

    A level is the low bits of a tick, so a window may begin anywhere. Shares are kept modulo 2**32;
    a sum beyond that adds reason `quantity`. The read of the best level's shares does not see
    effects that come after the change it belongs to. ::

        cycle   0                1                  2
        effect ──▶ [ read ] ──▶ [ add, subtract ] ──▶ change, [ write ]
                                                cycle 4: best_row ──▶ cycle 5: best_shares

    Latency: 2 cycles; 1 from the best level to its shares. Throughput: 1 effect in 2 cycles.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the tables.
    effects : ``In(stream.Signature(Effect(symbols), always_ready=True))``
        What operations do, in cycle 0.
    side_row : ``Out(log2(symbols) + 1)``
        Side and symbol of the effect, in cycle 1.
    changes : ``Out(stream.Signature(Change(symbols), always_ready=True))``
        How levels stand after an effect, in cycle 2.
    best_row : ``In(log2(window * symbols) + 1)``
        Level, side and symbol whose shares are wanted, in cycle 4.
    best_shares : ``Out(32)``
        Shares of that level, in cycle 5.
    """

    def __init__(self, preset, walk_bits: int):
        self._preset = preset
        self._level_bits = preset.window.bit_length() - 1
        side_bits = preset.symbols.bit_length()
        super().__init__({
            "walk":        In(Walk(walk_bits)),
            "effects":     In(stream.Signature(Effect(preset.symbols), always_ready=True)),
            "side_row":    Out(side_bits),
            "changes":     Out(stream.Signature(Change(preset.symbols), always_ready=True)),
            "best_row":    In(self._level_bits + side_bits),
            "best_shares": Out(SHARES_BITS),
        })

    def elaborate(self, platform):
        m = Module()

        now, valid = Signal(self.effects.p.shape()), Signal()
        m.d.sync += valid.eq(self.effects.valid)
        m.d.sync += self.changes.valid.eq(valid)
        with m.If(self.effects.valid):
            m.d.sync += now.eq(self.effects.p)
        m.d.comb += self.side_row.eq(Cat(now.side, now.operation.symbol))

        inside = (now.place == Place.INSIDE) & valid
        carry = self._count_level(m, now, inside)
        self._count_outside(m, now, valid)
        with m.If(valid):
            m.d.sync += self.changes.p.effect.eq(now)
            m.d.sync += self.changes.p.effect.reasons.eq(
                now.reasons | Mux(inside & now.joins & carry, Reason.QUANTITY.value, 0))

        return m

    def _count_level(self, m, now, inside):
        """Count the orders and shares of a level; give the carry out of its shares."""
        shape = data.StructLayout({"count": self._preset.orders.bit_length(),
                                   "shares": SHARES_BITS})
        m.submodules.levels = levels = Memory(
            shape=shape, depth=1 << len(self.best_row), init=[])
        write = levels.write_port()
        read  = levels.read_port(transparent_for=[write])
        best  = levels.read_port()
        first = self.effects.p
        m.d.comb += [
            read.addr.eq(Cat(first.tick[:self._level_bits], first.side, first.operation.symbol)),
            best.addr.eq(self.best_row),
            self.best_shares.eq(best.data.shares),
        ]

        after = Signal(shape)
        wraps = Signal()
        m.d.comb += after.count.eq(read.data.count + now.joins - now.leaves)
        with m.If(now.joins):
            m.d.comb += Cat(after.shares, wraps).eq(read.data.shares + now.shares)
        with m.Else():
            m.d.comb += after.shares.eq(read.data.shares - now.shares)

        row, kept, changed = Signal.like(write.addr), Signal(shape), Signal()
        m.d.sync += [
            changed.eq(inside & (now.joins | now.shrinks)),
            row.eq(Cat(now.tick[:self._level_bits], self.side_row)),
            kept.eq(after),
            self.changes.p.appeared.eq(inside & now.joins & (read.data.count == 0)),
            self.changes.p.vanished.eq(inside & now.leaves & (after.count == 0)),
        ]
        with m.If(self.walk.active):
            m.d.comb += write.en.eq(1)
            m.d.comb += write.addr.eq(self.walk.row)
        with m.Else():
            m.d.comb += write.en.eq(changed)
            m.d.comb += write.addr.eq(row)
            m.d.comb += write.data.eq(kept)
        return wraps

    def _count_outside(self, m, now, valid):
        """Count the orders of a side below and above the window."""
        bits  = self._preset.orders.bit_length()
        shape = data.StructLayout({"below": bits, "above": bits})
        m.submodules.outside = outside = Memory(
            shape=shape, depth=1 << len(self.side_row), init=[])
        write, read = outside.write_port(), outside.read_port()
        m.d.comb += read.addr.eq(Cat(self.effects.p.side, self.effects.p.operation.symbol))

        after = Signal(shape)
        m.d.comb += after.eq(read.data)
        with m.If(now.place == Place.BELOW):
            m.d.comb += after.below.eq(read.data.below + now.joins - now.leaves)
        with m.If(now.place == Place.ABOVE):
            m.d.comb += after.above.eq(read.data.above + now.joins - now.leaves)
        with m.If(self.walk.active):
            m.d.comb += write.en.eq(1)
            m.d.comb += write.addr.eq(self.walk.row)
        with m.Else():
            m.d.comb += write.en.eq(valid)
            m.d.comb += write.addr.eq(self.side_row)
            m.d.comb += write.data.eq(after)

        below, above = after.below.any(), after.above.any()
        is_sell = now.side == Side.SELL
        m.d.sync += self.changes.p.better.eq(Mux(is_sell, below, above))
        m.d.sync += self.changes.p.worse.eq(Mux(is_sell, above, below))
