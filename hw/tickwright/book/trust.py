"""Which symbols may not be trusted, and why."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Effect, OperationKind, Setting
from tickwright.feed.reasons import REASONS, STICKY
from tickwright.feed.types import Reason

__all__ = ["TrustStore"]


class TrustStore(wiring.Component):
    """Keeps the sticky reasons of every symbol; only reset takes one away.

    Latency: 1 cycle. Throughput: 1 effect in a cycle.

    Members
    -------
    effects : ``In(stream.Signature(Effect(symbols), always_ready=True))``
        What operations do. A TAINT's reasons are set on all symbols, another's on its own.
    settings : ``In(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says; sets reason `configured` where the symbol has had an operation.
    entering : ``In(stream.Signature(range(symbols), always_ready=True))``
        Symbol of an operation that the book begins, which may look up the symbol's window now.
    reasons : ``Out(12)``
        Reasons of the effect's symbol after it, in the next cycle.
    selected : ``In(range(symbols))``
        Symbol the host looks at.
    selected_reasons : ``Out(12)``
        Its reasons.
    untrusted : ``Out(range(symbols + 1))``
        Number of symbols with a sticky reason, counted anew every ``symbols`` cycles.
    """

    def __init__(self, preset):
        self._symbols = symbols = preset.symbols
        super().__init__({
            "effects":          In(stream.Signature(Effect(symbols), always_ready=True)),
            "entering":         In(stream.Signature(range(symbols), always_ready=True)),
            "settings":         In(stream.Signature(Setting(symbols), always_ready=True)),
            "reasons":          Out(len(REASONS)),
            "selected":         In(range(symbols)),
            "selected_reasons": Out(len(REASONS)),
            "untrusted":        Out(range(symbols + 1)),
        })

    def elaborate(self, platform):
        m = Module()

        effect  = self.effects.p
        ours    = effect.operation.symbol
        taints  = effect.operation.kind == OperationKind.TAINT
        sticky  = Array(Signal(len(REASONS), name=f"sticky_{index}")
                        for index in range(self._symbols))
        seen, enters = Signal(self._symbols), Signal(self._symbols)
        with m.If(self.effects.valid):
            m.d.sync += self.reasons.eq((sticky[ours] | effect.reasons) & STICKY)
        with m.If(self.entering.valid):
            m.d.comb += enters.eq(1 << self.entering.p)
        m.d.sync += seen.eq(seen | enters)

        for index, reasons in enumerate(sticky):
            told     = self.effects.valid & (taints | (ours == index))
            mismatch = self.effects.valid & effect.mismatch & (effect.other == index)
            moved    = (self.settings.valid & (self.settings.p.symbol == index)
                        & (seen | enters)[index])
            m.d.sync += reasons.eq((reasons | Mux(told, effect.reasons, 0)
                                    | Mux(mismatch, Reason.MISMATCH.value, 0)
                                    | Mux(moved, Reason.CONFIGURED.value, 0)) & STICKY)

        m.d.comb += self.selected_reasons.eq(sticky[self.selected])
        self._count(m, sticky)

        return m

    def _count(self, m, sticky):
        """Look at one symbol after the other and count."""
        index = Signal(range(self._symbols))
        count = Signal.like(self.untrusted)
        total = Signal.like(self.untrusted)
        m.d.comb += total.eq(count + sticky[index].any())
        m.d.sync += index.eq(index + 1)
        m.d.sync += count.eq(total)
        with m.If(index == self._symbols - 1):
            m.d.sync += count.eq(0)
            m.d.sync += self.untrusted.eq(total)
