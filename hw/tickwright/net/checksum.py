"""The internet checksum in gateware.

Source: RFC 1071. Sums are ones' complement sums of 16-bit words, the first byte on the wire the
high half. Two sums that differ by a multiple of 0xFFFF are the same; the sum over data that holds
its own correct checksum is 0xFFFF.
"""

from collections.abc import Iterable

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import big_endian

__all__ = ["InternetSum", "folded", "halfwords", "total"]

HALFWORD_BITS = 16
FAN_IN = 4  # terms added in one cycle


def halfwords(bits: ValueLike) -> list[Value]:
    """Cut bytes in wire order into the words that the checksum adds.

    An odd last byte is the high half of a word.
    """
    bits = Value.cast(bits)
    return [big_endian(Cat(bits[at : at + HALFWORD_BITS], C(0, max(0, at + 16 - len(bits)))))
            for at in range(0, len(bits), HALFWORD_BITS)]


def total(terms: Iterable[ValueLike]) -> Value:
    """Add terms, as a tree."""
    terms = [Value.cast(term) for term in terms]
    while len(terms) > 1:
        terms = [sum(terms[at + 1 : at + 2], terms[at]) for at in range(0, len(terms), 2)]
    return terms[0]


def folded(value: ValueLike) -> Value:
    """Bring a sum of at most 31 bits back to 16 by adding its high bits to its low ones."""
    value = Value.cast(value)
    once = value[:HALFWORD_BITS] + value[HALFWORD_BITS:]
    return (once[:HALFWORD_BITS] + once[HALFWORD_BITS:])[:HALFWORD_BITS]


class InternetSum(wiring.Component):
    """Adds up all 16-bit words of some bytes, four at a time.

    The sum is not folded: it is as wide as it can become.

    Latency: ``latency`` cycles, one for each level of the tree. Throughput: 1 sum per cycle.

    Members
    -------
    data : ``In(8 * size)``
        The bytes, in wire order.
    sum : ``Out(...)``
        Their sum.
    """

    def __init__(self, size: int):
        terms, self.latency = -(-size // 2), 0
        bits = (((1 << HALFWORD_BITS) - 1) * terms).bit_length()
        while terms > 1:
            terms, self.latency = -(-terms // FAN_IN), self.latency + 1
        super().__init__({"data": In(8 * size), "sum": Out(bits)})

    def elaborate(self, platform):
        m = Module()

        terms = halfwords(self.data)
        for level in range(self.latency):
            sums = []
            for at in range(0, len(terms), FAN_IN):
                added = total(terms[at : at + FAN_IN])
                sums.append(Signal(len(added), name=f"level{level}_{at // FAN_IN}"))
                m.d.sync += sums[-1].eq(added)
            terms = sums
        m.d.comb += self.sum.eq(terms[0])

        return m
