"""What the host says to the book and sees of it."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Effect, Setting
from tickwright.book.regs import BookRegs
from tickwright.feed.types import Reason

__all__ = ["BookControl"]

COUNTS = {"events", "quotes", "overflows", "capacity", "unknown_references", "duplicates", "orders"}


class BookControl(wiring.Component):
    """Makes settings of what the host writes, and counts what happens.

    Latency: 0 cycles to a setting, 1 to a count. Throughput: 1 of each a cycle.

    Members
    -------
    *register* : ``In(bits)`` or ``Out(bits)``
        One member for each register of `BookRegs`: an output for a count, an input for all else.
        Counts stop at their maximum rather than wrapping.
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
            register.name: (Out if register.name in COUNTS else In)(register.bits)
            for register in BookRegs.registers
        })

    def elaborate(self, platform):
        m = Module()

        m.d.comb += self.settings.valid.eq(self.configure & (self.symbol < self._symbols))
        for name in ("symbol", "base_tick", "cent_tick", "status"):
            m.d.comb += self.settings.p[name].eq(getattr(self, name))

        effect, valid = self.effects.p, self.effects.valid
        happened = {
            "events":             self.entered,
            "quotes":             self.published,
            "overflows":          self.refused,
            "capacity":           valid & _has(effect, Reason.CAPACITY),
            "unknown_references": valid & _has(effect, Reason.UNKNOWN_REFERENCE),
            "duplicates":         valid & _has(effect, Reason.DUPLICATE_REFERENCE),
        }
        for name, happens in happened.items():
            count = getattr(self, name)
            with m.If(happens & ~count.all()):
                m.d.sync += count.eq(count + 1)
        with m.If(valid):
            m.d.sync += self.orders.eq(self.orders + effect.joins - effect.leaves)

        return m


def _has(effect, reason: Reason) -> Value:
    """Return whether an effect brings a reason."""
    return (effect.reasons & reason.value).any()
