"""Expressions of Verilog: how wide they are, what they read, and what is known of their values.

Widths and signs follow IEEE 1364-2005, sections 5.4 and 5.5. An expression of a kind that is not
here is an `UnreadableError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from pyverilog.vparser import ast

from tickwright.audit import ternary
from tickwright.audit.findings import UnreadableError
from tickwright.audit.nets import Net, Scope, Slice
from tickwright.audit.source import plain
from tickwright.audit.ternary import UNKNOWN, Ternary

__all__ = ["Values", "evaluate", "literal", "number", "place", "reads", "width"]

Values = Mapping[Net, Ternary]

LITERAL = re.compile(r"(?:(\d+)'([bdh]))?([0-9a-f?z]+)")
DIGIT_BITS = {"b": 1, "h": 4}
UNSIZED_BITS = 32

ARITHMETIC: dict[type, Callable[[Ternary, Ternary, int], Ternary]] = {
    ast.And: lambda a, b, _: ternary.both(a, b),
    ast.Or: lambda a, b, _: ternary.either(a, b),
    ast.Xor: lambda a, b, _: ternary.differ(a, b),
    ast.Plus: ternary.add,
    ast.Minus: ternary.subtract,
    ast.Times: ternary.product,
}
COMPARISONS: dict[type, Callable[[Ternary, Ternary, int, bool], Ternary]] = {
    ast.Eq: lambda a, b, bits, _: ternary.equal(a, b, bits),
    ast.NotEq: lambda a, b, bits, _: ternary.inverse(ternary.equal(a, b, bits), 1),
    ast.LessThan: lambda a, b, bits, signed: ternary.less(a, b, bits, signed=signed),
    ast.GreaterThan: lambda a, b, bits, signed: ternary.less(b, a, bits, signed=signed),
    ast.LessEq: lambda a, b, bits, signed: ternary.inverse(
        ternary.less(b, a, bits, signed=signed), 1
    ),
    ast.GreaterEq: lambda a, b, bits, signed: ternary.inverse(
        ternary.less(a, b, bits, signed=signed), 1
    ),
}
REDUCTIONS: dict[type, Callable[[Ternary, int], Ternary]] = {
    ast.Uor: ternary.any_one,
    ast.Uand: ternary.all_ones,
    ast.Ulnot: lambda a, bits: ternary.inverse(ternary.any_one(a, bits), 1),
}
SHIFTS = {ast.Sll: 1, ast.Srl: -1}
UNARY: dict[type, Callable[[Ternary, int], Ternary]] = {
    ast.Unot: ternary.inverse,
    ast.Uminus: lambda a, bits: ternary.subtract(ternary.constant(0, bits), a, bits),
}


def unreadable(node: Any) -> UnreadableError:
    return UnreadableError(f"found a {type(node).__name__} (line {node.lineno} of its module)")


def literal(node: Any) -> tuple[Ternary, int]:
    """Return a number as it is written, and its width; digits ``?`` and ``z`` are unknown."""
    found = _literal(node.value.lower()) if isinstance(node, ast.IntConst) else None
    if found is None:
        raise unreadable(node)
    return found


@cache
def _literal(text: str) -> tuple[Ternary, int] | None:
    written = LITERAL.fullmatch(text)
    if written is None:
        return None
    size, base, digits = written.groups()
    bits = int(size) if size else UNSIZED_BITS
    if base not in DIGIT_BITS:
        return (ternary.constant(int(digits), bits), bits) if digits.isdecimal() else None
    value = known = 0
    for digit in digits:
        here = DIGIT_BITS[base]
        value = value << here | (0 if digit in "?z" else int(digit, 1 << here))
        known = known << here | (0 if digit in "?z" else ternary.mask(here))
    zeros = ternary.mask(bits) & ~ternary.mask(len(digits) * DIGIT_BITS[base])
    return Ternary(value & ternary.mask(bits), known & ternary.mask(bits) | zeros), bits


def number(node: Any) -> int:
    """Return a number that is written where only a number may be."""
    found, bits = literal(node)
    if found.known != ternary.mask(bits):
        raise unreadable(node)
    return found.value


def place(node: Any, scope: Scope) -> Slice | None:
    """Return the bits that a name, or constant bits of one, stand for; None if none are named."""
    if isinstance(node, ast.Identifier) and node.scope is None:
        net = scope[plain(node.name)]
        low, high = 0, net.width - 1
    elif not isinstance(node, ast.Pointer | ast.Partselect) or not isinstance(
        node.var, ast.Identifier
    ):
        return None
    else:
        net = scope[plain(node.var.name)]
        if isinstance(node, ast.Partselect):
            low, high = number(node.lsb), number(node.msb)
        elif isinstance(node.ptr, ast.IntConst) and not net.depth:
            low = high = number(node.ptr)
        else:
            return None
    if net.depth or not 0 <= low <= high < net.width:
        raise UnreadableError(f"{net.name}: found bits {high} to {low} of {net.width}")
    return Slice(net, low, high - low + 1)


def selected(node: Any, scope: Scope) -> Net:
    """Return the memory of which an index selects a word, or the vector of which one does a bit."""
    if not isinstance(node, ast.Pointer) or not isinstance(node.var, ast.Identifier):
        raise unreadable(node)
    return scope[plain(node.var.name)]


def width(node: Any, scope: Scope) -> int:
    """Return the width of an expression by itself."""
    kind = type(node)
    if kind is ast.IntConst:
        return literal(node)[1]
    if (bits := place(node, scope)) is not None:
        return bits.width
    if kind is ast.Pointer:
        net = selected(node, scope)
        return net.width if net.depth else 1
    if kind is ast.Concat:
        return sum(width(item, scope) for item in node.list)
    if kind is ast.SystemCall and node.syscall == "signed":
        return width(node.args[0], scope)
    if kind in REDUCTIONS or kind in COMPARISONS:
        return 1
    if kind in UNARY:
        return width(node.right, scope)
    if kind in ARITHMETIC:
        return max(width(node.left, scope), width(node.right, scope))
    if kind in SHIFTS:
        return width(node.left, scope)
    if kind is ast.Cond:
        return max(width(node.true_value, scope), width(node.false_value, scope))
    raise unreadable(node)


def signed(node: Any) -> bool:
    """Tell whether an expression is signed; what can be read declares no signed name."""
    kind = type(node)
    if kind is ast.IntConst:
        return "'" not in node.value
    if kind is ast.SystemCall:
        return True
    if kind in UNARY:
        return signed(node.right)
    if kind in ARITHMETIC:
        return signed(node.left) and signed(node.right)
    if kind in SHIFTS:
        return signed(node.left)
    return kind is ast.Cond and signed(node.true_value) and signed(node.false_value)


def reads(node: Any, scope: Scope) -> Iterator[Slice]:
    """Yield the bits that an expression depends on; those of memories too."""
    if (bits := place(node, scope)) is not None:
        yield bits
    elif isinstance(node, ast.Pointer):
        net = selected(node, scope)
        yield Slice(net, 0, net.width)
        yield from reads(node.ptr, scope)
    else:
        width(node, scope)  # refuses what cannot be read
        for child in node.children():
            yield from reads(child, scope)


def evaluate(node: Any, scope: Scope, values: Values, to: int = 0) -> Ternary:
    """Return what is known of an expression, at least ``to`` bits wide."""
    bits = max(to, width(node, scope))
    return _in_context(node, scope, values, bits, signed(node))


def _in_context(node: Any, scope: Scope, values: Values, bits: int, is_signed: bool) -> Ternary:
    """Return what is known of an expression whose operands take width and sign of the whole."""
    kind = type(node)

    def of(child: Any) -> Ternary:
        return _in_context(child, scope, values, bits, is_signed)

    if kind in ARITHMETIC:
        return ARITHMETIC[kind](of(node.left), of(node.right), bits)
    if kind in UNARY:
        return UNARY[kind](of(node.right), bits)
    if kind in SHIFTS:
        return _shift(SHIFTS[kind], of(node.left), node.right, scope, values, bits)
    if kind is ast.Cond:
        chosen = _truth(node.cond, scope, values)
        if chosen.known:
            return of(node.true_value if chosen.value else node.false_value)
        return ternary.merged(of(node.true_value), of(node.false_value))
    own = width(node, scope)
    return ternary.extended(_alone(node, scope, values), own, bits, signed=is_signed)


def _shift(way: int, moved: Ternary, by: Any, scope: Scope, values: Values, bits: int) -> Ternary:
    amount, amount_bits = evaluate(by, scope, values), width(by, scope)
    if amount.known == ternary.mask(amount_bits):
        return ternary.shifted(moved, way * min(amount.value, bits), bits)
    return moved if moved == ternary.constant(0, bits) else UNKNOWN


def _truth(node: Any, scope: Scope, values: Values) -> Ternary:
    return ternary.any_one(evaluate(node, scope, values), width(node, scope))


def _alone(node: Any, scope: Scope, values: Values) -> Ternary:
    """Return what is known of an expression that no context widens."""
    kind = type(node)
    if kind is ast.IntConst:
        return literal(node)[0]
    if (bits := place(node, scope)) is not None:
        return ternary.part(values.get(bits.net, UNKNOWN), bits.low, bits.width)
    if kind is ast.Concat:
        whole, low = UNKNOWN, 0
        for item in reversed(node.list):
            size = width(item, scope)
            whole = ternary.replaced(whole, low, size, evaluate(item, scope, values))
            low += size
        return whole
    if kind is ast.SystemCall:
        return evaluate(node.args[0], scope, values)
    if kind in REDUCTIONS:
        return REDUCTIONS[kind](evaluate(node.right, scope, values), width(node.right, scope))
    if kind in COMPARISONS:
        pair = (node.left, node.right)
        bits_of_both, both_signed = max(width(one, scope) for one in pair), all(map(signed, pair))
        a, b = (_in_context(one, scope, values, bits_of_both, both_signed) for one in pair)
        return COMPARISONS[kind](a, b, bits_of_both, both_signed)
    return UNKNOWN  # a word of a memory, or a bit of a vector, that an index selects
