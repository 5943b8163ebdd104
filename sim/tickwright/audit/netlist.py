"""A design without its hierarchy: nets, and the processes that drive them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pyverilog.vparser import ast

from tickwright.audit import ternary
from tickwright.audit.expressions import Values, evaluate, number, place, reads, width
from tickwright.audit.findings import UnreadableError
from tickwright.audit.nets import Net, Scope, Slice
from tickwright.audit.source import modules, plain
from tickwright.audit.statements import (
    ASSIGNMENTS,
    assign,
    atoms,
    restricted,
    run,
    targets,
    used,
    written_late,
)
from tickwright.audit.ternary import TRUE, UNKNOWN, Ternary

__all__ = ["CLOCK", "Clock", "Netlist", "Process", "Statement", "Wire"]

CLOCK, RESET = "clk", "rst"  # ports of the top
NUMBERING = re.compile(r"\$\d+$")  # of a name that was there already; it changes with other names
PORTS = {ast.Input: "input", ast.Output: "output"}


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
class Statement(Process):
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


class Netlist:
    """The instances of a design below ``top``, read from Verilog text.

    Nets are called by the instances they lie in: ``card.risk.gate.passes``.
    """

    def __init__(self, text: str, top: str):
        self.top = top
        self.nets: dict[str, Net] = {}
        self.scopes: list[Scope] = []
        self.wires: list[Wire] = []
        self.statements: list[Statement] = []
        self.contents: dict[Net, int] = defaultdict(int)  # words of memories that are set at first
        self._instances: dict[Net, str] = {}
        self._modules = modules(text)
        self.ports = self._instance(top, top)

    @property
    def combinational(self) -> list[Process]:
        return [*self.wires, *(one for one in self.statements if one.clock is None)]

    @property
    def clocked(self) -> list[Statement]:
        return [one for one in self.statements if one.clock is not None]

    @cached_property
    def registers(self) -> dict[Net, list[Statement]]:
        """What a clock drives, memories excluded."""
        found: dict[Net, list[Statement]] = {}
        for process in self.clocked:
            for bits in process.writes:
                if not bits.net.depth and process not in found.setdefault(bits.net, []):
                    found[bits.net].append(process)
        return found

    @cached_property
    def after_reset(self) -> dict[Net, Ternary]:
        """What is known of the registers after a cycle of reset, whatever they were before."""
        return self.after({self.net(f"{self.top}.{RESET}"): TRUE}, self.registers)

    @cached_property
    def drivers(self) -> dict[Net, list[tuple[Slice, Process]]]:
        """What drives each net."""
        found: dict[Net, list[tuple[Slice, Process]]] = defaultdict(list)
        for process in (*self.wires, *self.statements):
            for bits in process.writes:
                found[bits.net].append((bits, process))
        return found

    @cached_property
    def order(self) -> list[Process]:
        """Combinational processes, each behind those that it depends on.

        Raises CycleError if there is none such order.
        """
        graph = {
            process: [p for bits in process.reads for p in self.behind(bits)]
            for process in self.combinational
        }
        return list(TopologicalSorter(graph).static_order())

    @cached_property
    def _places(self) -> dict[Process, int]:
        return {process: place for place, process in enumerate(self.order)}

    def net(self, name: str) -> Net:
        if name not in self.nets:
            raise UnreadableError(f"{name}: found no net of this name")
        return self.nets[name]

    def outputs(self, instance: str) -> list[str]:
        """Return the names of the outputs of an instance."""
        (scope,) = (scope for scope in self.scopes if scope.path == instance)
        return [name for name, net in scope.nets.items() if net.direction == "output"]

    @staticmethod
    def all_of(net: Net) -> Slice:
        return Slice(net, 0, net.width)

    def source(self, net: Net, bit: int) -> Slice:
        """Return the bit from which nothing but wires leads to a bit."""
        here = Slice(net, bit, 1)
        while True:
            drivers = [p for bits, p in self.drivers.get(here.net, ()) if bits.mask & here.mask]
            if len(drivers) != 1 or not isinstance(drivers[0], Wire):
                return here
            before = drivers[0].before(here)
            if before is None:
                return here
            here = before

    def behind(self, bits: Slice) -> Iterator[Process]:
        """Yield the combinational processes that drive any of the bits."""
        for driven, process in self.drivers.get(bits.net, ()):
            clocked = isinstance(process, Statement) and process.clock is not None
            if not clocked and driven.mask & bits.mask:
                yield process

    def loop(self) -> list[str]:
        """Return where signals run around without a register, if they do."""
        try:
            _ = self.order
        except CycleError as error:
            around: list[Process] = error.args[1]
            return [str(process.writes[0]) for process in reversed(around)]
        return []

    def cone(self, wanted: Iterable[Slice]) -> list[Process]:
        """Return the combinational processes that these bits depend on, in their order."""
        todo = [process for bits in wanted for process in self.behind(bits)]
        needed: set[Process] = set()
        while todo:
            process = todo.pop()
            if process not in needed:
                needed.add(process)
                todo += [more for bits in process.reads for more in self.behind(bits)]
        return sorted(needed, key=self._places.__getitem__)

    def settled(self, processes: Iterable[Process], given: Values) -> dict[Net, Ternary]:
        """Return what is known once these processes have run, while the given bits are held."""
        values = dict(given)
        for process in processes:
            for net, value in process.run(values).items():
                if (held := given.get(net)) is not None:
                    free = ~held.known
                    value = Ternary(value.value & free | held.value, value.known | held.known)
                values[net] = value
        return values

    def after(self, given: Values, registers: Iterable[Net]) -> dict[Net, Ternary]:
        """Return what is known of registers after the next edge, while the given bits are held."""
        wanted = list(registers)
        processes = {process for net in wanted for process in self.registers[net]}
        values = self.settled(self.cone(bits for p in processes for bits in p.reads), given)
        changed: dict[Net, Ternary] = {}
        for process in processes:
            result = process.run(values)
            for net, low, bits in process.writes:
                if net in result:
                    new, old = ternary.part(result[net], low, bits), changed.get(net, UNKNOWN)
                    changed[net] = ternary.replaced(old, low, bits, new)
        return {net: changed[net] for net in wanted}

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
            self._statement(item.statement, scope, clock)
            return
        if (late := written_late(item.statement, scope)) is not None:
            raise UnreadableError(f"{late}: found a block that reads it before it writes it")
        for atom in atoms([bits for writes, bits in used(item.statement, scope) if writes]):
            self._statement(restricted(item.statement, scope, atom), scope, None, [atom])

    def _statement(
        self, statement: Any, scope: Scope, clock: Clock | None, drives: list[Slice] | None = None
    ) -> None:
        parts = list(used(statement, scope))
        read, written = ([bits for way, bits in parts if way is writes] for writes in (False, True))
        found = Statement(scope.path, read, drives or written, scope, statement, clock)
        self.statements.append(found)

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


def _assignments(statement: Any) -> Iterator[Any]:
    if isinstance(statement, ASSIGNMENTS):
        yield statement
    elif statement is not None:
        for child in statement.children():
            yield from _assignments(child)
