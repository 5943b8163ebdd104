"""How a register block is described once: for the gateware, the host and the manual.

A block is a class; its registers are class attributes, laid out in the order they are declared::

    class RiskRegs(Block):
        armed   = Control(1, "Orders leave the card only while this is 1.")
        refused = Status(32, "Orders refused since reset.", unit="orders")

`tickwright.core.regfile` makes the bank of it. On the host an instance over a `Bus` reads and
writes the card: ``risk.armed = 1``. Pure Python.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, overload

__all__ = ["WORD_BITS", "WORD_BYTES", "Block", "Bus", "Control", "Counter", "Register", "Status",
           "Strobe"]

WORD_BYTES = 4
WORD_BITS = 8 * WORD_BYTES
WORD_MASK = (1 << WORD_BITS) - 1
MAX_BITS = 2 * WORD_BITS
ACCESS = 2  # raised with the rule by which words are moved, so that no host meets a card of another


class Bus(Protocol):
    """Anything that can move one 32-bit word: a PCIe BAR, a simulated card, a dict.

    Addresses are in bytes and multiples of 4.
    """

    def read(self, addr: int) -> int: ...
    def write(self, addr: int, value: int) -> None: ...


@dataclass(eq=False)
class Register:
    """One register of a block, 1 to 64 bits wide.

    A register wider than 32 bits takes two words, the low one first. A write of the low word takes
    effect with that of the high word. A read shows a word as it is then, so that several may read a
    card at once; a host reads the high word before and after the low one, and the low one again if
    they differ. So it has a value whole unless the high word changes twice meanwhile, which that of
    a count or a time does not.
    """

    bits: int
    doc: str
    unit: str = ""
    name: str = field(init=False, default="")
    offset: int = field(init=False, default=0)

    kind: ClassVar[str]
    access: ClassVar[str]

    def __post_init__(self) -> None:
        if not 0 < self.bits <= MAX_BITS:
            raise ValueError(f"a register is 1 to {MAX_BITS} bits wide, not {self.bits}")

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def words(self) -> int:
        """Number of words the register takes: 1 or 2."""
        return -(-self.bits // WORD_BITS)

    @property
    def writable(self) -> bool:
        """Whether the host may write the register."""
        return "write" in self.access

    @overload
    def __get__(self, block: None, owner: type) -> Self: ...
    @overload
    def __get__(self, block: Block, owner: type) -> int: ...
    def __get__(self, block: Block | None, owner: type) -> Self | int:
        if block is None:
            return self
        return block.read_registers((self,))[self.name]

    def __set__(self, block: Block, value: int) -> None:
        where = f"{type(block).__name__}.{self.name}"
        if not self.writable:
            raise AttributeError(f"{where} is a {self.kind} register: the host may only read it")
        if not isinstance(value, int) or not 0 <= value < 1 << self.bits:
            raise ValueError(
                f"{where}: found {value!r}, expected an integer from 0 to {(1 << self.bits) - 1}"
            )
        for word in range(self.words):
            part = value >> word * WORD_BITS & WORD_MASK
            block.bus.write(block.base + self.offset + word * WORD_BYTES, part)


@dataclass(eq=False)
class Control(Register):
    """A register the host writes and the gateware obeys; ``reset`` is its value until then."""

    reset: int = 0

    kind = "control"
    access = "read/write"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.reset < 1 << self.bits:
            raise ValueError(f"{self.reset} does not fit a register of {self.bits} bits")


class Status(Register):
    """A register the gateware drives and the host reads."""

    kind = "status"
    access = "read"


class Counter(Status):
    """A register that counts events which the gateware tells it of, from reset on.

    It stops at its maximum.
    """

    def __init__(self, doc: str, unit: str = "") -> None:
        super().__init__(WORD_BITS, doc, unit)


class Strobe(Register):
    """A register whose writing is an event: its value reaches the gateware for one cycle.

    It reads as 0.
    """

    kind = "strobe"
    access = "write"

    def __init__(self, doc: str, bits: int = 1, unit: str = "") -> None:
        super().__init__(bits, doc, unit)


class Block:
    """A named group of registers, laid out in the order they are declared.

    ``base`` is the byte address of the block on the bus.
    """

    registers: ClassVar[tuple[Register, ...]] = ()
    words: ClassVar[int] = 0

    bus: Bus
    base: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for register in tuple(vars(cls).values()):
            if not isinstance(register, Register):
                continue
            if register.name in _RESERVED:
                raise TypeError(f"{cls.__name__}.{register.name}: every block has an attribute of "
                                f"that name; choose another")
            register.offset = cls.words * WORD_BYTES
            cls.words += register.words
            cls.registers += (register,)

    def __init__(self, bus: Bus, base: int = 0) -> None:
        self.bus = bus
        self.base = base

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(type(self), name) and name not in Block.__annotations__:
            raise AttributeError(f"{type(self).__name__} has no register {name!r}")
        super().__setattr__(name, value)

    def read_registers(self, registers: Sequence[Register]) -> dict[str, int]:
        """Read registers of the block, one after the other; in one turn where the bus can.

        A register that is named several times is read as often; the last value is the one told.
        """
        addrs = [self.base + register.offset + word * WORD_BYTES
                 for register in registers
                 for word in ((1, 0, 1) if register.words == 2 else (0,))]
        words = iter(_words(self.bus, addrs))
        return {register.name: self._whole(register, words) & ((1 << register.bits) - 1)
                for register in registers}

    def _whole(self, register: Register, words: Iterator[int]) -> int:
        """Take the words of a register; read the low one again where the high one has changed."""
        if register.words == 1:
            return next(words)
        before, low, high = next(words), next(words), next(words)
        if high != before:
            low = self.bus.read(self.base + register.offset)
        return high << WORD_BITS | low

    @classmethod
    def table(cls) -> str:
        """Render the block as the Markdown table printed in the manual."""
        rows = ["| offset | register | bits | access | reset | unit | meaning |",
                "|-------:|----------|-----:|--------|------:|------|---------|"]
        for register in cls.registers:
            reset = str(register.reset) if isinstance(register, Control) else ""
            rows.append(f"| 0x{register.offset:02x} | `{register.name}` | {register.bits} "
                        f"| {register.access} | {reset} | {register.unit} | {register.doc} |")
        return "\n".join(rows)

    @classmethod
    def fingerprint(cls) -> int:
        """Return a 32-bit number that changes with the names, kinds, widths or places of registers.

        It is the same on every machine and in every run.
        """
        text = "\n".join(f"{register.offset} {register.name} {register.kind} {register.bits}"
                         for register in cls.registers)
        return zlib.crc32(f"{ACCESS} {cls.__name__}\n{text}".encode("ascii"))


def _words(bus: Bus, addrs: Sequence[int]) -> Sequence[int]:
    """Read words; by ``read_words`` where the bus has it, as where each word takes long."""
    read_words = getattr(bus, "read_words", None)
    return [bus.read(addr) for addr in addrs] if read_words is None else read_words(addrs)


_RESERVED = frozenset(vars(Block)) | frozenset(Block.__annotations__)
