"""Which clock everything in a design goes by, and where signals pass from one to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tickwright.bundle.netlist import INPUT, Instance, Module
from tickwright.platforms.hard_block import BUFFERS, SERIAL_BUFFER, HardBlock

__all__ = ["Crossing", "Design"]

ESCAPE = "\\"  # of a name that is a word of the language


@dataclass(frozen=True, order=True)
class Crossing:
    """A register or a block that takes a signal of another clock than its own."""

    source: str  # the clock: a port of the top module, or a pin of a block
    target: str
    at: str  # path of what takes it


@dataclass
class Design:
    """A design without its hierarchy: ``a/b/c`` is c, a signal or an instance, in a/b."""

    modules: dict[str, Module]
    top: str
    blocks: Sequence[HardBlock]
    found: dict[str, str] = field(default_factory=dict)  # instances that no module describes
    cells: set[str] = field(default_factory=set)  # instances and registers, as Vivado names them
    _sources: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _registers: list[tuple[str, str, set[str]]] = field(default_factory=list)
    _outputs: set[str] = field(default_factory=set)
    _inputs: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = {block.module: block for block in self.blocks}
        self._enter(self.modules[self.top], "")

    @property
    def ports(self) -> list[str]:
        """Ports of the top module, each bit of a vector by itself."""
        widths = self.modules[self.top].widths
        return [
            port if width == 1 else f"{port}[{bit}]"
            for port, width in widths.items()
            for bit in range(width)
        ]

    @property
    def pins(self) -> set[str]:
        """Pins of the blocks."""
        return {*self._outputs, *self._inputs}

    def serial(self) -> set[str]:
        """Return the ports of the top module that are pins of transceivers and nothing else."""
        follows = self._follows()
        ends = {pin for pin in self.pins if self._is_serial(pin)}
        ends |= {
            f"{path}/{port}"
            for path, module in self.found.items()
            if module == SERIAL_BUFFER
            for port in ("I", "IB")
        }
        registers = {signal for _, _, sources in self._registers for signal in sources}
        found = set()
        for port, direction in self.modules[self.top].ports.items():
            if direction == INPUT:
                reached = _all({port}, follows, ends)
            else:
                reached = _all({port}, self._sources, ends)
            last = reached & (self.pins | ends | registers)
            if last and last <= ends:
                found.add(port)
        return found

    def clocks(self) -> dict[str, str]:
        """Return the clocks, each with one register that goes by it."""
        return {self.root(clock): at for at, clock, _ in self._registers}

    def root(self, clock: str) -> str:
        """Return where a clock comes from: a port of the top module or a pin of a block."""
        while sources := self._sources.get(clock):
            if len(sources) > 1:
                sources = {sorted(sources)[0]} if self._is_buffer(clock) else sources
            if len(sources) > 1:
                raise ValueError(f"the clock {clock} is made by logic")
            (clock,) = sources
        return clock

    def crossings(self) -> list[Crossing]:
        """Return all places in which a signal passes from one clock to another."""
        marks = self._marks()
        found = set()
        for at, target, sources in self._takers():
            for source in set().union(*(marks[signal] for signal in sources)) - {target}:
                found.add(Crossing(source, target, at))
        return sorted(found)

    def _enter(self, module: Module, path: str) -> None:
        """Add a module and all within it."""

        def here(names) -> set[str]:
            return {f"{path}{name}" for name in names}

        for target, sources in module.sources.items():
            self._sources[f"{path}{target}"] |= here(sources)
        for register in module.registers:
            at = f"{path}{register.name}"
            self._registers.append((at, f"{path}{register.clock}", here(register.sources)))
            self.cells.add(f"{path}{register.name.removeprefix(ESCAPE)}_reg")
        for instance in module.instances:
            self._join(instance, path)

    def _join(self, instance: Instance, path: str) -> None:
        """Join an instance to the module in which it is."""
        inside = f"{path}{instance.name}/"
        self.cells.add(inside[:-1])
        inner = self.modules.get(instance.module)
        if inner is None:
            self.found[inside[:-1]] = instance.module
        for port, names in instance.ports.items():
            pin, outside = f"{inside}{port}", {f"{path}{name}" for name in names}
            if self._is_input(instance.module, port):
                self._sources[pin] |= outside
                if instance.module in self._known:
                    self._inputs[pin] = outside
            else:
                for name in outside:
                    self._sources[name].add(pin)
                if instance.module in self._known:
                    self._outputs.add(pin)
        for out, followed in BUFFERS.get(instance.module, {}).items():
            self._sources[f"{inside}{out}"] |= {f"{inside}{name}" for name in followed}
        if inner is not None:
            self._enter(inner, inside)

    def _is_input(self, module: str, port: str) -> bool:
        if module in self.modules:
            return self.modules[module].ports[port] == INPUT
        if module in self._known:
            return not any(fnmatchcase(port, name) for name in self._known[module].outputs)
        return port not in BUFFERS.get(module, {})

    def _is_buffer(self, pin: str) -> bool:
        return self.found.get(pin.rpartition("/")[0]) in BUFFERS

    def _domain(self, pin: str) -> str | None:
        """Return the clock by which a pin of a block goes, if it does by any."""
        path, _, port = pin.rpartition("/")
        for clock, patterns in self._known[self.found[path]].domains.items():
            if any(fnmatchcase(port, pattern) for pattern in patterns):
                return self.root(f"{path}/{clock}")
        return None

    def _takers(self) -> Iterator[tuple[str, str, set[str]]]:
        for at, clock, sources in self._registers:
            yield at, self.root(clock), sources
        for pin, sources in self._inputs.items():
            if (domain := self._domain(pin)) is not None:
                yield pin, domain, sources

    def _marks(self) -> dict[str, set[str]]:
        """Return the clocks that each signal goes by, through whatever logic."""
        follows = self._follows()
        marks: dict[str, set[str]] = defaultdict(set)
        for at, clock, _ in self._registers:
            marks[at].add(self.root(clock))
        for pin in self._outputs:
            if (domain := self._domain(pin)) is not None:
                marks[pin].add(domain)
        todo = list(marks)
        while todo:
            source = todo.pop()
            for target in follows[source]:
                if not marks[source] <= marks[target]:
                    marks[target] |= marks[source]
                    todo.append(target)
        return marks

    def _follows(self) -> dict[str, set[str]]:
        """Return what depends on each signal at once."""
        follows = defaultdict(set)
        for target, sources in self._sources.items():
            for source in sources:
                follows[source].add(target)
        return follows

    def _is_serial(self, pin: str) -> bool:
        path, _, port = pin.rpartition("/")
        return any(fnmatchcase(port, name) for name in self._known[self.found[path]].serial)


def _all(signals: set[str], steps: Mapping[str, set[str]], ends: set[str]) -> set[str]:
    """Return all that is reached in steps, going no further where it ends."""
    seen, todo = set(), list(signals)
    while todo:
        signal = todo.pop()
        if signal not in seen:
            seen.add(signal)
            todo += () if signal in ends else steps.get(signal, ())
    return seen
