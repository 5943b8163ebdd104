"""The pairs' side of the card: parameters in two banks, lists, flatten, the states of pairs."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from fake_card.registers import Registers
from tickwright.core.regs import WORD_BITS
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.top.presets import Preset

__all__ = ["PairState", "Strategy"]

WIDTHS = {name: getattr(StrategyRegs, name).bits for name in PARAMETERS}
EMPTY = dict.fromkeys(PARAMETERS, 0)
MOST = {16: (1 << 16) - 1}


@dataclass
class PairState:
    """What the card knows of a pair beside its parameters."""

    phase: int = 0
    held_a: int = 0
    held_b: int = 0
    stopped: int = 0


@dataclass
class Bank:
    """One set of parameters."""

    rows: dict[int, dict[str, int]] = field(default_factory=dict)
    places: dict[tuple[int, int], int] = field(default_factory=dict)  # by symbol and place


class Strategy:
    """Holds two sets; a check takes ``check_accesses`` accesses of the bus, a clearing as many."""

    def __init__(self, preset: Preset, check_accesses: int) -> None:
        self._preset = preset
        self._wait = check_accesses
        self.regs = Registers(StrategyRegs)
        self.force, self.shadow = Bank(), Bank()
        self.states = [PairState() for _ in range(preset.pairs)]
        self._cleared = True
        self._clearing = self.checking = 0
        self._next = (0, 0)
        self.regs.strobes |= {
            "begin": self._begin,
            "load": self._load,
            "set_list": self._set_list,
            "commit": self._commit,
            "resume": self._resume,
        }
        self.regs.shown |= {
            "shadow_ready": lambda: int(self._cleared and not self._clearing),
            "committing": lambda: int(self.checking > 0),
            "flattening": lambda: self.regs["flatten"],
            "ready": lambda: 1,
            **{
                name: lambda name=name: getattr(self._state(), name)
                for name in ("phase", "held_a", "held_b", "stopped")
            },
        }

    def pass_access(self) -> None:
        """Let one access pass: checks and clearings go on."""
        if self._clearing:
            self._clearing -= 1
        if self.checking:
            self.checking -= 1
            if not self.checking:
                self._judge()

    def checksum(self, epoch: int) -> int:
        """Return the sum over the shadow, as docs/host.md has it."""
        words: list[int] = []
        for pair in range(self._preset.pairs):
            row = self.shadow.rows.get(pair, EMPTY)
            for name in PARAMETERS:
                words.append(row[name] & 0xFFFF_FFFF)
                if WIDTHS[name] > WORD_BITS:
                    words.append(row[name] >> WORD_BITS)
        for symbol in range(self._preset.symbols):
            for place in range(self._preset.fanout):
                pair = self.shadow.places.get((symbol, place))
                words.append(0 if pair is None else pair | 1 << 31)
        words.append(epoch)
        return zlib.crc32(struct.pack(f"<{len(words)}I", *words))

    def _state(self) -> PairState:
        pair = self.regs["pair"]
        return self.states[pair] if pair < len(self.states) else PairState()

    def _refuse(self, name: str = "refused_writes") -> None:
        self.regs[name] = min(self.regs[name] + 1, MOST[16])

    @property
    def _open(self) -> bool:
        return self._cleared and not self._clearing and not self.checking

    def _begin(self, value: int) -> None:
        if self.checking:
            self._refuse()
            return
        self.shadow, self._cleared, self._clearing = Bank(), True, self._wait

    def _load(self, value: int) -> None:
        row = {name: self.regs[name] for name in PARAMETERS}
        symbols = row["symbol_a"], row["symbol_b"]
        known = self.regs["pair"] < self._preset.pairs and max(symbols) < self._preset.symbols
        if not self._open or not known or (row["enabled"] and symbols[0] == symbols[1]):
            self._refuse()
            return
        self.shadow.rows[self.regs["pair"]] = row

    def _set_list(self, value: int) -> None:
        symbol, place = self.regs["list_symbol"], self.regs["list_position"]
        pair, used = self.regs["list_pair"], self.regs["list_valid"]
        sizes = self._preset
        known = symbol < sizes.symbols and place < sizes.fanout and pair < sizes.pairs
        if not self._open or not known:
            self._refuse()
        elif used:
            self.shadow.places[symbol, place] = pair
        else:
            self.shadow.places.pop((symbol, place), None)

    def _commit(self, value: int) -> None:
        if not self._open:
            self._refuse("refused_commits")
            return
        self._next = self.regs["epoch"], self.regs["checksum"]
        self.checking = self._wait
        if not self.checking:
            self._judge()

    def _judge(self) -> None:
        epoch, checksum = self._next
        if self.checksum(epoch) != checksum:
            self._refuse("refused_commits")
            return
        self.force, self.shadow = self.shadow, self.force
        self._cleared = False
        self.regs["active_epoch"], self.regs["active_checksum"] = epoch, checksum
        self.regs["commits"] += 1

    def _resume(self, value: int) -> None:
        self._state().stopped = 0
