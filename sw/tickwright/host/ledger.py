"""What the card says of what is held: a symbol at a time, a pair at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tickwright.core.regs import Register
from tickwright.host.card import SETTLING_READS, Card
from tickwright.risk.regs import RiskRegs
from tickwright.strategy.regs import StrategyRegs

__all__ = ["PHASES", "Account", "PairState", "read_account", "read_pair"]

PHASES = ("flat", "pending", "holding")
POSITIONS = 1 << RiskRegs.position.bits - 1  # more shares than a position can have
OF_ACCOUNT = (
    *[RiskRegs.position] * SETTLING_READS,
    RiskRegs.worst_long,
    RiskRegs.worst_short,
)
OF_PAIR = (
    *[StrategyRegs.phase] * SETTLING_READS,
    StrategyRegs.held_a,
    StrategyRegs.held_b,
    StrategyRegs.stopped,
)


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
    risk = card.risk
    risk.symbol = symbol
    found = risk.read_registers(OF_ACCOUNT)
    return Account(
        position=_signed(RiskRegs.position, found["position"]),
        worst_long=_worst(risk, RiskRegs.worst_long, found),
        worst_short=_worst(risk, RiskRegs.worst_short, found),
    )


def read_pair(card: Card, pair: int) -> PairState:
    """Read the state of a pair."""
    strategy = card.strategy
    strategy.pair = pair
    found = strategy.read_registers(OF_PAIR)
    phase = found["phase"]
    return PairState(
        phase=PHASES[phase] if phase < len(PHASES) else f"unknown ({phase})",
        held_a=_signed(StrategyRegs.held_a, found["held_a"]),
        held_b=_signed(StrategyRegs.held_b, found["held_b"]),
        stopped=bool(found["stopped"]),
    )


def _worst(risk: RiskRegs, register: Register, found: Mapping[str, int]) -> int:
    """Return a worst case; one that no position can have was read while its sign changed twice."""
    worst = _signed(register, found[register.name])
    if abs(worst) < POSITIONS:
        return worst
    return _signed(register, risk.read_registers((register,))[register.name])


def _signed(register: Register, value: int) -> int:
    """Return what a register says in two's complement."""
    return value - (1 << register.bits) if value >> register.bits - 1 else value
