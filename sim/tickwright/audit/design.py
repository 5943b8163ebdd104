"""A design without its hierarchy: the nets of all instances, and what drives them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from pyverilog.vparser import ast

from tickwright.audit.expressions import evaluate, number, reads
from tickwright.audit.findings import UnreadableError
from tickwright.audit.nets import Net, Scope, Slice
from tickwright.audit.processes import Block, Clock, Wire
from tickwright.audit.source import modules, plain
from tickwright.audit.statements import (
    ASSIGNMENTS,
    atoms,
    restricted,
    targets,
    used,
    written_late,
)

__all__ = ["NUMBERING", "Design"]

NUMBERING = re.compile(r"\$\d+$")  # of a name that was there already; it changes with other names
PORTS = {ast.Input: "input", ast.Output: "output"}


class Design:
    """The instances below ``top``, read from Verilog text.

    Nets are called by the instances they lie in: ``card.risk.gate.passes``.
    """

    def __init__(self, text: str, top: str):
        self.top = top
        self.nets: dict[str, Net] = {}
        self.scopes: list[Scope] = []
        self.wires: list[Wire] = []
        self.blocks: list[Block] = []
        self.contents: dict[Net, int] = defaultdict(int)  # words of memories that are set at first
        self._instances: dict[Net, str] = {}
        self._modules = modules(text)
        self.ports = self._instance(top, top)

    def net(self, name: str) -> Net:
        if name not in self.nets:
            raise UnreadableError(f"{name}: found no net of this name")
        return self.nets[name]

    def outputs(self, instance: str) -> list[str]:
        """Return the names of the outputs of an instance."""
        (scope,) = (scope for scope in self.scopes if scope.path == instance)
        return [name for name, net in scope.nets.items() if net.direction == "output"]

    def instance(self, net: Net) -> str:
        """Return the path of the instance that a net lies in."""
        return self._instances[net]

    def _instance(self, name: str, path: str) -> dict[str, Net]:
        """Read an instance and those in it; return its ports."""
        if name not in self._modules:
            raise UnreadableError(f"{path}: found no module {name}")
        module, scope = self._modules[name], Scope(path)
        self.scopes.append(scope)
        for item in module.items:
            if isinstance(item, ast.Decl):
                for declared in item.list:
                    self._declare(declared, item.list[0], scope)
        self.nets |= {net.name: net for net in scope}
        self._instances |= dict.fromkeys(scope, path)
        for item in module.items:
            self._item(item, scope)
        ports: Any = module.portlist.ports
        if not all(isinstance(port, ast.Port) for port in ports) or module.paramlist.params:
            raise UnreadableError(f"{path}: found ports that are not only names, or parameters")
        return {plain(port.name): scope[plain(port.name)] for port in ports}

    def _declare(self, declared: Any, first: Any, scope: Scope) -> None:
        kind = type(declared)
        if kind is ast.Assign and isinstance(first, ast.Reg):  # its initial value
            net = scope[plain(declared.left.var.name)]
            net.initial = evaluate(declared.right.var, scope, {}, net.width)
            return
        if kind not in (ast.Wire, ast.Reg, *PORTS) or declared.signed:
            raise UnreadableError(f"{scope.path}: found a declaration as {kind.__name__}")
        name, dimensions = plain(declared.name), declared.dimensions
        bits = 1
        if declared.width is not None:
            if number(declared.width.lsb):
                raise UnreadableError(f"{scope.path}.{name}: found bits that begin above 0")
            bits = number(declared.width.msb) + 1
        net = scope.nets.setdefault(name, Net(f"{scope.path}.{name}", bits))
        net.direction = PORTS.get(kind, net.direction)
        if net.width != bits:
            raise UnreadableError(f"{net.name}: found widths {net.width} and {bits}")
        if dimensions is not None:
            (length,) = dimensions.lengths
            net.depth = max(number(length.msb), number(length.lsb)) + 1

    def _item(self, item: Any, scope: Scope) -> None:
        if isinstance(item, ast.Assign):
            self._connect((item.left.var, scope), (item.right.var, scope), scope.path)
        elif isinstance(item, ast.Always):
            self._always(item, scope)
        elif isinstance(item, ast.Initial):
            self._initial(item, scope)
        elif isinstance(item, ast.InstanceList):
            for instance in item.instances:
                self._inside(instance, scope)
        elif not isinstance(item, ast.Decl):
            raise UnreadableError(f"{scope.path}: found a {type(item).__name__}")

    def _connect(self, target: tuple[Any, Scope], source: tuple[Any, Scope], where: str) -> None:
        self.wires.append(Wire(where, list(reads(*source)), list(targets(*target)), target, source))

    def _always(self, item: Any, scope: Scope) -> None:
        sense, *others = item.sens_list.list
        if others:
            raise UnreadableError(f"{scope.path}: found a block that waits for several things")
        clock = None
        if sense.type != "all":
            clock = Clock(sense.type, scope[plain(sense.sig.name)])
        allowed = ASSIGNMENTS[0] if clock is None else ASSIGNMENTS[1]
        for found in _assignments(item.statement):
            if not isinstance(found, allowed):
                raise UnreadableError(
                    f"{scope.path}: found a {type(found).__name__} in a block "
                    f"{'without' if clock is None else 'with'} a clock"
                )
        if clock is not None:
            self._block(item.statement, scope, clock)
            return
        if (late := written_late(item.statement, scope)) is not None:
            raise UnreadableError(f"{late}: found a block that reads it before it writes it")
        for atom in atoms([bits for writes, bits in used(item.statement, scope) if writes]):
            self._block(restricted(item.statement, scope, atom), scope, None, [atom])

    def _block(
        self, statement: Any, scope: Scope, clock: Clock | None, drives: list[Slice] | None = None
    ) -> None:
        parts = list(used(statement, scope))
        read, written = ([bits for way, bits in parts if way is writes] for writes in (False, True))
        found = Block(scope.path, read, drives or written, scope, statement, clock)
        self.blocks.append(found)

    def _initial(self, item: Any, scope: Scope) -> None:
        for one in _assignments(item.statement):
            (bits,) = targets(one.left.var, scope)
            if not bits.net.depth:
                raise UnreadableError(f"{bits.net.name}: found an initial block that sets it")
            self.contents[bits.net] += 1

    def _inside(self, instance: Any, scope: Scope) -> None:
        path = f"{scope.path}.{NUMBERING.sub('', plain(instance.name))}"
        if any(other.path == path for other in self.scopes):
            path = f"{scope.path}.{plain(instance.name)}"
        if instance.array or instance.parameterlist:
            raise UnreadableError(f"{path}: found an array or parameters")
        ports = self._instance(plain(instance.module), path)
        inner = Scope(path, ports)
        for argument in instance.portlist:
            if argument.portname is None:
                raise UnreadableError(f"{path}: found a connection without the port's name")
            if argument.argname is None:
                continue
            port = ast.Identifier(argument.portname)
            outside, inside = (argument.argname, scope), (port, inner)
            if inner[plain(argument.portname)].direction == "input":
                self._connect(inside, outside, path)
            else:
                self._connect(outside, inside, path)


def _assignments(statement: Any) -> Iterator[Any]:
    if isinstance(statement, ASSIGNMENTS):
        yield statement
    elif statement is not None:
        for child in statement.children():
            yield from _assignments(child)
