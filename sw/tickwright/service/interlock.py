"""A kill is never undone by what was asked for before it.

The kill has its own thread and its own way to the card, so it may come while another thread is
about to arm, or to confirm positions. That thread does so only through here: either the kill is
seen, and nothing is armed or confirmed; or that has reached the card when the kill is written.
Where the card keeps it waiting too long, the kill goes ahead, and is written once more behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tickwright.bus.way import Way
from tickwright.host.card import CardError, lower
from tickwright.risk.checks import STATES
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import base

__all__ = ["Interlock"]

ARM, CONFIRM, COMMIT = (
    base("risk") + register.offset
    for register in (RiskRegs.arm, RiskRegs.positions_confirmed, RiskRegs.commit)
)
PATIENCE_S = 0.05  # for an access that is under way


class Interlock:
    """Stands between a thread that arms and one that kills."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._seen = 0
        self.kills = 0  # that were asked for

    @contextmanager
    def killing(self) -> Iterator[None]:
        """Kill within this; what was accepted before it arms nothing from now on."""
        self.count()
        held = self._lock.acquire(timeout=PATIENCE_S)
        try:
            yield
        finally:
            if held:
                self._lock.release()

    def count(self) -> None:
        """Let nothing be armed by what was accepted before now."""
        with self._counting:
            self.kills += 1

    def begin(self, kills: int) -> None:
        """Carry out a request that was accepted when there had been so many ``kills``."""
        self._seen = kills

    def guarded(self, way: Way) -> Way:
        """Return the way by which the thread that arms and confirms reaches the card."""
        return _Guarded(self, way)

    def write(self, way: Way, addr: int, value: int) -> None:
        """Write what arms or confirms. Raises CardError where a kill came before."""
        with self._lock:
            if self.kills != self._seen:
                raise CardError("found a kill since it was asked for, expected none")
            risk = RiskRegs(way, base("risk"))
            way.write(addr, value)
            _ = risk.state  # the write has arrived
            if self.kills != self._seen:
                lower(risk, "kill", STATES[:1])
                raise CardError("found a kill meanwhile, expected none")


class _Guarded(Way):
    def __init__(self, interlock: Interlock, way: Way) -> None:
        self._interlock = interlock
        self._way = way
        self._confirms = False  # a commit would

    def read(self, addr: int) -> int:
        return self._way.read(addr)

    def read_words(self, addrs: Sequence[int]) -> list[int]:
        return self._way.read_words(addrs)

    def write(self, addr: int, value: int) -> None:
        if addr == CONFIRM:
            self._confirms = bool(value)
        if addr == ARM or (addr == COMMIT and self._confirms):
            self._interlock.write(self._way, addr, value)
        else:
            self._way.write(addr, value)

    def close(self) -> None:
        self._way.close()
