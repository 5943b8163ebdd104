"""From a price to a tick."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import TICK_BITS

__all__ = ["TickDivider"]

CENT = 100             # 1/10000 dollar
RECIPROCAL_SHIFT = 30
RECIPROCAL = ((1 << RECIPROCAL_SHIFT) + 1) // 25
HALF_BITS = 15


class TickDivider(wiring.Component):
    """Divides a price by its symbol's tick size, which is 100 or 1, and tells if it goes evenly.

    A quotient that has no place in a tick is given as the highest tick.

    The division by 100 is exact. It is one of q = price >> 2 by 25, done as q * m >> 30 with
    25 m = 2**30 + 1: the product is q / 25 + q / (25 * 2**30), and the second part is below 1/25
    since q < 2**30.

    Latency: 2 cycles, of which the price is needed in the first and the tick size in the second.
    Throughput: 1 price a cycle.

    Members
    -------
    price : ``In(32)``
        Price in 1/10000 dollar, in cycle 0.
    cent_tick : ``In(1)``
        The tick size is 100, else 1; in cycle 1.
    tick : ``Out(25)``
        Quotient, in cycle 2.
    on_grid : ``Out(1)``
        The price is a multiple of the tick size, in cycle 2.
    """

    price:     In(32)
    cent_tick: In(1)
    tick:      Out(TICK_BITS)
    on_grid:   Out(1)

    def elaborate(self, platform):
        m = Module()

        price = Signal(32)
        low   = Signal(HALF_BITS + RECIPROCAL.bit_length())
        high  = Signal(HALF_BITS + RECIPROCAL.bit_length())
        quarter = self.price[2:]
        m.d.sync += [
            price.eq(self.price),
            low.eq(quarter[:HALF_BITS] * RECIPROCAL),
            high.eq(quarter[HALF_BITS:] * RECIPROCAL),
        ]

        cents = Signal(32)
        whole = Signal(32)
        m.d.comb += cents.eq((low + (high << HALF_BITS)) >> RECIPROCAL_SHIFT)
        m.d.comb += whole.eq(Mux(self.cent_tick, cents, price))
        m.d.sync += self.tick.eq(Mux(whole[TICK_BITS:].any(), (1 << TICK_BITS) - 1, whole))

        # The remainder is below 128, so 7 bits of both tell whether it is 0.
        bits = CENT.bit_length()
        even = Signal(bits)
        ours = Signal(bits)
        m.d.sync += even.eq(Mux(self.cent_tick, cents[:bits] * CENT, price))
        m.d.sync += ours.eq(price)
        m.d.comb += self.on_grid.eq(even == ours)

        return m
