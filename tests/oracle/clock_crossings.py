"""Finds where a netlist goes from one clock to another, by looking at every register.

A register is reached from the registers whose values decide on its next one; where one of those has
another clock, or is a pin, the register lies at a crossing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import _nir as nir  # the netlist has no public name

OUTSIDE = "outside"
"""Where a value comes from that has no clock: a pin, or a primitive that keeps nothing."""

CLOCKS_OF = {"IDDRX1F": "SCLK", "ODDRX1F": "SCLK"}
"""The primitives of a vendor that are registers, and the port that their clock has."""


@dataclass(frozen=True, order=True)
class Crossing:
    """A register, or a memory, that is reached from another clock."""

    place: str
    source: str
    sink: str
    sound: bool
    """It takes a register of the other clock as it is, and only one other takes what it has."""


class Netlist:
    """A netlist of Amaranth, and the names of its clocks."""

    def __init__(self, netlist: nir.Netlist, clocks: dict[str, nir.Net]) -> None:
        self._cells = netlist.cells
        self._modules = netlist.modules
        self._names = {net: name for name, net in clocks.items()}
        self._writers: defaultdict[int, set[str]] = defaultdict(set)
        self._readers: defaultdict[nir.Net, list[nir.Cell]] = defaultdict(list)
        self._sources: dict[nir.Net, frozenset[str]] = {}
        for cell in self._cells:
            if isinstance(cell, nir.SyncWritePort):
                self._writers[cell.memory].add(self._clock(cell.clk))
            for net in cell.input_nets():
                self._readers[net].append(cell)

    def crossings(self) -> set[Crossing]:
        """Return every crossing there is."""
        return {crossing for index in range(len(self._cells)) for crossing in self._into(index)}

    def _into(self, index: int) -> Iterator[Crossing]:
        cell = self._cells[index]
        sink = self._clock_of(cell)
        if sink is None:
            return
        place = ".".join(self._modules[cell.module_idx].name[1:])
        if isinstance(cell, nir.SyncReadPort):
            for source in self._writers[cell.memory] - {sink}:
                yield Crossing(place, source, sink, sound=True)
        for net in self._inputs(cell):
            for source in self.sources(net) - {sink}:
                yield Crossing(place, source, sink, self._sound(index, cell, net))

    def _sound(self, index: int, cell: nir.Cell, net: nir.Net) -> bool:
        if not isinstance(cell, nir.FlipFlop):
            return False
        direct = self._clock_of(self._cells[net.cell]) or self.sources(net) == {OUTSIDE}
        readers = [
            reader
            for bit, data in enumerate(cell.data)
            if data == net
            for reader in self._readers[nir.Net.from_cell(index, bit)]
        ]
        match readers:
            case [nir.FlipFlop() as reader]:
                return bool(direct) and reader.clk == cell.clk
        return False

    def sources(self, net: nir.Net) -> frozenset[str]:
        """Return the clocks of the registers that decide on a net."""
        waiting = [net]
        while waiting:
            at = waiting[-1]
            if at in self._sources:
                waiting.pop()
                continue
            own, before = self._behind(at)
            missing = [net for net in before if net not in self._sources]
            if missing:
                waiting += missing
                continue
            self._sources[at] = own.union(*(self._sources[net] for net in before))
            waiting.pop()
        return self._sources[net]

    def _behind(self, net: nir.Net) -> tuple[frozenset[str], list[nir.Net]]:
        """Return the clocks that a net comes from at once, and the nets it is made of."""
        if net.is_const:
            return frozenset(), []
        cell = self._cells[net.cell]
        clock = self._clock_of(cell)
        if clock is not None:
            return frozenset({clock}), []
        if isinstance(cell, nir.Top | nir.Instance | nir.IOBuffer):
            return frozenset({OUTSIDE}), []
        written = self._writers[cell.memory] if isinstance(cell, nir.AsyncReadPort) else ()
        return frozenset(written), [source for source, _ in cell.comb_edges_to(net.bit)]

    def _clock_of(self, cell: nir.Cell) -> str | None:
        """Return the clock of what keeps a value, else nothing."""
        match cell:
            case nir.FlipFlop() | nir.SyncReadPort() | nir.SyncWritePort():
                return self._clock(cell.clk)
            case nir.Instance() if cell.type in CLOCKS_OF:
                return self._clock(cell.ports_i[CLOCKS_OF[cell.type]][0])
        return None

    def _inputs(self, cell: nir.Cell) -> set[nir.Net]:
        match cell:
            case nir.FlipFlop():
                return {*cell.data, cell.arst}
            case nir.SyncReadPort():
                return {*cell.addr, cell.en}
            case nir.SyncWritePort():
                return {*cell.data, *cell.addr, *cell.en}
            case nir.Instance(type="ODDRX1F"):
                return {*cell.ports_i["D0"], *cell.ports_i["D1"]}
        return set()

    def _clock(self, net: nir.Net) -> str:
        """Return the name of a clock: that of its domain, else of the part that makes it."""
        maker = self._modules[self._cells[net.cell].module_idx]
        return self._names.get(net, ".".join(maker.name[1:]))
