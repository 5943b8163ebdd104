"""The desk of most sessions made by hand: two symbols, and the pair that trades them.

Ticks are 1/10000 dollar, the hedge is 1, there is no mean. With A quoted 1000 to 1002 and B 990 to
992 the spread is 20 (in units of 2^16), and the pair sells 100 A at 997 and buys 200 B at 996.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from oracle.session import FEED, ORDER_SESSION, PRESET
from oracle.tape import Tape
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup

__all__ = [
    "BY_DIRECTORY",
    "OTHER",
    "PAIR",
    "START_NS",
    "A",
    "B",
    "closing",
    "desk",
    "morning",
    "opening",
    "watched",
]

A, B, OTHER = 11, 12, 13  # locates
START_NS, STEP_NS = 34_200_000_000_000, 100_000
LIMITS = {"max_shares": 500, "max_notional": 1_000_000, "max_position": 1_000, "collar": 10}
GATE = GateSetup(max_shares=400, max_notional=900_000, state="armed")
PAIR = PairSetup(
    name="a-b",
    symbol_a=0,
    symbol_b=1,
    hedge=1 << 16,
    mean=0,
    entry_deviation=10 << 8,
    exit_deviation=2 << 8,
    stop_deviation=100 << 8,
    min_edge=0,
    shares_a=100,
    shares_b=200,
    max_spread_a=2,
    max_spread_b=2,
    aggression_a=3,
    aggression_b=4,
    retry_ns=1_000,
)


def watched(name: str, **changes: Any) -> SymbolSetup:
    """Return a symbol that trades, with limits."""
    symbol = SymbolSetup(name=name, base_tick=900, cent_tick=False, status=ord("T"), **LIMITS)
    return replace(symbol, **changes)


def desk(
    *symbols: SymbolSetup,
    pairs: tuple[PairSetup, ...] = (PAIR,),
    gate: dict[str, Any] | None = None,
    feed: dict[str, Any] | None = None,
    session: dict[str, Any] | None = None,
) -> CardSetup:
    """Return an armed desk; the dictionaries say what differs."""
    return CardSetup(
        window=PRESET.window,
        slots=PRESET.slots,
        hold=PRESET.hold,
        symbols=symbols,
        pairs=pairs,
        gate=replace(GATE, **(gate or {})),
        feed=replace(FEED, **(feed or {})),
        session=replace(ORDER_SESSION, **(session or {})),
    )


def morning() -> Tape:
    """Return an empty tape that begins when trading does."""
    return Tape(now_ns=START_NS, step_ns=STEP_NS)


BY_DIRECTORY = desk(watched("A"), watched("B"), watched("C", base_tick=10, cent_tick=True))
"""A desk that learns its locates from the feed; the third symbol is in no pair."""


def opening() -> Tape:
    """Return a tape that maps the symbols and shows all prices but B's ask."""
    tape = morning()
    for locate, name in ((A, "A"), (B, "B"), (OTHER, "C")):
        tape.directory(locate, name)
    tape.add(A, 1, "B", 500, 1_000)
    tape.add(A, 2, "S", 500, 1_002)
    tape.add(B, 3, "B", 500, 990)
    tape.add(OTHER, 4, "B", 500, 2_000)
    return tape


def closing(tape: Tape) -> None:
    """Show B's ask: everything is there for the pair to enter."""
    tape.add(B, 5, "S", 500, 992)
