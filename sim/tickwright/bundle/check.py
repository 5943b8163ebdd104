"""What is wrong with a bundle, as far as that can be seen without Vivado."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tickwright.bundle.clocks import Design
from tickwright.bundle.constraints import Constraints, Query, queries
from tickwright.bundle.netlist import modules
from tickwright.bundle.tcl import Command, TclError, commands
from tickwright.platforms.hard_block import BUFFERS, HardBlock

__all__ = ["Report", "check"]

PIN, STANDARD = "PACKAGE_PIN", "IOSTANDARD"


@dataclass(frozen=True)
class Report:
    """What is wrong, and what whoever builds the card has to add."""

    errors: tuple[str, ...]
    open: tuple[str, ...]


def check(
    folder: Path,
    top: str,
    blocks: Sequence[HardBlock],
    synchronizers: Sequence[str],
    unverified: Sequence[str] = (),
) -> Report:
    """Look a bundle over.

    ``blocks`` are those that the design needs, ``synchronizers`` the submodules of ``top`` in which
    signals may pass from one clock to another, ``unverified`` the ports whose pins are not known.
    """
    scripts, errors = {}, []
    for path in sorted([*folder.glob("*.tcl"), *folder.glob("*.xdc")]):
        try:
            scripts[path.name] = commands(path.read_text())
        except TclError as error:
            errors.append(f"{path.name}: {error}")
    if errors:
        return Report(tuple(errors), ())
    constraints = Constraints()
    for path in sorted(folder.glob("*.xdc")):
        constraints.read(path.read_text())
    design = Design(modules((folder / f"{top}.v").read_text()), top, blocks)
    one = _Check(folder, design, constraints, scripts)
    errors += one.pins(unverified)
    errors += one.clocks()
    errors += one.crossings(synchronizers)
    errors += one.names()
    errors += one.parts()
    todo = [f"to be constrained: {port}: no document at hand gives its pin" for port in unverified]
    todo += [f"to be supplied: {block.module}.v: {block.missing}" for block in blocks
             if block.missing]  # fmt: skip
    return Report(tuple(errors), tuple(todo))


@dataclass(frozen=True)
class _Check:
    folder: Path
    design: Design
    constraints: Constraints
    scripts: dict[str, list[Command]]

    def pins(self, unverified: Sequence[str]) -> Iterator[str]:
        """Each port has a pin of its own, and a standard unless it belongs to a transceiver."""
        serial = self.design.serial()
        properties = self.constraints.properties
        for port in self.design.ports:
            has = properties.get(port, {})
            if PIN not in has and port not in unverified:
                yield f"{port}: has no pin"
            if STANDARD not in has and port.partition("[")[0] not in serial | {*unverified}:
                yield f"{port}: has no I/O standard, and belongs to no transceiver"
        taken = Counter(has[PIN] for has in properties.values() if PIN in has)
        yield from (f"pin {pin}: {count} ports" for pin, count in taken.items() if count > 1)

    def clocks(self) -> Iterator[str]:
        """Each clock is defined at a port, or made by a block of a clock that is."""
        defined = {*self.constraints.clocks.values()}
        for clock, at in self.design.clocks().items():
            path, _, pin = clock.rpartition("/")
            block = self._block(path)
            if not path and clock not in defined:
                yield f"clock {clock} of {at}: is not defined"
            elif path and (block is None or pin not in block.clocks):
                yield f"clock {clock} of {at}: nothing says that this is a clock"
        for path in self.design.found:
            block = self._block(path)
            for reference in {*(block.clocks.values() if block else ())}:
                port = self.design.root(f"{path}/{reference}")
                if port not in defined:
                    yield f"clock {port} of {path}: is not defined"

    def crossings(self, synchronizers: Sequence[str]) -> Iterator[str]:
        """Signals pass from clock to clock in synchronisers, and the constraints know of it."""
        found = self.design.crossings()
        apart = {
            (source, target)
            for one, other in self.constraints.apart
            for source in self._roots(one)
            for target in self._roots(other)
        }
        for source, target in sorted({(each.source, each.target) for each in found} - apart):
            yield f"from clock {source} to {target}: no constraint, yet signals pass"
        for each in found:
            if each.at.partition("/")[0] not in synchronizers:
                yield f"{each.at}: takes a signal of clock {each.source}, in no synchroniser"
            cell = f"{each.at}_reg"
            if each.at.rpartition("/")[2].startswith("stage") and not any(
                _matches(cell, pattern) for pattern in self.constraints.synchronizers
            ):
                yield f"{each.at}: is not marked as part of a synchroniser (ASYNC_REG)"

    def names(self) -> Iterator[str]:
        """No script names what is not there."""
        created = {
            name.text
            for script in self.scripts.values()
            for command in script
            if command.name == "create_ip" and (name := command.option("-module_name"))
        }
        clocked = {pin for pin in self.design.pins if self._is_clock(pin)}
        there = {
            "ports": {*self.design.ports, *(port.partition("[")[0] for port in self.design.ports)},
            "pins": self.design.pins,
            "cells": self.design.cells,
            "clocks": {*self.constraints.clocks},
            "files": {path.name for path in self.folder.iterdir()},
            "ips": created,
            "runs": {"synth_1", "impl_1"},
        }
        for file, script in self.scripts.items():
            for query in queries(script):
                for name in query.names:
                    if not any(_matches(one, name) for one in there.get(query.kind, ())):
                        yield f"{file}, line {query.line}: there is no {query.kind} {name}"
                if query.of is not None:
                    for pin in query.of.names:
                        if pin not in clocked:
                            yield f"{file}, line {query.line}: {pin} is no clock"

    def parts(self) -> Iterator[str]:
        """All that the design consists of is made or added by the project."""
        (project,) = (script for name, script in self.scripts.items() if name.endswith(".tcl"))
        made = {(name.text, core.text) for command in project if command.name == "create_ip"
                if (name := command.option("-module_name")) and (core := command.option("-name"))
                }  # fmt: skip
        added = {
            name
            for command in project
            if command.name == "add_files"
            for name in command.words[-1].text.split()
        }
        for path, module in self.design.found.items():
            block = self._block(path)
            if block is None and module not in BUFFERS:
                yield f"{path}: nothing is known of {module}"
            elif block and block.ip and (module, block.ip) not in made:
                yield f"{path}: the project makes no {module} of {block.ip}"
            elif block and block.missing and f"{module}.v" not in added:
                yield f"{path}: the project adds no {module}.v"
        supplied = {f"{block.module}.v" for block in self.design.blocks if block.missing}
        for name in sorted(added - supplied):
            if not (self.folder / name).exists():
                yield f"the project adds {name}, which is not there"

    def _block(self, path: str) -> HardBlock | None:
        module = self.design.found.get(path)
        return next((one for one in self.design.blocks if one.module == module), None)

    def _is_clock(self, pin: str) -> bool:
        path, _, port = pin.rpartition("/")
        block = self._block(path)
        return block is not None and port in block.clocks

    def _roots(self, query: Query) -> Iterator[str]:
        for name in query.pins:
            yield self.design.root(self.constraints.clocks.get(name, name))


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a pattern means a name; it stops at each level of the hierarchy."""
    here, there = name.split("/"), pattern.replace("[", "[[]").split("/")
    return len(here) == len(there) and all(map(fnmatchcase, here, there))
