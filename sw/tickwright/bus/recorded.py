"""Accesses to a card as a file, written and answered from.

One access a line: ``r ADDR VALUE`` or ``w ADDR VALUE``, both numbers in hexadecimal. Addresses are
in bytes.
"""

from __future__ import annotations

from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.way import Way
from tickwright.core.regs import Bus

__all__ = ["RecordedBus", "RecordingBus"]


class RecordingBus(Way):
    """Passes accesses on to ``bus`` and writes each to ``file``, a line at a time.

    A write is in the file before it is on the bus, a read after it. Closing it closes ``bus`` too
    if that can be closed.
    """

    def __init__(self, bus: Bus, file: str | Path) -> None:
        self._bus = bus
        self._path = Path(file)
        self._path.write_text("")

    def read(self, addr: int) -> int:
        value = self._bus.read(addr)
        self._note(f"r {addr:x} {value:x}\n")
        return value

    def write(self, addr: int, value: int) -> None:
        self._note(f"w {addr:x} {value:x}\n")
        self._bus.write(addr, value)

    def close(self) -> None:
        if isinstance(self._bus, Way):
            self._bus.close()

    def _note(self, line: str) -> None:
        with self._path.open("a", encoding="ascii") as file:
            file.write(line)


class RecordedBus(Way):
    """Answers reads as they once were; raises BusError at the first access that differs."""

    def __init__(self, file: str | Path) -> None:
        self._path = Path(file)
        try:
            self._lines = self._path.read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BusError(f"{file}: found {error}, expected a record of accesses") from None
        self._at = 0

    def read(self, addr: int) -> int:
        kind, where, value = self._next(f"a read of {addr:#x}")
        if (kind, where) != ("r", addr):
            raise self._differs(f"a read of {addr:#x}")
        return value

    def write(self, addr: int, value: int) -> None:
        asked = f"a write of {value:#x} to {addr:#x}"
        if self._next(asked) != ("w", addr, value):
            raise self._differs(asked)

    def close(self) -> None:
        """Nothing is held open."""

    def _next(self, asked: str) -> tuple[str, int, int]:
        if self._at == len(self._lines):
            raise BusError(f"{self._path}: found {asked}, expected no access: the record ends")
        words = self._lines[self._at].split()
        self._at += 1
        try:
            kind, where, value = words
            return kind, int(where, 16), int(value, 16)
        except ValueError:
            raise self._differs("a line", "r or w, an address and a value") from None

    def _differs(self, asked: str, expected: str = "") -> BusError:
        line = self._lines[self._at - 1]
        told = f"expected {expected}, not {line!r}" if expected else f"expected {line!r}"
        return BusError(f"{self._path}, line {self._at}: found {asked}, {told}")
