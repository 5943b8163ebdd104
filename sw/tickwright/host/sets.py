"""What is put in force as a whole: the parameters of all pairs, and all limits.

A set has words, in the order in which the card reads its own memories back, and their checksum;
both are those of docs/host.md, section 1. The card refuses a set whose checksum is another.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from tickwright.core.regs import WORD_BITS, Block, Register
from tickwright.host.setup import GateSetup, PairSetup, SetupError, SymbolSetup
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.top.presets import Preset

__all__ = ["ORDER_LIMITS", "LimitSet", "ParameterSet", "Sizes", "clipped", "listing", "loosened"]

ORDER_LIMITS = ("max_shares", "max_notional")
"""Names of the limits on an order of any symbol, as the registers have them."""

USED_PLACE = 1 << WORD_BITS - 1
WORD_MASK = (1 << WORD_BITS) - 1
EPOCHS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many rows the memories of a card have."""

    symbols: int
    pairs: int
    fanout: int  # places in the list of a symbol

    @classmethod
    def of(cls, preset: Preset) -> Self:
        """Return the sizes of a build."""
        return cls(symbols=preset.symbols, pairs=preset.pairs, fanout=preset.fanout)


@dataclass(frozen=True, kw_only=True)
class ParameterSet:
    """The parameters of all pairs, which also say what each symbol lists; ``epoch`` names it."""

    epoch: int
    pairs: tuple[PairSetup, ...]

    def words(self, sizes: Sizes) -> list[int]:
        """Return the words of the set in a card of these sizes.

        Raises SetupError: what does not fit, and where.
        """
        _fits("pairs", len(self.pairs), sizes.pairs)
        _fits("epoch", self.epoch, EPOCHS - 1)
        words: list[int] = []
        for pair in self.pairs:
            words += _row(StrategyRegs, PARAMETERS, [int(getattr(pair, n)) for n in PARAMETERS])
        empty = _row(StrategyRegs, PARAMETERS, [0] * len(PARAMETERS))
        words += empty * (sizes.pairs - len(self.pairs))
        for symbol, listed in enumerate(listing(self.pairs, sizes.symbols)):
            _fits(f"pairs that list symbol {symbol}", len(listed), sizes.fanout)
            words += [USED_PLACE | pair for pair in listed] + [0] * (sizes.fanout - len(listed))
        return [*words, self.epoch]

    def checksum(self, sizes: Sizes) -> int:
        """Return the checksum that a card of these sizes finds. Raises SetupError as `words`."""
        return _checksum(self.words(sizes))


@dataclass(frozen=True, kw_only=True)
class LimitSet:
    """The limits of all symbols and of an order of any of them; positions are not in it."""

    epoch: int
    symbols: tuple[SymbolSetup, ...]
    gate: GateSetup

    def words(self, sizes: Sizes) -> list[int]:
        """Return the words of the set in a card of these sizes.

        Raises SetupError: what does not fit, and where.
        """
        _fits("symbols", len(self.symbols), sizes.symbols)
        _fits("epoch", self.epoch, EPOCHS - 1)
        names = [f"symbol_{limit}" for limit in SYMBOL_LIMITS]
        words: list[int] = []
        for symbol in self.symbols:
            words += _row(RiskRegs, names, _limits_of(symbol))
        words += _row(RiskRegs, names, [0] * len(names)) * (sizes.symbols - len(self.symbols))
        return [*words, *_row(RiskRegs, ORDER_LIMITS, _limits_of_all(self.gate)), self.epoch]

    def checksum(self, sizes: Sizes) -> int:
        """Return the checksum that a card of these sizes finds. Raises SetupError as `words`."""
        return _checksum(self.words(sizes))


def clipped(block: type[Block], register: str, limit: int) -> int:
    """Return a limit as its register holds it: one beyond the register's width is its highest."""
    return min(limit, (1 << getattr(block, register).bits) - 1)


def listing(pairs: Sequence[PairSetup], symbols: int) -> list[list[int]]:
    """Return the pairs that each symbol lists, ascending: those of which it is a leg."""
    lists: list[list[int]] = [[] for _ in range(symbols)]
    for index, pair in enumerate(pairs):
        for leg in ("symbol_a", "symbol_b"):
            symbol = getattr(pair, leg)
            _fits(f"pair {pair.name}: {leg}", symbol, symbols - 1)
            lists[symbol].append(index)
    return lists


def loosened(old: LimitSet, new: LimitSet) -> list[tuple[str, str]]:
    """Return each limit that is higher in ``new`` than in ``old``: the symbol's name, the limit's.

    The name of the symbol is empty for a limit on all. A symbol has the limits of its place, as on
    the card; where ``old`` has no such place, they were 0.
    """
    found = [
        ("", name)
        for name, before, after in zip(
            ORDER_LIMITS, _limits_of_all(old.gate), _limits_of_all(new.gate), strict=True
        )
        if after > before
    ]
    for index, symbol in enumerate(new.symbols):
        before = _limits_of(old.symbols[index]) if index < len(old.symbols) else [0] * 4
        found += [
            (symbol.name, name)
            for name, least, limit in zip(SYMBOL_LIMITS, before, _limits_of(symbol), strict=True)
            if limit > least
        ]
    return found


def _limits_of(symbol: SymbolSetup) -> list[int]:
    return [clipped(RiskRegs, f"symbol_{limit}", getattr(symbol, limit)) for limit in SYMBOL_LIMITS]


def _limits_of_all(gate: GateSetup) -> list[int]:
    return [clipped(RiskRegs, limit, getattr(gate, limit)) for limit in ORDER_LIMITS]


def _row(block: type[Block], names: Sequence[str], values: Sequence[int]) -> list[int]:
    """Return the words of registers that hold these values, in two's complement below 0."""
    return [
        word
        for name, value in zip(names, values, strict=True)
        for word in _words(getattr(block, name), value)
    ]


def _words(register: Register, value: int) -> Iterator[int]:
    held = value % (1 << register.bits)
    for word in range(register.words):
        yield held >> word * WORD_BITS & WORD_MASK


def _checksum(words: Sequence[int]) -> int:
    return zlib.crc32(struct.pack(f"<{len(words)}I", *words))


def _fits(what: str, found: int, most: int) -> None:
    if not 0 <= found <= most:
        raise SetupError(f"set: {what}: found {found}, expected 0 to {most}")
