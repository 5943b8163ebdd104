"""What drives nets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyverilog.vparser import ast

from tickwright.audit import ternary
from tickwright.audit.expressions import Values, evaluate, place, width
from tickwright.audit.nets import Net, Scope, Slice
from tickwright.audit.statements import assign, run
from tickwright.audit.ternary import UNKNOWN, Ternary

__all__ = ["Block", "Clock", "Process", "Wire"]


@dataclass(eq=False, repr=False)
class Process:
    """Something that drives nets."""

    where: str
    reads: list[Slice]
    writes: list[Slice]

    def run(self, values: Values) -> dict[Net, Ternary]:
        """Return what it drives, from the values of what it reads."""
        raise NotImplementedError


@dataclass(eq=False, repr=False)
class Wire(Process):
    """A continuous assignment, or the connection of a port."""

    target: tuple[Any, Scope]
    source: tuple[Any, Scope]

    def run(self, values: Values) -> dict[Net, Ternary]:
        to = sum(bits.width for bits in self.writes)
        changed: dict[Net, Ternary] = {}
        assign(*self.target, evaluate(*self.source, values, to), values, changed)
        return changed

    def before(self, bit: Slice) -> Slice | None:
        """Return the bit that a bit driven by this is a copy of, if it is."""
        low = sum(bits.width for bits in self.writes)
        for bits in self.writes:
            low -= bits.width
            if bits.net is bit.net and bits.mask & bit.mask:
                return _copied(*self.source, low + bit.low - bits.low)
        return None


@dataclass(eq=False, repr=False)
class Clock:
    """When a process is carried out."""

    edge: str
    net: Net


@dataclass(eq=False, repr=False)
class Block(Process):
    """An ``always`` block, or what of it drives some bits if it has no clock.

    The latter is carried out whenever what it reads changes.
    """

    scope: Scope
    statement: Any
    clock: Clock | None

    def run(self, values: Values) -> dict[Net, Ternary]:
        changed = run(self.statement, self.scope, values)
        if self.clock is not None:
            return changed
        ((net, low, bits),) = self.writes
        new = ternary.part(changed[net], low, bits)
        return {net: ternary.replaced(values.get(net, UNKNOWN), low, bits, new)}


def _copied(node: Any, scope: Scope, index: int) -> Slice | None:
    """Return the bit of a name that is bit ``index`` of an expression, if that is so."""
    if (bits := place(node, scope)) is not None:
        within = index < bits.width and not bits.net.depth
        return Slice(bits.net, bits.low + index, 1) if within else None
    if isinstance(node, ast.Concat):
        for item in reversed(node.list):
            if index < width(item, scope):
                return _copied(item, scope, index)
            index -= width(item, scope)
    return None
