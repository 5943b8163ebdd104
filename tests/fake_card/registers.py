"""The words of a card's blocks: how registers of one and two words are read and written."""

from __future__ import annotations

from collections.abc import Callable

from tickwright.core.regs import WORD_BITS, WORD_BYTES, Block, Control, Register, Status, Strobe

__all__ = ["Registers"]

WORD_MASK = (1 << WORD_BITS) - 1


class Registers:
    """One block: what the host wrote, what the card shows, and what a strobe does.

    ``shown`` has a function for each status register that is not just kept in ``values``;
    ``strobes`` one for each strobe, called with the value written.
    """

    def __init__(self, block: type[Block]) -> None:
        self.values: dict[str, int] = {
            register.name: register.reset if isinstance(register, Control) else 0
            for register in block.registers
        }
        self.shown: dict[str, Callable[[], int]] = {}
        self.strobes: dict[str, Callable[[int], None]] = {}
        self._words: dict[int, tuple[Register, int]] = {
            register.offset + word * WORD_BYTES: (register, word)
            for register in block.registers
            for word in range(register.words)
        }
        self._staged: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def __setitem__(self, name: str, value: int) -> None:
        self.values[name] = value

    def read(self, offset: int) -> int:
        register, word = self._words.get(offset, (None, 0))
        if register is None or isinstance(register, Strobe):
            return 0
        show = self.shown.get(register.name)
        value = (self.values[register.name] if show is None else show()) % (1 << register.bits)
        return value >> WORD_BITS * word & WORD_MASK

    def write(self, offset: int, value: int) -> None:
        register, word = self._words.get(offset, (None, 0))
        if register is None or isinstance(register, Status):
            return
        if register.words == 2 and word == 0:
            self._staged[register.name] = value
            return
        if register.words == 2:
            value = value << WORD_BITS | self._staged.get(register.name, 0)
        value %= 1 << register.bits
        if not isinstance(register, Strobe):
            self.values[register.name] = value
        elif value or register.bits > 1:
            self.strobes.get(register.name, lambda _: None)(value)
