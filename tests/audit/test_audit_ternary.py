"""What is said to be known of a result is so, whatever the unknown bits of the operands are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.audit import ternary
from tickwright.audit.ternary import Ternary

WIDTH = 5
BITS = ternary.mask(WIDTH)
numbers = st.integers(0, BITS)


def signed(number: int) -> int:
    return number - (number >> WIDTH - 1 << WIDTH)


OPERATIONS: dict[str, tuple[Callable[..., Ternary], Callable[[int, int], int], int]] = {
    "and": (lambda a, b: ternary.both(a, b), lambda a, b: a & b, BITS),
    "or": (lambda a, b: ternary.either(a, b), lambda a, b: a | b, BITS),
    "xor": (lambda a, b: ternary.differ(a, b), lambda a, b: a ^ b, BITS),
    "not": (lambda a, b: ternary.inverse(a, WIDTH), lambda a, b: ~a, BITS),
    "add": (lambda a, b: ternary.add(a, b, WIDTH), lambda a, b: a + b, BITS),
    "subtract": (lambda a, b: ternary.subtract(a, b, WIDTH), lambda a, b: a - b, BITS),
    "multiply": (lambda a, b: ternary.product(a, b, WIDTH), lambda a, b: a * b, BITS),
    "left": (lambda a, b: ternary.shifted(a, 2, WIDTH), lambda a, b: a << 2, BITS),
    "right": (lambda a, b: ternary.shifted(a, -2, WIDTH), lambda a, b: a >> 2, BITS),
    "equal": (lambda a, b: ternary.equal(a, b, WIDTH), lambda a, b: a == b, 1),
    "less": (lambda a, b: ternary.less(a, b, WIDTH, signed=False), lambda a, b: a < b, 1),
    "less, signed": (
        lambda a, b: ternary.less(a, b, WIDTH, signed=True),
        lambda a, b: signed(a) < signed(b),
        1,
    ),
    "any": (lambda a, b: ternary.any_one(a, WIDTH), lambda a, b: a != 0, 1),
    "all": (lambda a, b: ternary.all_ones(a, WIDTH), lambda a, b: a == BITS, 1),
    "zeros above": (lambda a, b: ternary.extended(a, WIDTH, 8, signed=False), lambda a, b: a, 255),
    "signs above": (
        lambda a, b: ternary.extended(a, WIDTH, 8, signed=True),
        lambda a, b: signed(a),
        255,
    ),
    "fewer bits": (lambda a, b: ternary.extended(a, WIDTH, 3, signed=True), lambda a, b: a, 7),
    "part": (lambda a, b: ternary.part(a, 1, 3), lambda a, b: a >> 1, 7),
    "replaced": (
        lambda a, b: ternary.replaced(a, 1, 2, ternary.part(b, 0, 2)),
        lambda a, b: a & ~6 | (b & 3) << 1,
        BITS,
    ),
    "merged": (lambda a, b: ternary.merged(a, b), lambda a, b: a, BITS),
    "merged, the other": (lambda a, b: ternary.merged(a, b), lambda a, b: b, BITS),
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(a=numbers, b=numbers, known_a=numbers, known_b=numbers)
def test_what_is_known_is_so(name: str, a: int, b: int, known_a: int, known_b: int):
    known_of, exact, bits = OPERATIONS[name]
    found = known_of(Ternary(a & known_a, known_a), Ternary(b & known_b, known_b))
    assert found.value & ~found.known == 0
    assert found.known & ~bits == 0
    assert found.value == exact(a, b) & found.known


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "merged" not in name])
@given(a=numbers, b=numbers)
def test_all_is_known_of_what_is_known(name: str, a: int, b: int):
    known_of, exact, bits = OPERATIONS[name]
    found = known_of(ternary.constant(a, WIDTH), ternary.constant(b, WIDTH))
    assert found == Ternary(exact(a, b) & bits, bits)
