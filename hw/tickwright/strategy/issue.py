"""The order in which quotes are stored and pairs evaluated."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from tickwright.book.types import Quote
from tickwright.feed.types import Cause, Trust
from tickwright.strategy.regs import StrategyRegs
from tickwright.strategy.types import Coalesced

__all__ = ["Issue"]


class Issue(wiring.Component):
    """Lets one quote after the other take effect, each with the pairs that its symbol lists.

    A quote is stored in the cycle in which its first pair is evaluated, so an evaluation sees all
    quotes and taints before its own and none after it. What comes while pairs are still to be
    evaluated waits in order. Should so much wait that the queue could overflow, quotes are stored
    without their evaluations, one a cycle, and those are counted and told: the store is always
    right. ::

        quotes ─┬──────────────▶ ┬─▶ stored, tainted
        taints ─┴─▶ [ queue ] ─▶ ┴─▶ place ─▶ place ...

    Latency: 0 cycles from a quote to ``stored`` and its first place when nothing waits; place k of
    those used comes k cycles later; 1 cycle to ``coalesced``. Throughput: 1 quote or taint per
    cycle; 1 place per cycle.

    Members
    -------
    quotes, taints : ``In(stream)``
        As the book publishes them.
    stored : ``Out(Quote(symbols))``
        Quote that takes effect; also when ``places`` must be looked up.
    store, taint : ``Out(1)``
        A quote, or a taint, takes effect in this cycle.
    places : ``In(fanout)``
        Places in use in the list of the symbol of ``stored``, in the same cycle.
    symbol, place : ``Out(range(symbols))``, ``Out(range(fanout))``
        Place of a list to evaluate.
    issue : ``Out(1)``
        Evaluate it.
    cause : ``Out(Cause)``
        Cause of the quote, in the cycle after.
    hold : ``In(1)``
        Let nothing take effect in this cycle.
    busy, resting : ``Out(1)``
        A quote waits, or a place is still to be evaluated; no place is.
    stored_quotes : ``Out(32)``
        Quotes that took effect, modulo 2^32.
    coalesced : ``Out(stream.Signature(Coalesced(fanout), always_ready=True))``
        Each quote stored without evaluations that its symbol's list asks for.
    evaluations_dropped : ``Out(32)``
        Evaluations left out and told; stops counting at its maximum.
    """

    def __init__(self, preset):
        self._depth = max(preset.queue, 4) * preset.fanout
        self._fanout = preset.fanout
        symbols = preset.symbols
        super().__init__({
            "quotes": In(stream.Signature(Quote(symbols), always_ready=True)),
            "taints": In(stream.Signature(Trust(symbols), always_ready=True)),
            "stored": Out(Quote(symbols)),
            "store":  Out(1),
            "taint":  Out(1),
            "places": In(preset.fanout),
            "symbol": Out(range(symbols)),
            "place":  Out(range(preset.fanout)),
            "issue":  Out(1),
            "cause":  Out(Cause),
            "hold":   In(1),
            "busy":   Out(1),
            "resting":       Out(1),
            "stored_quotes": Out(32),
            "coalesced":           Out(stream.Signature(Coalesced(preset.fanout),
                                                        always_ready=True)),
            "evaluations_dropped": Out(StrategyRegs.evaluations_dropped.bits),
        })
        self._item = data.StructLayout({"taint": 1, "quote": Quote(symbols)})

    def elaborate(self, platform):
        m = Module()

        width = self._item.as_shape().width
        m.submodules.queue = queue = SyncFIFOBuffered(width=width, depth=self._depth)
        arrival, item = Signal(self._item), Signal(self._item)
        arrives, takes, found = Signal(), Signal(), Signal()
        waits, crowded = self._fill(m, queue)
        remaining = Signal(self._fanout)
        symbol = Signal.like(self.symbol)

        m.d.comb += [
            arrives.eq(self.quotes.valid | self.taints.valid),
            arrival.taint.eq(self.taints.valid),
            arrival.quote.eq(self.quotes.payload),
            takes.eq(self.resting & ~self.hold),
            self.resting.eq(~remaining.any()),
            self.busy.eq(waits | ~self.resting),
            item.eq(Mux(waits, queue.r_data, arrival)),
            found.eq(takes & Mux(waits, queue.r_rdy, arrives)),
            queue.r_en.eq(takes & waits),
            queue.w_data.eq(arrival),
            queue.w_en.eq(arrives & (waits | ~takes)),
            self.stored.eq(item.quote),
            self.store.eq(found & ~item.taint),
            self.taint.eq(found & item.taint),
        ]

        due = Signal(self._fanout)
        with m.If(self.store & ~crowded):
            m.d.comb += due.eq(self.places)
        with m.Elif(~self.hold):
            m.d.comb += due.eq(remaining)
        with m.If(~self.hold):
            m.d.sync += remaining.eq(due & (due - 1))
        with m.If(self.store):
            m.d.sync += [self.cause.eq(item.quote.cause), symbol.eq(item.quote.symbol)]
        m.d.comb += [
            self.issue.eq(due.any()),
            self.symbol.eq(Mux(self.store, item.quote.symbol, symbol)),
        ]
        for place in reversed(range(self._fanout)):
            with m.If(due[place]):
                m.d.comb += self.place.eq(place)

        self._record(m, item.quote, self.store & crowded)

        return m

    def _fill(self, m, queue):
        """Return whether something waits, and whether so much that quotes must leave at once.

        Both are kept beside the number that waits, for all else of the cycle hangs on them. While
        more than ``most`` wait, quotes leave the queue as fast as they can come. Until then the
        pairs of one more quote may be evaluated, and the buffer of the queue be under way.
        """
        most = self._depth - self._fanout - 4
        waiting, waits, crowded = Signal(range(self._depth + 1)), Signal(), Signal()
        comes, goes = queue.w_en, queue.r_en & queue.r_rdy
        with m.If(comes & ~goes):
            m.d.sync += [waiting.eq(waiting + 1), waits.eq(1), crowded.eq(waiting >= most)]
        with m.Elif(goes & ~comes):
            m.d.sync += [waiting.eq(waiting - 1), waits.eq(waiting != 1),
                         crowded.eq(waiting > most + 1)]
        return waits, crowded

    def _record(self, m, quote, left_out):
        """Count the quotes stored; tell the evaluations left out, and count what is told."""
        told, dropped = self.coalesced, Signal.like(self.evaluations_dropped)
        m.d.sync += self.stored_quotes.eq(self.stored_quotes + self.store)
        m.d.sync += [
            told.valid.eq(left_out & self.places.any()),
            told.p.cause.eq(quote.cause),
            told.p.quotes.eq(self.stored_quotes),
            told.p.evaluations.eq(sum(self.places)),
        ]
        m.d.comb += dropped.eq(self.evaluations_dropped + told.p.evaluations)
        with m.If(told.valid):
            m.d.sync += self.evaluations_dropped.eq(
                Mux(dropped < self.evaluations_dropped, ~0, dropped))
