"""Numbers of which some bits are not known.

A result has a bit known only if it is the same whatever the unknown bits of the operands are; what
cannot be told cheaply is unknown. All operands are of one width, and so is the result.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "FALSE",
    "TRUE",
    "UNKNOWN",
    "Ternary",
    "add",
    "all_ones",
    "any_one",
    "both",
    "constant",
    "differ",
    "either",
    "equal",
    "extended",
    "inverse",
    "less",
    "mask",
    "merged",
    "part",
    "product",
    "replaced",
    "shifted",
    "subtract",
]


class Ternary(NamedTuple):
    """A number; bits of ``value`` that are not ``known`` are 0."""

    value: int
    known: int


UNKNOWN = Ternary(0, 0)
FALSE, TRUE = Ternary(0, 1), Ternary(1, 1)  # as one bit


def mask(width: int) -> int:
    return (1 << width) - 1


def constant(value: int, width: int) -> Ternary:
    return Ternary(value & mask(width), mask(width))


def part(number: Ternary, low: int, width: int) -> Ternary:
    """Return ``width`` bits from bit ``low`` on."""
    return Ternary(number.value >> low & mask(width), number.known >> low & mask(width))


def replaced(number: Ternary, low: int, width: int, bits: Ternary) -> Ternary:
    """Return the number with ``width`` bits from ``low`` on being others."""
    rest = ~(mask(width) << low)
    return Ternary(
        number.value & rest | bits.value << low,
        number.known & rest | bits.known << low,
    )


def extended(number: Ternary, width: int, to: int, *, signed: bool) -> Ternary:
    """Return the number in ``to`` bits, more of them or fewer."""
    high = mask(to) & ~mask(width)
    if to <= width:
        return part(number, 0, to)
    if not signed:
        return Ternary(number.value, number.known | high)
    sign = part(number, width - 1, 1)
    return Ternary(
        number.value | (high if sign.value else 0), number.known | (high if sign.known else 0)
    )


def merged(a: Ternary, b: Ternary) -> Ternary:
    """Return what is known of a number that is one of the two."""
    known = a.known & b.known & ~(a.value ^ b.value)
    return Ternary(a.value & known, known)


def inverse(a: Ternary, width: int) -> Ternary:
    return Ternary(~a.value & a.known & mask(width), a.known)


def both(a: Ternary, b: Ternary) -> Ternary:
    value = a.value & b.value
    return Ternary(value, value | a.known & ~a.value | b.known & ~b.value)


def either(a: Ternary, b: Ternary) -> Ternary:
    value = a.value | b.value
    return Ternary(value, value | a.known & b.known)


def differ(a: Ternary, b: Ternary) -> Ternary:
    known = a.known & b.known
    return Ternary((a.value ^ b.value) & known, known)


def add(a: Ternary, b: Ternary, width: int, carry: int = 0) -> Ternary:
    """Return the sum; nothing is known from the first unknown bit on."""
    unknown = ~(a.known & b.known) & mask(width)
    known = (unknown & -unknown) - 1 & mask(width) if unknown else mask(width)
    return Ternary(a.value + b.value + carry & known, known)


def subtract(a: Ternary, b: Ternary, width: int) -> Ternary:
    return add(a, inverse(b, width), width, carry=1)


def product(a: Ternary, b: Ternary, width: int) -> Ternary:
    if constant(0, width) in (a, b):
        return constant(0, width)
    if a.known & b.known == mask(width):
        return constant(a.value * b.value, width)
    return UNKNOWN


def shifted(a: Ternary, left: int, width: int) -> Ternary:
    """Return the number moved towards the high bits, zeros following; right if that is negative."""
    if left >= 0:
        return Ternary(a.value << left & mask(width), (a.known << left | mask(left)) & mask(width))
    return Ternary(a.value >> -left, a.known >> -left | mask(width) & ~mask(max(0, width + left)))


def equal(a: Ternary, b: Ternary, width: int) -> Ternary:
    known = a.known & b.known
    if (a.value ^ b.value) & known:
        return FALSE
    return TRUE if known == mask(width) else UNKNOWN


def less(a: Ternary, b: Ternary, width: int, *, signed: bool) -> Ternary:
    """Tell whether the first is less than the second."""
    if signed:  # the order of signed numbers is that of unsigned ones whose sign is inverted
        sign = constant(1 << width - 1, width)
        a, b = differ(a, sign), differ(b, sign)
    most_a, most_b = (number.value | mask(width) & ~number.known for number in (a, b))
    if most_a < b.value:
        return TRUE
    return FALSE if a.value >= most_b else UNKNOWN


def any_one(a: Ternary, width: int) -> Ternary:
    if a.value:
        return TRUE
    return FALSE if a.known == mask(width) else UNKNOWN


def all_ones(a: Ternary, width: int) -> Ternary:
    if a.known & ~a.value:
        return FALSE
    return TRUE if a.known == mask(width) else UNKNOWN
