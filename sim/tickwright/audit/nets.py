"""What carries bits in a design, and which bits of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tickwright.audit.findings import UnreadableError
from tickwright.audit.ternary import Ternary, mask

__all__ = ["Net", "Scope", "Slice"]


@dataclass(eq=False, repr=False)
class Net:
    """A vector of bits of one instance, or a memory of ``depth`` such vectors."""

    name: str  # with the instances it lies in
    width: int
    depth: int = 0
    initial: Ternary | None = None
    direction: str = ""  # of a port


class Slice(NamedTuple):
    """Some bits of a net."""

    net: Net
    low: int
    width: int

    @property
    def mask(self) -> int:
        return mask(self.width) << self.low

    def __str__(self) -> str:
        if self.width == self.net.width:
            return self.net.name
        high = self.low + self.width - 1
        return f"{self.net.name}[{high}:{self.low}]" if self.width > 1 else (
            f"{self.net.name}[{self.low}]"
        )  # fmt: skip


@dataclass(eq=False, repr=False)
class Scope:
    """An instance of a module: what the names in its text mean."""

    path: str
    nets: dict[str, Net] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Net:
        if name not in self.nets:
            raise UnreadableError(f"{self.path}: found {name}, which is not declared")
        return self.nets[name]

    def __iter__(self) -> Iterator[Net]:
        return iter(self.nets.values())
