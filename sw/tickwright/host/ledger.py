"""What the card says of what is held: a symbol at a time, a pair at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tickwright.core.regs import Register
from tickwright.host.card import Card
from tickwright.risk.regs import RiskRegs
from tickwright.strategy.regs import StrategyRegs

__all__ = ["PHASES", "Account", "PairState", "read_account", "read_pair"]

PHASES = ("flat", "pending", "holding")
POSITIONS = 1 << RiskRegs.position.bits - 1  # more shares than a position can have
READS = 4  # a bus may read before its own write of the index has taken effect


@dataclass(frozen=True)
class Account:
    """A symbol in the gate's ledger, in shares.

    The worst cases are what the position would be, long or short, were all open orders of that
    side filled.
    """

    position: int
    worst_long: int
    worst_short: int


@dataclass(frozen=True)
class PairState:
    """A pair as the strategy has it; shares, short below 0."""

    phase: str
    held_a: int
    held_b: int
    stopped: bool


def read_account(card: Card, symbol: int) -> Account:
    """Read a symbol of the ledger. The three numbers are not of one cycle while orders are open."""
    position = card.position(symbol)
    risk = card.risk
    return Account(
        position=position,
        worst_long=_worst(RiskRegs.worst_long, lambda: risk.worst_long),
        worst_short=_worst(RiskRegs.worst_short, lambda: risk.worst_short),
    )


def read_pair(card: Card, pair: int) -> PairState:
    """Read the state of a pair."""
    strategy = card.strategy
    strategy.pair = pair
    phase = [strategy.phase for _ in range(READS)][-1]
    return PairState(
        phase=PHASES[phase] if phase < len(PHASES) else f"unknown ({phase})",
        held_a=_signed(StrategyRegs.held_a, strategy.held_a),
        held_b=_signed(StrategyRegs.held_b, strategy.held_b),
        stopped=bool(strategy.stopped),
    )


def _worst(register: Register, read: Callable[[], int]) -> int:
    """Return a worst case; one that no position can have was read while its sign changed twice."""
    found = _signed(register, read())
    return found if abs(found) < POSITIONS else _signed(register, read())


def _signed(register: Register, value: int) -> int:
    """Return what a register says in two's complement."""
    return value - (1 << register.bits) if value >> register.bits - 1 else value
