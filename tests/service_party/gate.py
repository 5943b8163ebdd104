"""The few registers of a card that a kill needs, in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tickwright.bus.errors import BusError
from tickwright.bus.way import Way
from tickwright.risk.checks import STATES
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import IdentityRegs, base, fingerprint

__all__ = ["Gate", "GateWay"]

ARM, ARM_AS, FEED, KILL, STATE = (
    base("risk") + register.offset
    for register in (
        RiskRegs.arm,
        RiskRegs.arm_as,
        RiskRegs.feed_watchdog,
        RiskRegs.kill,
        RiskRegs.state,
    )
)
MAP_HASH, CYCLES = (
    base("identity") + register.offset for register in (IdentityRegs.map_hash, IdentityRegs.cycles)
)


class Gate:
    """A card that is killed and armed at once; each access takes it a cycle.

    ``before`` is called before each access with its kind and address; it may wait, or raise.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: dict[int, int] = {MAP_HASH: fingerprint(), STATE: 0}
        self.cycles = 0
        self.fed = 0
        self.opened = 0
        self.closed = 0
        self.history: list[str] = []  # states that were asked for, in order
        self.before: Callable[[str, int], None] = lambda kind, addr: None

    @property
    def state(self) -> str:
        return STATES[self._words[STATE]]

    def open(self) -> Way:
        """Return a way of one's own to this card."""
        self.opened += 1
        return GateWay(self)

    def read(self, addr: int) -> int:
        self.before("read", addr)
        with self._lock:
            self.cycles += 1
            return self.cycles if addr == CYCLES else self._words.get(addr, 0)

    def write(self, addr: int, value: int) -> None:
        self.before("write", addr)
        with self._lock:
            self.cycles += 1
            self._words[addr] = value
            self.fed += addr == FEED
            if addr in (ARM, KILL):
                self._words[STATE] = self._words.get(ARM_AS, 0) if addr == ARM else 0
                self.history.append(self.state)


class GateWay(Way):
    """One connection to the card."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._closed = False

    def read(self, addr: int) -> int:
        self._open()
        return self._gate.read(addr)

    def write(self, addr: int, value: int) -> None:
        self._open()
        self._gate.write(addr, value)

    def close(self) -> None:
        self._gate.closed += not self._closed
        self._closed = True

    def _open(self) -> None:
        if self._closed:
            raise BusError("gate: found the way closed, expected it open")
