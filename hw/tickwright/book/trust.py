"""Which symbols may not be trusted, and why."""

from functools import reduce
from operator import or_

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
    other : ``In(range(symbols))``
        Symbol to look up in a cycle without an effect.
    reasons : ``Out(12)``
        Reasons of the effect's symbol after it, in the next cycle; without an effect, those of the
        symbol to look up.
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
            "other":            In(range(symbols)),
            "reasons":          Out(len(REASONS)),
            "selected":         In(range(symbols)),
            "selected_reasons": Out(len(REASONS)),
            "untrusted":        Out(range(symbols + 1)),
        })

    def elaborate(self, platform):
        m = Module()

        effect, valid = self.effects.p, self.effects.valid
        symbol = effect.operation.symbol
        seen   = Signal(self._symbols)
        enters, ours, others, moves = (Signal(self._symbols) for _ in range(4))
        with m.If(self.entering.valid):
            m.d.comb += enters.eq(1 << self.entering.p)
        m.d.sync += seen.eq(seen | enters)
        with m.If(self.settings.valid):
            m.d.comb += moves.eq(1 << self.settings.p.symbol)
        with m.If(valid & effect.mismatch):
            m.d.comb += others.eq(1 << effect.other)
        with m.If(valid & (effect.operation.kind == OperationKind.TAINT)):
            m.d.comb += ours.eq((1 << self._symbols) - 1)
        with m.Elif(valid):
            m.d.comb += ours.eq(1 << symbol)

        # For each reason, the symbols that have it.
        sticky = {reason: Signal(self._symbols, name=f"sticky_{reason.name.lower()}")
                  for reason in Reason if reason.value & STICKY}
        after  = {reason: symbols | Mux((effect.reasons & reason.value).any(), ours, 0)
                  for reason, symbols in sticky.items()}
        after[Reason.MISMATCH]   |= others
        after[Reason.CONFIGURED] |= moves & seen
        m.d.sync += [sticky[reason].eq(after[reason]) for reason in sticky]
        # A symbol whose reasons are wanted has entered before this cycle.
        m.d.sync += sticky[Reason.CONFIGURED].eq(after[Reason.CONFIGURED] | moves & enters)
        wanted = Signal.like(self.other)
        m.d.comb += wanted.eq(Mux(valid, symbol, self.other))
        m.d.sync += self.reasons.eq(Cat(
            after[reason].bit_select(wanted, 1) if reason in after else 0 for reason in Reason))
        m.d.comb += self.selected_reasons.eq(Cat(
            sticky[reason].bit_select(self.selected, 1) if reason in sticky else 0
            for reason in Reason))
        self._count(m, sticky.values())

        return m

    def _count(self, m, sticky):
        """Look at one symbol after the other and count."""
        index = Signal(range(self._symbols))
        count, total = Signal.like(self.untrusted), Signal.like(self.untrusted)
        tainted = reduce(or_, sticky)
        m.d.comb += total.eq(count + tainted.bit_select(index, 1))
        m.d.sync += index.eq(index + 1)
        m.d.sync += count.eq(total)
        with m.If(index == self._symbols - 1):
            m.d.sync += count.eq(0)
            m.d.sync += self.untrusted.eq(total)
