"""A design as a graph: what depends on what, and what follows from what is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from tickwright.audit import ternary
from tickwright.audit.design import Design
from tickwright.audit.expressions import Values
from tickwright.audit.nets import Net, Slice
from tickwright.audit.processes import Block, Process, Wire
from tickwright.audit.ternary import TRUE, UNKNOWN, Ternary

__all__ = ["CLOCK", "RESET", "Netlist"]

CLOCK, RESET = "clk", "rst"  # ports of the top


class Netlist(Design):
    """The graph of a design."""

    @property
    def combinational(self) -> list[Process]:
        return [*self.wires, *(one for one in self.blocks if one.clock is None)]

    @property
    def clocked(self) -> list[Block]:
        return [one for one in self.blocks if one.clock is not None]

    @cached_property
    def registers(self) -> dict[Net, list[Block]]:
        """What a clock drives, memories excluded."""
        found: dict[Net, list[Block]] = {}
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
        for process in (*self.wires, *self.blocks):
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
            clocked = isinstance(process, Block) and process.clock is not None
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
