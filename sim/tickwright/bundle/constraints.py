"""What the constraints of a bundle say, by the names that they use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tickwright.bundle.tcl import Command, Word, commands, list_items

__all__ = ["Constraints", "Query", "queries"]

ASK = "get_"


@dataclass(frozen=True)
class Query:
    """A command that asks for objects by name: ``get_ports``, ``get_pins`` and so on."""

    line: int
    kind: str  # ports, pins, cells, clocks, files, ips, ...
    names: tuple[str, ...]
    of: Query | None = None  # instead of names

    @property
    def pins(self) -> tuple[str, ...]:
        """The pins or ports whose clocks are meant."""
        return self.of.names if self.of else self.names


@dataclass
class Constraints:
    """Constraints of several files together."""

    properties: dict[str, dict[str, str]] = field(default_factory=dict)  # of each port
    clocks: dict[str, str] = field(default_factory=dict)  # name: port
    apart: list[tuple[Query, Query]] = field(default_factory=list)  # clocks: source, target
    synchronizers: list[str] = field(default_factory=list)  # cells, as patterns

    def read(self, script: str) -> None:
        """Add a file; TclError if it is none."""
        for command in commands(script):
            reader = getattr(self, f"_{command.name}", None)
            if reader is not None:
                reader(command)

    def _set_property(self, command: Command) -> None:
        asked = _query(command.words[-1])
        values = [word.text for word in command.words[1:-1]]
        if values[0] == "-dict":
            values = list_items(values[1])
        settings = dict(zip(values[::2], values[1::2], strict=True))
        if asked.kind == "ports":
            for port in asked.names:
                self.properties.setdefault(port, {}).update(settings)
        if asked.kind == "cells" and settings.get("ASYNC_REG") == "TRUE":
            self.synchronizers += asked.names

    def _create_clock(self, command: Command) -> None:
        name = command.option("-name")
        (port,) = _query(command.words[-1]).names
        self.clocks[name.text if name else port] = port

    def _set_max_delay(self, command: Command) -> None:
        if any(word.text == "-datapath_only" for word in command.words):
            self._set_false_path(command)

    def _set_false_path(self, command: Command) -> None:
        ends = [command.option(name) for name in ("-from", "-to")]
        asked = [_query(end) for end in ends if end is not None]
        if len(asked) == len(ends) and all(query.kind == "clocks" for query in asked):
            self.apart.append((asked[0], asked[1]))

    def _set_clock_groups(self, command: Command) -> None:
        groups = [
            _query(behind) for here, behind in pairwise(command.words) if here.text == "-group"
        ]
        self.apart += [(one, other) for one in groups for other in groups if one is not other]


def queries(script: Iterable[Command]) -> Iterator[Query]:
    """Return all that a script asks for by name, within brackets too."""
    for command in script:
        if command.name.startswith(ASK):
            yield _asked(command)
        for word in command.words:
            yield from queries(word.nested)


def _query(word: Word) -> Query:
    """Return what a word asks for; a word that asks for nothing has no names."""
    for command in word.nested:
        if command.name.startswith(ASK):
            return _asked(command)
    return Query(0, "", ())


def _asked(command: Command) -> Query:
    inner = command.option("-of_objects")
    names = [
        name
        for word in command.words[1:]
        if not word.text.startswith("-") and word is not inner
        for name in list_items(word.text)
    ]
    return Query(
        line=command.line,
        kind=command.name.removeprefix(ASK),
        names=tuple(names),
        of=_query(inner) if inner else None,
    )
