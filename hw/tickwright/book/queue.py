"""Where events wait for the book."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Operation, OperationKind
from tickwright.book.types import Overflow
from tickwright.feed.types import BookEvent, BookOp, Reason, StatusEvent, Trust

__all__ = ["EventQueue"]

KINDS = {
    BookOp.ADD:     OperationKind.ADD,
    BookOp.EXECUTE: OperationKind.REDUCE,
    BookOp.CANCEL:  OperationKind.REDUCE,
    BookOp.DELETE:  OperationKind.DELETE,
    BookOp.REPLACE: OperationKind.REPLACE,
}


class EventQueue(wiring.Component):
    """Keeps what the feed says, in order, until the book takes it; what finds no room is told.

    Events and statuses have three quarters of the queue; the rest is kept for trust records. The
    first event refused leaves a record in its place that sets reason `overflow` on all symbols;
    from then on events are refused until the queue is half empty. While the tables are not
    cleared, every event is refused.

    A trust record is never refused. One that finds all of the queue taken waits beside it; others
    that come meanwhile are merged into it: their reasons are added, its scope is then all symbols,
    and its lost range goes from the first that is told to the last. ::

        events ──┐                    ┌─ empty ───────────────────┐
        statuses ├─▶ [ room? ] ─ yes ─┴─▶ [ waiting ] ────────────┴─▶ operations
        trusts ──┘       └─ no ──▶ record, overflows

    Latency: 0 cycles where nothing waits; 1 to `overflows`. Throughput: 1 a cycle.

    Members
    -------
    cleared : ``In(1)``
        The tables of the book may be used. Nothing leaves before.
    events, statuses, trusts : ``In(stream.Signature(..., always_ready=True))``
        What the feed says; at most one of the three in a cycle.
    operations : ``Out(stream.Signature(Operation(symbols)))``
        What the book has to do next.
    overflows : ``Out(stream.Signature(Overflow, always_ready=True))``
        Each event or status that was refused; ``marked`` where it left a record in its place.
    entered : ``Out(1)``
        An event or status was taken in this cycle.
    """

    def __init__(self, preset):
        if preset.queue < 4:
            raise ValueError(f"queue is {preset.queue}, expected at least 4")
        self._preset = preset
        symbols = preset.symbols
        super().__init__({
            "cleared":    In(1),
            "events":     In(stream.Signature(BookEvent(symbols), always_ready=True)),
            "statuses":   In(stream.Signature(StatusEvent(symbols), always_ready=True)),
            "trusts":     In(stream.Signature(Trust(symbols), always_ready=True)),
            "operations": Out(stream.Signature(Operation(symbols))),
            "overflows":  Out(stream.Signature(Overflow, always_ready=True)),
            "entered":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        layout, depth = Operation(self._preset.symbols), self._preset.queue
        m.submodules.waiting = waiting = SyncFIFO(width=layout.size, depth=depth)
        arriving = Signal(layout)
        self._translate(m, arriving)

        event    = Signal()
        refused  = Signal()
        offered  = Signal()  # what arrives, or the record in place of it, asks for a place
        marked   = Signal()  # a record takes the place of what is refused
        dropping = Signal()
        m.d.comb += [
            event.eq(self.events.valid | self.statuses.valid),
            refused.eq(event & (~self.cleared | dropping | (waiting.level >= depth - depth // 4))),
            self.entered.eq(event & ~refused),
            marked.eq(refused & ~dropping),
            offered.eq(self.trusts.valid | self.entered | marked),
        ]
        with m.If(refused):
            m.d.sync += dropping.eq(1)
        with m.If(self.cleared & dropping & (waiting.level <= depth // 2)):
            m.d.sync += dropping.eq(0)
        m.d.sync += self.overflows.valid.eq(refused)
        m.d.sync += self.overflows.p.sequence.eq(arriving.cause.sequence)
        m.d.sync += self.overflows.p.marked.eq(marked)

        current = Signal(layout)
        m.d.comb += current.eq(arriving)
        with m.If(refused):
            m.d.comb += [
                current.kind.eq(OperationKind.TAINT),
                current.detail.trust.reasons.eq(Reason.OVERFLOW),
                current.detail.trust.first.eq(0),
                current.detail.trust.last.eq(0),
            ]

        # Nothing is refused where the tables are cleared and nothing waits, so what is passed on
        # is what arrives.
        some, takes, passed = Signal(), Signal(), Signal()
        is_late = self._write(m, waiting, current, offered)
        m.d.comb += [
            self.operations.valid.eq(self.cleared & (some | event | self.trusts.valid)),
            self.operations.p.eq(data.View(layout, Mux(some, waiting.r_data,
                                                       arriving.as_value()))),
            takes.eq(self.cleared & self.operations.ready),
            passed.eq(takes & ~some),
            waiting.r_en.eq(takes),
            waiting.w_en.eq(is_late | offered & ~passed),
        ]
        m.d.sync += some.eq(waiting.w_en | (waiting.level > 1) | some & ~takes)

        return m

    def _write(self, m, waiting, current, offered):
        """Let a record that finds all of the queue taken wait beside it; give whether one does.

        What is written is that record, or else what comes. While one waits, no more than one place
        is free, which is none for events.
        """
        is_late = Signal()
        late    = Signal(current.shape())
        written = Signal(current.shape())
        m.d.comb += [waiting.w_data.eq(written), written.eq(current)]
        with m.If(is_late):
            m.d.comb += [written[name].eq(late[name]) for name in ("kind", "symbol", "cause")]
            m.d.comb += written.detail.trust.eq(late.detail.trust)

        with m.If(waiting.w_rdy):
            m.d.sync += is_late.eq(is_late & offered)
        with m.Elif(offered):
            m.d.sync += is_late.eq(1)
        with m.If(waiting.w_rdy | ~is_late):
            m.d.sync += late.eq(current)
        with m.Elif(offered):
            m.d.sync += late.kind.eq(OperationKind.TAINT)
            self._merge(m, late.detail.trust, current.detail.trust)
        return is_late

    def _merge(self, m, record, later):
        """Let ``record`` say what a later one says too; those with reason `gap` have a range."""
        m.d.sync += record.reasons.eq(record.reasons | later.reasons)
        with m.If((later.reasons & Reason.GAP.value).any()):
            m.d.sync += record.last.eq(later.last)
            with m.If(~(record.reasons & Reason.GAP.value).any()):
                m.d.sync += record.first.eq(later.first)

    def _translate(self, m, arriving):
        """Let ``arriving`` be what arrives, as an operation."""
        with m.If(self.events.valid):
            order = arriving.detail.order
            m.d.comb += arriving.symbol.eq(self.events.p.symbol)
            m.d.comb += arriving.cause.eq(self.events.p.cause)
            for name in ("reference", "new_reference", "side", "shares", "price"):
                m.d.comb += getattr(order, name).eq(getattr(self.events.p, name))
            with m.Switch(self.events.p.op):
                for op, kind in KINDS.items():
                    with m.Case(op):
                        m.d.comb += arriving.kind.eq(kind)
        with m.Elif(self.statuses.valid):
            m.d.comb += [
                arriving.kind.eq(OperationKind.STATUS),
                arriving.symbol.eq(self.statuses.p.symbol),
                arriving.cause.eq(self.statuses.p.cause),
                arriving.detail.status.eq(self.statuses.p.status),
            ]
        with m.Else():
            m.d.comb += arriving.kind.eq(Mux(self.trusts.p.all, OperationKind.TAINT,
                                             OperationKind.TRUST))
            m.d.comb += arriving.symbol.eq(self.trusts.p.symbol)
            m.d.comb += arriving.cause.eq(self.trusts.p.cause)
            for name in ("reasons", "first", "last"):
                m.d.comb += getattr(arriving.detail.trust, name).eq(getattr(self.trusts.p, name))
