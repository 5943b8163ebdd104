"""What statements of Verilog read and write, what they surely write, and what they do to values.

No block without a clock reads bits that it writes later (`Design` sees to that), so that what it
reads is what the bits are in the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from pyverilog.vparser import ast

from tickwright.audit import ternary
from tickwright.audit.expressions import (
    Values,
    evaluate,
    literal,
    place,
    reads,
    selected,
    unreadable,
    width,
)
from tickwright.audit.nets import Net, Scope, Slice
from tickwright.audit.ternary import UNKNOWN, Ternary

__all__ = [
    "ASSIGNMENTS",
    "assign",
    "atoms",
    "restricted",
    "run",
    "surely_writes",
    "targets",
    "used",
    "written_late",
]

ASSIGNMENTS = (ast.BlockingSubstitution, ast.NonblockingSubstitution)


def branches(statement: Any) -> list[Any]:
    """Return what a statement that decides may do; a branch that is not there is None."""
    if isinstance(statement, ast.IfStatement):
        return [statement.true_statement, statement.false_statement]
    return [case.statement for case in statement.caselist]


def targets(node: Any, scope: Scope) -> Iterator[Slice]:
    """Yield the bits that an assignment to ``node`` writes, high ones first.

    A word of a memory that an index selects counts as all of the memory, so does a part of it.
    """
    if isinstance(node, ast.LConcat):
        for item in node.list:
            yield from targets(item, scope)
    elif (bits := place(node, scope)) is not None:
        yield bits
    else:
        word = node.var if isinstance(node, ast.Partselect) else node
        net = selected(word, scope)
        if not net.depth:
            raise unreadable(node)
        yield Slice(net, 0, net.width)


def _indices(node: Any, scope: Scope) -> Iterator[Slice]:
    """Yield the bits that say which word of a memory an assignment writes."""
    if isinstance(node, ast.LConcat) or place(node, scope) is not None:
        return
    word = node.var if isinstance(node, ast.Partselect) else node
    yield from reads(word.ptr, scope)


def does_nothing(statement: Any) -> bool:
    if isinstance(statement, ast.Block):
        return all(map(does_nothing, statement.statements))
    if isinstance(statement, ast.IfStatement):
        return all(map(does_nothing, branches(statement)))
    return statement is None


def used(statement: Any, scope: Scope) -> Iterator[tuple[bool, Slice]]:
    """Yield the bits that a statement may read (False) or write (True), as it goes along."""
    if does_nothing(statement):
        return
    if isinstance(statement, ASSIGNMENTS):
        if statement.ldelay or statement.rdelay:
            raise unreadable(statement)
        for bits in (*reads(statement.right.var, scope), *_indices(statement.left.var, scope)):
            yield False, bits
        for bits in targets(statement.left.var, scope):
            yield True, bits
        return
    if isinstance(statement, ast.Block):
        inner = list(statement.statements)
    elif isinstance(statement, ast.IfStatement):
        yield from ((False, bits) for bits in reads(statement.cond, scope))
        inner = branches(statement)
    elif type(statement) is ast.CasezStatement:
        yield from ((False, bits) for bits in reads(statement.comp, scope))
        inner = branches(statement)
    else:
        raise unreadable(statement)
    for one in inner:
        yield from used(one, scope)


def written_late(statement: Any, scope: Scope) -> Slice | None:
    """Return bits that the statement writes after it has read them, if there are any."""
    seen: dict[Net, int] = {}
    for writes, bits in used(statement, scope):
        if not writes:
            seen[bits.net] = seen.get(bits.net, 0) | bits.mask
        elif seen.get(bits.net, 0) & bits.mask:
            return bits
    return None


def atoms(written: Iterable[Slice]) -> list[Slice]:
    """Return bits that may overlap as bits that do not, cut wherever any of them begin or end."""
    cuts: dict[Net, set[int]] = {}
    for bits in written:
        cuts.setdefault(bits.net, set()).update((bits.low, bits.low + bits.width))
    return [
        Slice(net, low, high - low)
        for net, ends in cuts.items()
        for low, high in pairwise(sorted(ends))
        if any(bits.net is net and bits.low <= low < bits.low + bits.width for bits in written)
    ]


def restricted(statement: Any, scope: Scope, wanted: Slice) -> Any:
    """Return the statement without what writes none of these bits; None if nothing is left."""
    if does_nothing(statement):
        return None
    if isinstance(statement, ASSIGNMENTS):
        written = targets(statement.left.var, scope)
        hit = any(bits.net is wanted.net and bits.mask & wanted.mask for bits in written)
        return statement if hit else None
    if isinstance(statement, ast.Block):
        inner = [restricted(one, scope, wanted) for one in statement.statements]
        left = [one for one in inner if one is not None]
        return ast.Block(left) if left else None
    inner = [restricted(one, scope, wanted) for one in branches(statement)]
    if not any(one is not None for one in inner):
        return None
    if isinstance(statement, ast.IfStatement):
        return ast.IfStatement(statement.cond, *inner)
    cases = zip(statement.caselist, inner, strict=True)
    return ast.CasezStatement(statement.comp, [ast.Case(case.cond, one) for case, one in cases])


def surely_writes(statement: Any, scope: Scope) -> dict[Net, int]:
    """Return the bits that a statement writes whichever way it goes, as masks."""
    if does_nothing(statement):
        return {}
    if isinstance(statement, ASSIGNMENTS):
        return _joined({bits.net: bits.mask} for bits in targets(statement.left.var, scope))
    if isinstance(statement, ast.Block):
        return _joined(surely_writes(one, scope) for one in statement.statements)
    ways = [surely_writes(one, scope) for one in branches(statement)]
    if isinstance(statement, ast.CasezStatement) and not _exhaustive(statement, scope):
        return {}
    return {
        net: common
        for net, bits in ways[0].items()
        if (common := _intersection(bits, (way.get(net, 0) for way in ways[1:])))
    }


def _joined(masks: Iterable[dict[Net, int]]) -> dict[Net, int]:
    joined: dict[Net, int] = {}
    for one in masks:
        for net, bits in one.items():
            joined[net] = joined.get(net, 0) | bits
    return joined


def _intersection(bits: int, others: Iterator[int]) -> int:
    for other in others:
        bits &= other
    return bits


def _exhaustive(statement: Any, scope: Scope) -> bool:
    """Tell whether every value has a case: there is a default, or as many numbers as there can be.

    A pattern with wildcards counts for nothing here.
    """
    conditions = [case.cond for case in statement.caselist]
    if None in conditions:
        return True
    patterns = {literal(pattern) for condition in conditions for pattern in condition}
    exact = {found for found, bits in patterns if found.known == ternary.mask(bits)}
    return len(exact) == 1 << width(statement.comp, scope)


def assign(
    node: Any, scope: Scope, value: Ternary, before: Values, changed: dict[Net, Ternary]
) -> None:
    """Write a value to what ``node`` names; what is kept of a net is as it was ``before``.

    Memories hold what nobody knows.
    """
    written = list(targets(node, scope))
    low = sum(bits.width for bits in written)
    for bits in written:
        low -= bits.width
        if not bits.net.depth:
            old = changed.get(bits.net, before.get(bits.net, UNKNOWN))
            new = ternary.part(value, low, bits.width)
            changed[bits.net] = ternary.replaced(old, bits.low, bits.width, new)


def run(statement: Any, scope: Scope, before: Values) -> dict[Net, Ternary]:
    """Return the nets that a statement changes, and what is then known of them."""
    changed: dict[Net, Ternary] = {}
    _run(statement, scope, before, changed)
    return changed


def _run(statement: Any, scope: Scope, before: Values, changed: dict[Net, Ternary]) -> None:
    if does_nothing(statement):
        return
    if isinstance(statement, ASSIGNMENTS):
        to = sum(bits.width for bits in targets(statement.left.var, scope))
        value = evaluate(statement.right.var, scope, before, to)
        assign(statement.left.var, scope, value, before, changed)
    elif isinstance(statement, ast.Block):
        for one in statement.statements:
            _run(one, scope, before, changed)
    else:
        _merge(_possible(statement, scope, before), scope, before, changed)


def _merge(ways: list[Any], scope: Scope, before: Values, changed: dict[Net, Ternary]) -> None:
    """Go each of the ways that may be gone; what differs between them is not known."""
    outcomes = [dict(changed) for _ in ways]
    for way, outcome in zip(ways, outcomes, strict=True):
        _run(way, scope, before, outcome)
    for net in {net for outcome in outcomes for net in outcome}:
        old = changed.get(net, before.get(net, UNKNOWN))
        first, *others = (outcome.get(net, old) for outcome in outcomes)
        for other in others:
            first = ternary.merged(first, other)
        changed[net] = first


def _possible(statement: Any, scope: Scope, before: Values) -> list[Any]:
    """Return the branches that may be taken."""
    if isinstance(statement, ast.IfStatement):
        bits = width(statement.cond, scope)
        chosen = ternary.any_one(evaluate(statement.cond, scope, before), bits)
        taken = branches(statement)
        return taken if not chosen.known else [taken[0 if chosen.value else 1]]
    bits = width(statement.comp, scope)
    value = evaluate(statement.comp, scope, before)
    ways: list[Any] = []
    for case in statement.caselist:
        if case.cond is None:
            return [*ways, case.statement]
        matches = [_matches(value, bits, pattern) for pattern in case.cond]
        if any(match != ternary.FALSE for match in matches):
            ways.append(case.statement)
        if ternary.TRUE in matches:
            return ways
    return ways if ways and _exhaustive(statement, scope) else [*ways, None]


def _matches(value: Ternary, bits: int, pattern: Any) -> Ternary:
    """Tell whether a value is of a pattern; wildcards are the digits of it that are not known."""
    wanted, wanted_bits = literal(pattern)
    if wanted_bits != bits:
        raise unreadable(pattern)
    known = value.known & wanted.known
    if (value.value ^ wanted.value) & known:
        return ternary.FALSE
    return ternary.TRUE if known == wanted.known else UNKNOWN
