"""What an operation means, given the order it names."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import (
    SHARES_BITS,
    TICK_BITS,
    Effect,
    Operation,
    OperationKind,
    Place,
)
from tickwright.book.orders import OrderEntry
from tickwright.book.types import Capacity
from tickwright.feed.types import Reason, Side

__all__ = ["OrderRules"]


class OrderRules(wiring.Component):
    """Decides what an operation does to its order, its level and its symbol's trust.

    The rules are those of section 5 of the specification. The second half of a replace takes the
    side of the order its first half found, and does nothing if that found none.

    Latency: 2 cycles, 3 to `capacities`; what is looked up for an operation is given in cycle 2.
    Throughput: 1 operation in 2 cycles.

    Members
    -------
    operations : ``In(stream.Signature(Operation(symbols), always_ready=True))``
        Operations, in cycle 0.
    found, entry, free : ``In(1)``, ``In(OrderEntry(symbols))``, ``In(1)``
        What the order table says.
    tick, on_grid : ``In(25)``, ``In(1)``
        The operation's price in ticks of its symbol.
    base_tick, cent_tick : ``In(25)``, ``In(1)``
        Window and tick size of its symbol; in cycle 1.
    write, remove, new : ``Out(1)``, ``Out(1)``, ``Out(OrderEntry(symbols))``
        What the order table is to do; in cycle 2.
    effects : ``Out(stream.Signature(Effect(symbols), always_ready=True))``
        What the operation does, in cycle 2.
    capacities : ``Out(stream.Signature(Capacity, always_ready=True))``
        Orders that found no free way.
    """

    def __init__(self, preset):
        self._window  = preset.window
        self._symbols = symbols = preset.symbols
        super().__init__({
            "operations": In(stream.Signature(Operation(symbols), always_ready=True)),
            "found":      In(1),
            "entry":      In(OrderEntry(symbols)),
            "free":       In(1),
            "tick":       In(TICK_BITS),
            "on_grid":    In(1),
            "base_tick":  In(TICK_BITS),
            "cent_tick":  In(1),
            "write":      Out(1),
            "remove":     Out(1),
            "new":        Out(OrderEntry(symbols)),
            "effects":    Out(stream.Signature(Effect(symbols), always_ready=True)),
            "capacities": Out(stream.Signature(Capacity, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        now = self._wait(m)
        order, is_add = now.operation.detail.order, now.operation.kind == OperationKind.ADD
        taking = self._take(m, now)
        first  = Signal(data.StructLayout({"known": 1, "side": Side}))  # what a first half found
        with m.If(taking.tried):
            m.d.sync += first.known.eq(taking.known)
            m.d.sync += first.side.eq(self.entry.side)

        side, tick, place = self._locate(m, now, first.side)
        adding = self._add(m, now, place, first.known | ~now.operation.half)
        m.d.comb += [
            self.write.eq(adding.joins | taking.shrinks & ~taking.leaves),
            self.remove.eq(taking.leaves),
            self.new.symbol.eq(now.operation.symbol),
            self.new.side.eq(side),
            self.new.tick.eq(tick),
            self.new.shares.eq(Mux(is_add, order.shares, self.entry.shares - taking.shares)),
        ]
        reasons = {
            Reason.UNKNOWN_REFERENCE:   taking.unknown,
            Reason.DUPLICATE_REFERENCE: adding.duplicate,
            Reason.QUANTITY:            adding.empty | taking.excess,
            Reason.PRICE:               adding.off_grid,
            Reason.CAPACITY:            adding.no_way,
            Reason.MISMATCH:            taking.mismatch,
        }
        effect = {
            "operation": now.operation,
            "base_tick": now.base_tick,
            "cent_tick": now.cent_tick,
            "side":      side,
            "tick":      tick,
            "place":     place,
            "joins":     adding.joins,
            "shrinks":   taking.shrinks,
            "leaves":    taking.leaves,
            "shares":    Mux(is_add, order.shares, taking.shares),
            "reasons":   self._told(m, now) | Cat(reasons.get(flag, 0) for flag in Reason),
            "mismatch":  taking.mismatch,
            "other":     self.entry.symbol,
        }
        m.d.comb += self.effects.valid.eq(now.valid)
        m.d.comb += [self.effects.p[name].eq(value) for name, value in effect.items()]
        m.d.sync += self.capacities.valid.eq(adding.no_way)
        m.d.sync += self.capacities.p.sequence.eq(now.operation.cause.sequence)

        return m

    def _wait(self, m):
        """Give the operation issued two cycles ago, and the window of its symbol."""
        now = Signal(data.StructLayout({
            "valid":     1,
            "operation": Operation(self._symbols),
            "base_tick": TICK_BITS,
            "cent_tick": 1,
        }))
        before  = Signal()
        between = Signal(Operation(self._symbols))
        m.d.sync += before.eq(self.operations.valid)
        m.d.sync += now.valid.eq(before)
        with m.If(self.operations.valid):
            m.d.sync += between.eq(self.operations.p)
        with m.If(before):
            m.d.sync += now.operation.eq(between)
            m.d.sync += now.base_tick.eq(self.base_tick)
            m.d.sync += now.cent_tick.eq(self.cent_tick)
        return now

    def _locate(self, m, now, first_side):
        """Give side and tick of the order that is added or found, and where the tick lies."""
        side, tick, place = Signal(Side), Signal(TICK_BITS), Signal(Place)
        with m.If(now.operation.kind != OperationKind.ADD):
            m.d.comb += Cat(side, tick).eq(Cat(self.entry.side, self.entry.tick))
        with m.Else():
            m.d.comb += Cat(side, tick).eq(Cat(now.operation.detail.order.side, self.tick))
            with m.If(now.operation.half):
                m.d.comb += side.eq(first_side)
        # A price too high for a tick is kept as the highest tick, which is never inside.
        with m.If(tick < now.base_tick):
            m.d.comb += place.eq(Place.BELOW)
        with m.Elif((tick - now.base_tick >= self._window) | tick.all()):
            m.d.comb += place.eq(Place.ABOVE)
        return side, tick, place

    def _take(self, m, now):
        """Give what becomes of an order that shares are taken off."""
        taking = Signal(data.StructLayout({
            "tried":    1,
            "known":    1,   # the order is in the table, and this symbol's
            "unknown":  1,
            "mismatch": 1,
            "excess":   1,   # more is to be taken off than remains
            "shrinks":  1,
            "leaves":   1,
            "shares":   SHARES_BITS,
        }))
        order, kind = now.operation.detail.order, now.operation.kind
        all_shares  = Signal()
        ours        = Signal()
        m.d.comb += [
            ours.eq(self.entry.symbol == now.operation.symbol),
            all_shares.eq((kind == OperationKind.DELETE) | (order.shares > self.entry.shares)),
            taking.tried.eq(now.valid & ((kind == OperationKind.REDUCE)
                                         | (kind == OperationKind.DELETE))),
            taking.known.eq(self.found & ours),
            taking.unknown.eq(taking.tried & ~self.found),
            taking.mismatch.eq(taking.tried & self.found & ~ours),
            taking.shrinks.eq(taking.tried & taking.known),
            taking.excess.eq(taking.shrinks & all_shares & (kind == OperationKind.REDUCE)),
            taking.shares.eq(Mux(all_shares, self.entry.shares, order.shares)),
            taking.leaves.eq(taking.shrinks & (taking.shares == self.entry.shares)),
        ]
        return taking

    def _add(self, m, now, place, has_side):
        """Give whether an order is added, or else why it is not: the first reason that holds."""
        adding = Signal(data.StructLayout({
            "duplicate": 1,
            "empty":     1,
            "off_grid":  1,
            "no_way":    1,
            "joins":     1,
        }))
        with m.If(now.valid & (now.operation.kind == OperationKind.ADD) & has_side):
            with m.If(self.found):
                m.d.comb += adding.duplicate.eq(1)
            with m.Elif(now.operation.detail.order.shares == 0):
                m.d.comb += adding.empty.eq(1)
            with m.Elif((place == Place.INSIDE) & ~self.on_grid):
                m.d.comb += adding.off_grid.eq(1)
            with m.Elif(~self.free):
                m.d.comb += adding.no_way.eq(1)
            with m.Else():
                m.d.comb += adding.joins.eq(1)
        return adding

    def _told(self, m, now):
        """Give the reasons that the operation itself brings."""
        told = Signal(Reason)
        with m.Switch(now.operation.kind), m.Case(OperationKind.TRUST, OperationKind.TAINT):
            m.d.comb += told.eq(now.operation.detail.trust.reasons)
        return told.as_value()
