"""When what the host wants comes in force: between two quotes."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.strategy.regs import StrategyRegs
from tickwright.strategy.types import Control

__all__ = ["Switch"]

DRAIN = 6  # cycles from the issue of an evaluation to the one behind its decision


class Switch(wiring.Component):
    """Puts a parameter set and `flatten` in force at a place where no quote is half evaluated.

    It waits for the end of the list that is being evaluated, holds the quotes that come until the
    last evaluation is decided, changes everything in one cycle, and records the place. So each
    quote is evaluated, and each intent made, under one set. ::

        wants, flatten? ─▶ list ended? ─▶ hold, 6 cycles ─▶ change ─▶ controls

    Latency: 6 cycles from the end of a list to the change, and 1 to the record; a quote waits as
    long. Throughput: one at a time.

    Members
    -------
    wants, new_epoch, new_checksum : ``In``
        A set may come in force; its number and checksum.
    flatten : ``In(1)``
        What the host asks for.
    resting : ``In(1)``
        No place of a list is left to be evaluated.
    quotes : ``In(32)``
        Quotes that took effect so far.
    hold : ``Out(1)``
        Let no quote take effect, and no place be evaluated, in this cycle.
    swap, bank : ``Out(1)``
        The banks change places after this cycle; the one in force.
    active_epoch, active_checksum, flattening : ``Out``
        What is in force.
    controls : ``Out(stream.Signature(Control, always_ready=True))``
        Each change.
    """

    def __init__(self):
        names = ("active_epoch", "active_checksum", "flattening")
        super().__init__({
            "wants":        In(1),
            "new_epoch":    In(StrategyRegs.epoch.bits),
            "new_checksum": In(StrategyRegs.checksum.bits),
            "flatten":      In(1),
            "resting":      In(1),
            "quotes":       In(32),
            "hold":         Out(1),
            "swap":         Out(1),
            "bank":         Out(1),
            **{name: Out(getattr(StrategyRegs, name).bits) for name in names},
            "controls":     Out(stream.Signature(Control, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        held = Signal(range(DRAIN))
        due, changes = Signal(), Signal()
        m.d.comb += [
            due.eq(self.wants | (self.flatten != self.flattening)),
            self.hold.eq((due & self.resting) | (held != 0)),
            changes.eq(due & (held == DRAIN - 1)),
            self.swap.eq(changes & self.wants),
        ]
        with m.If(self.hold):
            m.d.sync += held.eq(Mux(held == DRAIN - 1, 0, held + 1))
        with m.If(changes):
            m.d.sync += self.flattening.eq(self.flatten)
        with m.If(self.swap):
            m.d.sync += [
                self.bank.eq(~self.bank),
                self.active_epoch.eq(self.new_epoch),
                self.active_checksum.eq(self.new_checksum),
            ]
        m.d.sync += self.controls.valid.eq(changes)
        m.d.comb += [
            self.controls.p.quotes.eq(self.quotes),
            self.controls.p.epoch.eq(self.active_epoch),
            self.controls.p.checksum.eq(self.active_checksum),
            self.controls.p.flatten.eq(self.flattening),
        ]

        return m
