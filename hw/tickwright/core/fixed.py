"""Fixed-point formats: how a real quantity is kept as an integer, and with what rounding.

A format has a scale: the integer that stands for 1 of its unit. Conversions are exact; only
`Format.quantise` rounds, and a quantity that does not fit is refused, never clipped. Pure Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

__all__ = ["DEVIATION", "HEDGE_RATIO", "PRICE", "ROUNDINGS", "SPREAD", "Format"]

# Digits enough for the decimal value of any 64-bit integer over any scale used here.
EXACT_DIGITS = 200

ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "half-even": round,    # to the nearest integer, a tie to the even one
    "floor":     math.floor,
}


@dataclass(frozen=True)
class Format:
    """A quantity as an integer of ``bits`` bits, ``scale`` of which make one ``unit``."""

    name: str
    bits: int
    scale: int
    signed: bool
    unit: str
    rounding: str = "half-even"

    def __post_init__(self) -> None:
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"{self.name}: found rounding {self.rounding!r}, expected one of "
                             f"{', '.join(ROUNDINGS)}")
        if self.bits < 1 or self.scale < 1:
            raise ValueError(f"{self.name}: found {self.bits} bits and scale {self.scale}, "
                             f"expected at least 1")

    @property
    def lowest(self) -> int:
        """The lowest integer that fits."""
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def highest(self) -> int:
        """The highest integer that fits."""
        return (1 << self.bits - self.signed) - 1

    def quantise(self, quantity: Decimal | str | int) -> int:
        """Return the integer nearest to a quantity in units, by the rounding of the format.

        Text is read as a decimal number. Raises ValueError where it is none, or does not fit.
        """
        scaled = _exact(self.name, quantity) * self.scale
        integer = ROUNDINGS[self.rounding](scaled)
        if not self.lowest <= integer <= self.highest:
            raise ValueError(f"{self.name}: found {quantity}, expected {self.value(self.lowest)} "
                             f"to {self.value(self.highest)} {self.unit}".rstrip())
        return integer

    def value(self, integer: int) -> Decimal:
        """Return the quantity, in units, that an integer of this format stands for."""
        if not self.lowest <= integer <= self.highest:
            raise ValueError(f"{self.name}: found {integer}, expected an integer from "
                             f"{self.lowest} to {self.highest}")
        with localcontext() as context:
            context.prec = EXACT_DIGITS
            return Decimal(integer) / self.scale

    def error(self, quantity: Decimal | str | int) -> Decimal:
        """Return by how much, in units, the format misstates a quantity: positive is too high."""
        exact = _exact(self.name, quantity)
        missed = Fraction(self.quantise(quantity), self.scale) - exact
        with localcontext() as context:
            context.prec = EXACT_DIGITS
            return Decimal(missed.numerator) / missed.denominator


def _exact(name: str, quantity: Decimal | str | int) -> Fraction:
    """Read a quantity without loss; a float is refused, since it has lost something already."""
    if isinstance(quantity, float):
        raise TypeError(f"{name}: found the float {quantity}, expected a Decimal, text or integer")
    try:
        return Fraction(Decimal(quantity))
    except (ArithmeticError, ValueError):
        raise ValueError(f"{name}: found {quantity!r}, expected a finite decimal number") from None


PRICE = Format("price", bits=32, scale=10_000, signed=False, unit="$")
"""A price on the wire and in the gateware."""

HEDGE_RATIO = Format("hedge ratio", bits=24, scale=1 << 16, signed=True, unit="")
"""How many shares of the second stock hedge one of the first."""

SPREAD = Format("spread", bits=64, scale=20_000 << 16, signed=True, unit="$")
"""A difference of mid prices, one of them times a hedge ratio: half a price unit, 16 bits after."""

DEVIATION = Format("deviation", bits=32, scale=20_000 << 8, signed=True, unit="$")
"""How far a spread is from its mean."""
