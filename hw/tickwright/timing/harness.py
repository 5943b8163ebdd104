"""A component by itself in a part, however many ports it has."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Harness"]

COUNTER_BITS = 10


class Harness(wiring.Component):
    """Stands between the ports of a component and two pins, with a register on every bit.

    So each path that is measured begins and ends at a register, and none of the component can be
    left out as without effect. Its registers begin as a bitstream leaves them and are never reset,
    as in a card: a reset would be a wire to each of them. ::

        serial_in ──▶ [ shift ] ──▶ [ register ] ──▶ dut ─┐
        serial_out ◀── [ shift ] ◀── [ register ] ◀───────┘

    Members
    -------
    clk : ``In(1)``
        The clock of domain ``sync``.
    serial_in : ``In(1)``
        What the inputs are made of.
    serial_out : ``Out(1)``
        What the outputs were at a moment, one bit after the other.
    """

    clk:        In(1)
    serial_in:  In(1)
    serial_out: Out(1)

    def __init__(self, dut: wiring.Component):
        self.dut = dut
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        m.domains.sync = sync = ClockDomain(reset_less=True)
        sync.clk = self.clk

        m.submodules.dut = self.dut
        inputs, outputs = Cat(self._ports(In)), Cat(self._ports(Out))
        shift, outcome = Signal(len(inputs)), Signal(len(outputs))
        given, found   = Signal(len(inputs)), Signal(len(outputs))
        counter = Signal(COUNTER_BITS)

        m.d.comb += inputs.eq(given)
        m.d.sync += [
            shift.eq(Cat(self.serial_in, shift)),
            given.eq(shift),
            found.eq(outputs),
            counter.eq(counter + 1),
            outcome.eq(Mux(counter == 0, found, outcome >> 1)),
            self.serial_out.eq(outcome[0]),
        ]

        return m

    def _ports(self, flow):
        """Return the ports of a direction; members that are constants are none."""
        for _, member, value in self.dut.signature.flatten(self.dut):
            if member.flow == flow and isinstance(Value.cast(value), Signal):
                yield Value.cast(value)
