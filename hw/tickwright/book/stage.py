"""From book events to quotes."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.book.best import BestFinder
from tickwright.book.control import BookControl
from tickwright.book.levels import LevelStore
from tickwright.book.lookup import OrderLookup
from tickwright.book.orders import TABLES, WAYS
from tickwright.book.pace import OperationPacer
from tickwright.book.queue import EventQueue
from tickwright.book.quotes import QuoteFormer
from tickwright.book.regs import BookRegs
from tickwright.book.trust import TrustStore
from tickwright.book.types import Capacity, Overflow, Quote
from tickwright.book.walker import Walker
from tickwright.core.regfile import RegisterFile
from tickwright.feed.types import BookEvent, StatusEvent, Trust

__all__ = ["BookStage"]


class BookStage(wiring.Component):
    """Keeps every order of the watched symbols and publishes their best prices.

    Section 5 of the specification. Quotes and taints leave in the order of what caused them. After
    reset the tables are cleared, a row a cycle; what comes before they are is refused, and leaves a
    taint. ::

        cycle   0                         2            4          6                     8
        events ──▶ queue, pacer, lookup ──▶ levels ──▶ best ──▶ trust, quotes former ──▶ quotes

    Latency: 8 cycles for an event that waits for no other, 10 for a replace; the same for a taint;
    1 more to the quote of the other symbol of a mismatch. Throughput: 1 event in 2 cycles, 1
    replace in 4. Operations begin at least 2 cycles apart and all take as long, so the cycle after
    a quote is free for that of a mismatch's other symbol, and nothing ever waits for it.

    Members
    -------
    events, statuses, trusts : ``In(stream.Signature(..., always_ready=True))``
        What the feed says; at most one of the three in a cycle.
    quotes : ``Out(stream.Signature(Quote(symbols), always_ready=True))``
        A quote for each event after which its symbol's differs from the last one; after a mismatch
        then one for the other symbol, by the same rule and with the same cause.
    taints : ``Out(stream.Signature(Trust(symbols), always_ready=True))``
        Trust records of scope all; never in the cycle of a quote. One with reason `overflow` stands
        in the place of the first of a run of events that were refused.
    overflows : ``Out(stream.Signature(Overflow, always_ready=True))``
        Events and statuses that were refused, a cycle after they came.
    capacities : ``Out(stream.Signature(Capacity, always_ready=True))``
        Orders that found no free way in the table, 3 cycles after they were due.
    ready : ``Out(1)``
        The tables have been cleared since reset.
    busy : ``Out(1)``
        Something waits for its turn, or takes it in this cycle.
    bus : ``In(BusSignature(...))``
        Access from the host to `BookRegs`.
    """

    def __init__(self, preset):
        self._preset = preset
        self._regs   = RegisterFile(BookRegs)
        symbols = preset.symbols
        super().__init__({
            "events":     In(stream.Signature(BookEvent(symbols), always_ready=True)),
            "statuses":   In(stream.Signature(StatusEvent(symbols), always_ready=True)),
            "trusts":     In(stream.Signature(Trust(symbols), always_ready=True)),
            "quotes":     Out(stream.Signature(Quote(symbols), always_ready=True)),
            "taints":     Out(stream.Signature(Trust(symbols), always_ready=True)),
            "overflows":  Out(stream.Signature(Overflow, always_ready=True)),
            "capacities": Out(stream.Signature(Capacity, always_ready=True)),
            "ready":      Out(1),
            "busy":       Out(1),
            "bus":        self._regs.signature.members["bus"],
        })

    def elaborate(self, platform):
        m = Module()

        preset = self._preset
        rows = max(preset.orders // (TABLES * WAYS), 2 * preset.symbols * preset.window)
        walk_bits = rows.bit_length() - 1
        m.submodules.regs    = regs    = self._regs
        m.submodules.control = control = BookControl(preset)
        m.submodules.walker  = walker  = Walker(walk_bits)
        m.submodules.queue   = queue   = EventQueue(preset)
        m.submodules.pacer   = pacer   = OperationPacer(preset)
        m.submodules.lookup  = lookup  = OrderLookup(preset, walk_bits)
        m.submodules.levels  = levels  = LevelStore(preset, walk_bits)
        m.submodules.best    = best    = BestFinder(preset, walk_bits)
        m.submodules.trust   = trust   = TrustStore(preset)
        m.submodules.quotes  = quotes  = QuoteFormer(preset, walk_bits)

        for name in ("events", "statuses", "trusts"):
            connect(m, flipped(getattr(self, name)), getattr(queue, name))
        connect(m, queue.operations, pacer.waiting)
        connect(m, pacer.operations, lookup.operations)
        connect(m, lookup.effects, levels.effects)
        connect(m, levels.changes, best.changes)
        connect(m, best.touches, quotes.touches)
        connect(m, quotes.quotes, flipped(self.quotes))
        connect(m, quotes.taints, flipped(self.taints))
        connect(m, queue.overflows, flipped(self.overflows))
        connect(m, lookup.capacities, flipped(self.capacities))
        connect(m, walker.walk, lookup.walk, levels.walk, best.walk, quotes.walk)

        touch = best.touches.p
        m.d.comb += [
            self.ready.eq(walker.cleared),
            self.busy.eq(queue.operations.valid),
            queue.cleared.eq(walker.cleared),
            control.entered.eq(queue.entered),
            best.side_row.eq(levels.side_row),
            levels.best_row.eq(Cat(touch.level, touch.change.effect.side,
                                   touch.change.effect.operation.symbol)),
            quotes.best_shares.eq(levels.best_shares),
            quotes.reasons.eq(trust.reasons),
            trust.other.eq(quotes.other),
            trust.entering.valid.eq(pacer.operations.valid),
            trust.entering.p.eq(pacer.operations.p.symbol),
            trust.effects.valid.eq(best.touches.valid),
            trust.effects.p.eq(touch.change.effect),
        ]
        self._control(m, regs, control, lookup, trust, quotes)

        return m

    def _control(self, m, regs, control, lookup, trust, quotes):
        """Connect the host."""
        connect(m, flipped(self.bus), regs.bus)
        regs.attach(m, control)
        for store in (lookup, trust, quotes):
            m.d.comb += store.settings.valid.eq(control.settings.valid)
            m.d.comb += store.settings.p.eq(control.settings.p)
        m.d.comb += [
            control.ready.eq(self.ready),
            control.effects.valid.eq(lookup.effects.valid),
            control.effects.p.eq(lookup.effects.p),
            control.published.eq(self.quotes.valid),
            control.refused.eq(self.overflows.valid),
            trust.selected.eq(control.symbol),
            control.reasons.eq(trust.selected_reasons),
            control.untrusted.eq(trust.untrusted),
        ]
