"""A number in decimal."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["DIGITS", "Decimal"]

BITS = 32
DIGITS = 10  # of the largest number of 32 bits
STEP_BITS = 8
STEPS = BITS // STEP_BITS


class Decimal(wiring.Component):
    """Turns a number into decimal digits, 8 bits of it a cycle.

    The digits are doubled and the next bit is added, over and over; a digit above 4 is raised by 3
    first, so that its double carries into the next digit. What is under way when `start` comes
    again is forgotten.

    Latency: 4 cycles from `start` to the digits, which then stay. Throughput: 1 number in 4 cycles.

    Members
    -------
    start : ``In(1)``
        Take the number.
    value : ``In(32)``
        The number.
    digits : ``Out(40)``
        Its digits, 4 bits each, the last digit in the low bits.
    """

    start:  In(1)
    value:  In(BITS)
    digits: Out(4 * DIGITS)

    def elaborate(self, platform):
        m = Module()

        rest = Signal(BITS - STEP_BITS)
        left = Signal(range(STEPS))
        # `start` comes late in a cycle, so it chooses between digits that are there.
        begun = self._appended(m, C(0, 4 * DIGITS), self.value[-STEP_BITS:], "begun")
        after = self._appended(m, self.digits, rest[-STEP_BITS:], "after")
        with m.If(self.start):
            m.d.sync += [rest.eq(self.value), left.eq(STEPS - 1), self.digits.eq(begun)]
        with m.Elif(left != 0):
            m.d.sync += [rest.eq(rest << STEP_BITS), left.eq(left - 1), self.digits.eq(after)]

        return m

    def _appended(self, m, digits: Value, bits: Value, name: str) -> Value:
        """Return the digits of a number after more of its bits are put behind it."""
        for bit in reversed(range(STEP_BITS)):
            raised = Signal(4 * DIGITS, name=f"{name}_raised_{bit}")
            for place in range(DIGITS):
                digit = digits.word_select(place, 4)
                m.d.comb += raised.word_select(place, 4).eq(Mux(digit >= 5, digit + 3, digit))
            digits = Signal(4 * DIGITS, name=f"{name}_{bit}")
            m.d.comb += digits.eq(Cat(bits.bit_select(bit, 1), raised))
        return digits
