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

        cycle   0                1                  2            3
        effect ──▶ [ read ] ──▶ [ add, subtract ] ──▶ change, [ write ] or else [ write ]
                      ▲            ▲                     │
                      │            └── the same level ◀──┤ a row that waits to be written
                      └───────── one address ────────────┘

                                cycle 4: best_row ──▶ cycle 5: best_shares

    Reads for effects and writes share one port of the memory: an effect in cycle 2 has it, and the
    write comes in cycle 3, in which there is no effect. The best level has the other port.

    Latency: 2 cycles; 1 from the best level to its shares. Throughput: 1 effect in 2 cycles.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the tables, of levels a cycle later; no effect comes until it has.
    effects : ``In(stream.Signature(Effect(symbols), always_ready=True))``
        What operations do, at least 2 cycles apart, in cycle 0.
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
        carry = self._count_level(m, now, valid, inside)
        self._count_outside(m, now, valid)
        with m.If(valid):
            m.d.sync += self.changes.p.effect.eq(now)
            m.d.sync += self.changes.p.effect.reasons.eq(
                now.reasons | Mux(inside & now.joins & carry, Reason.QUANTITY.value, 0))

        return m

    def _count_level(self, m, now, valid, inside):
        """Count the orders and shares of a level; give the carry out of its shares."""
        shape = data.StructLayout({"count": self._preset.orders.bit_length(),
                                   "shares": SHARES_BITS})
        before, after, wraps = Signal(shape), Signal(shape), Signal()
        m.d.comb += after.count.eq(before.count + now.joins - now.leaves)
        with m.If(now.joins):
            m.d.comb += Cat(after.shares, wraps).eq(before.shares + now.shares)
        with m.Else():
            m.d.comb += after.shares.eq(before.shares - now.shares)
        m.d.sync += [
            self.changes.p.appeared.eq(inside & now.joins & (before.count == 0)),
            self.changes.p.vanished.eq(inside & now.leaves & (after.count == 0)),
        ]

        row, kept, waits = Signal(len(self.best_row)), Signal(shape), Signal()
        with m.If(self.walk.active):
            m.d.sync += [waits.eq(1), row.eq(self.walk.row), kept.eq(0)]
        with m.Elif(valid):
            m.d.sync += waits.eq(inside & (now.joins | now.shrinks))
            m.d.sync += [row.eq(Cat(now.tick[:self._level_bits], self.side_row)), kept.eq(after)]
        with m.Elif(~self.effects.valid):
            m.d.sync += waits.eq(0)

        replaced = Signal(SHARES_BITS)
        with m.If(valid):
            m.d.sync += replaced.eq(before.shares)
        self._keep_levels(m, row, kept, waits, before, replaced)
        return wraps

    def _keep_levels(self, m, row, kept, waits, before, replaced):
        """Read the row of an effect and that of the best level, write the row that waits.

        A block RAM has two ports: the reads of effects and the writes share an address, the read
        of the best level has the other. What is read where a row is written in the same cycle is
        never used, for block RAMs do not agree on it: ``replaced`` stands in its place.
        """
        m.submodules.levels = levels = Memory(shape=kept.shape(), depth=1 << len(row), init=[])
        write = levels.write_port()
        read  = levels.read_port()
        best  = levels.read_port(transparent_for=[write])

        first, shared = self.effects.p, Signal.like(row)
        first_row     = Cat(first.tick[:self._level_bits], first.side, first.operation.symbol)
        m.d.comb += [
            shared.eq(Mux(self.effects.valid, first_row, row)),
            read.addr.eq(shared),
            read.en.eq(self.effects.valid),
            write.addr.eq(shared),
            write.en.eq(waits & ~self.effects.valid),
            write.data.eq(kept),
            best.addr.eq(self.best_row),
        ]

        again, overtaken = Signal(), Signal()
        m.d.sync += again.eq(waits & (row == first_row))
        m.d.sync += overtaken.eq(write.en & (write.addr == best.addr))
        m.d.comb += before.eq(Mux(again, kept, read.data))
        m.d.comb += self.best_shares.eq(Mux(overtaken, replaced, best.data.shares))

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
