"""What the host says to the book and sees of it."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Effect, Setting
from tickwright.book.regs import BookRegs
from tickwright.core.regs import Counter
from tickwright.feed.types import Reason

__all__ = ["BookControl"]


class BookControl(wiring.Component):
    """Makes settings of what the host writes, and tells what is to be counted.

    Latency: 0 cycles to a setting or an event, 1 to ``orders``. Throughput: 1 of each a cycle.

    Members
    -------
    *register* : ``In(bits)``, ``Out(1)`` or ``Out(32)``
        One member for each register of `BookRegs`: for a counter an output that is 1 for a cycle
        with an event, for ``orders`` an output of what it shows, for all else an input.
    settings : ``Out(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says of a symbol.
    effects : ``In(stream.Signature(Effect(symbols), always_ready=True))``
        What operations do.
    entered, refused, published : ``In(1)``
        An event was taken, an event was refused, a quote was published.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        super().__init__({
            "settings":  Out(stream.Signature(Setting(preset.symbols), always_ready=True)),
            "effects":   In(stream.Signature(Effect(preset.symbols), always_ready=True)),
            "entered":   In(1),
            "refused":   In(1),
            "published": In(1),
        } | {
            register.name: Out(1) if isinstance(register, Counter) else In(register.bits)
            for register in BookRegs.registers
        } | {"orders": Out(BookRegs.orders.bits)})

    def elaborate(self, platform):
        m = Module()

        m.d.comb += self.settings.valid.eq(self.configure & (self.symbol < self._symbols))
        for name in ("symbol", "base_tick", "cent_tick", "status"):
            m.d.comb += self.settings.p[name].eq(getattr(self, name))

        effect, valid = self.effects.p, self.effects.valid
        m.d.comb += [
            self.events.eq(self.entered),
            self.quotes.eq(self.published),
            self.overflows.eq(self.refused),
            self.capacity.eq(valid & _has(effect, Reason.CAPACITY)),
            self.unknown_references.eq(valid & _has(effect, Reason.UNKNOWN_REFERENCE)),
            self.duplicates.eq(valid & _has(effect, Reason.DUPLICATE_REFERENCE)),
        ]
        with m.If(valid):
            m.d.sync += self.orders.eq(self.orders + effect.joins - effect.leaves)

        return m


def _has(effect, reason: Reason) -> Value:
    """Return whether an effect brings a reason."""
    return (effect.reasons & reason.value).any()
