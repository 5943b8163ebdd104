"""Reads the Verilog that Yosys writes: which signal depends on which, and by which clock.

Only the form that `tickwright.top.build.verilog` makes is read. A vector is one signal: it depends
on all that any of its bits depends on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Instance", "Module", "NetlistError", "Register", "modules"]

TOKEN = re.compile(
    r'\\\S+\s|"[^"]*"|\d+\'\w+|\d+|[A-Za-z_$][\w$]*|[()\[\]{};:,.#@=?*]|<=|[-+!~^&|<>/%]+',
)
WORDS = {
    "begin",
    "end",
    "if",
    "else",
    "case",
    "casez",
    "endcase",
    "assign",
    "always",
    "initial",
    "input",
    "output",
    "wire",
    "reg",
    "integer",
    "signed",
}
FUNCTIONS = {"$signed", "$unsigned"}
DECLARING = {"input", "output", "wire", "reg", "integer"}
INPUT, OUTPUT = "input", "output"


class NetlistError(ValueError):
    """Verilog of another form."""


@dataclass(frozen=True)
class Register:
    """What a clock edge changes: a signal or a memory."""

    name: str
    clock: str
    sources: frozenset[str]  # the reset that acts without the clock among them


@dataclass(frozen=True)
class Instance:
    """A module within a module."""

    module: str
    name: str
    ports: dict[str, frozenset[str]]  # signals joined to each port


@dataclass
class Module:
    """One module."""

    name: str
    ports: dict[str, str] = field(default_factory=dict)  # name: direction
    widths: dict[str, int] = field(default_factory=dict)  # of the ports
    sources: dict[str, set[str]] = field(default_factory=dict)  # without a clock
    registers: list[Register] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)


def modules(verilog: str) -> dict[str, Module]:
    """Return the modules by name; NetlistError for what Yosys does not write."""
    found = [_Reader(part).module() for part in _parts(verilog)]
    return {module.name: module for module in found}


def _parts(verilog: str) -> Iterator[list[str]]:
    text = re.sub(r"/\*.*?\*/|//[^\n]*|\(\* .*? \*\)", " ", verilog, flags=re.DOTALL)
    for part in re.split(r"^endmodule\s*$", text, flags=re.MULTILINE):
        tokens = TOKEN.findall(part)
        if tokens:
            yield [_plain(token) for token in tokens]


def _plain(token: str) -> str:
    """Return a name without its escape, unless it would be a word of the language then."""
    name = token[1:].strip()
    return name if token[0] == "\\" and name not in WORDS else token.strip()


class _Reader:
    """Reads one module."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, ""]
        self._at = 0
        self._module = Module("")
        self._names: set[str] = set()

    def module(self) -> Module:
        if self._next() != "module":
            raise NetlistError(f"found {self._tokens[0]!r}, expected a module")
        self._module.name = self._next()
        self._until(";")
        self._names = {
            name
            for at, token in enumerate(self._tokens)
            if token in DECLARING
            for name in self._declared(at + 1)
        }
        while self._here:
            self._item()
        return self._module

    def _declared(self, at: int) -> Iterator[str]:
        """Return the names that are declared from a place on."""
        depth = 0
        while (token := self._tokens[at]) not in ("", ";", "="):
            depth += (token == "[") - (token == "]")
            if not depth and token not in ("]", ",", "signed"):
                yield token
            at += 1

    @property
    def _here(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _until(self, *ends: str) -> list[str]:
        """Return the tokens before one of ``ends`` outside of all brackets, and pass that too."""
        begin, depth = self._at, 0
        while (here := self._next()) and (depth or here not in ends):
            depth += (here in "([{") - (here in ")]}")
        if not here:
            raise NetlistError(f"{self._module.name}: an end is missing, one of {ends}")
        return self._tokens[begin : self._at - 1]

    def _signals(self, tokens: list[str]) -> frozenset[str]:
        found = frozenset(token for token in tokens if token[0].isalpha() or token[0] in "_$\\")
        if unknown := found - self._names - FUNCTIONS:
            raise NetlistError(f"{self._module.name}: no signals: {', '.join(sorted(unknown))}")
        return found - FUNCTIONS

    def _item(self) -> None:
        keyword = self._here
        if keyword in DECLARING:
            self._declaration()
        elif keyword == "assign":
            self._next()
            self._assign(self._until(";"), frozenset())
        elif keyword == "always":
            self._always()
        elif keyword == "initial":
            self._next()
            self._skip()
        else:
            self._instance()

    def _declaration(self) -> None:
        keyword = self._next()
        if self._here == "signed":
            self._next()
        width = 1
        if self._here == "[":
            self._next()
            high, _, _low = self._until("]")
            width = int(high) + 1
        name = self._next()
        if keyword in (INPUT, OUTPUT):
            self._module.ports[name], self._module.widths[name] = keyword, width
        self._until(";")

    def _skip(self) -> None:
        """Pass one statement that has no effect on what depends on what."""
        if self._here != "begin":
            self._until(";")
            return
        depth = 0
        while True:
            depth += {"begin": 1, "end": -1}.get(self._next(), 0)
            if not depth:
                return

    def _assign(self, tokens: list[str], conditions: frozenset[str]) -> None:
        for target, sources in self._targets(tokens, "=", conditions):
            self._module.sources.setdefault(target, set()).update(sources)

    def _targets(self, tokens, sign, conditions) -> Iterator[tuple[str, frozenset[str]]]:
        middle = tokens.index(sign)
        left, right = tokens[:middle], tokens[middle + 1 :]
        sources = self._signals(right) | conditions
        if left[0] == "{":
            targets = self._signals(left)
        else:
            targets = [left[0]]
            sources |= self._signals(left[1:])  # of an index
        for target in targets:
            yield target, sources

    def _always(self) -> None:
        self._next()
        self._next()  # @
        if self._here == "*":
            self._next()
            self._statement(None, frozenset())
            return
        self._next()  # (
        events = self._until(")")
        clock, *resets = (token for token in events if token not in ("posedge", "negedge", ","))
        self._statement(clock, frozenset(resets))

    def _statement(self, clock: str | None, conditions: frozenset[str]) -> None:
        if self._here == ";":
            self._next()
        elif self._here == "begin":
            self._next()
            while self._here != "end":
                self._statement(clock, conditions)
            self._next()
        elif self._here == "if":
            self._next()
            conditions |= self._condition()
            self._statement(clock, conditions)
            if self._here == "else":
                self._next()
                self._statement(clock, conditions)
        elif self._here in ("case", "casez"):
            self._next()
            conditions |= self._condition()
            while self._here != "endcase":
                self._until(":")
                self._statement(clock, conditions)
            self._next()
        elif clock is None:
            self._assign(self._until(";"), conditions)
        else:
            for target, sources in self._targets(self._until(";"), "<=", conditions):
                self._module.registers.append(Register(target, clock, sources))

    def _condition(self) -> frozenset[str]:
        self._next()  # (
        return self._signals(self._until(")"))

    def _instance(self) -> None:
        module = self._next()
        if self._here == "#":
            self._next()
            self._next()
            self._until(")")
        name = self._next()
        if self._next() != "(":
            raise NetlistError(f"{self._module.name}: found {module} {name}, expected an instance")
        ports = {}
        while self._here != ")":
            self._next()  # .
            port = self._next()
            self._next()  # (
            ports[port] = self._signals(self._until(")"))
            if self._here == ",":
                self._next()
        self._next()  # )
        self._until(";")
        self._module.instances.append(Instance(module, name, ports))
