"""What the gate produces."""

from amaranth import *
from amaranth.lib import data, enum

from tickwright.feed.types import Cause, Side
from tickwright.strategy.types import LEGS, SHARES_BITS

__all__ = ["GateState", "Order", "OrderKind", "Verdict"]


class GateState(enum.Enum, shape=2):
    """How much the gate lets through."""

    KILLED = 0
    CLOSE_ONLY = 1
    ARMED = 2


class OrderKind(enum.Enum, shape=2):
    """What the message to the venue asks for."""

    ENTER = 0
    REPLACE = 1
    CANCEL = 2
    MASS = 3


class Verdict(data.Struct):
    """The gate's word on an intent, with all that the card decided by cycles."""

    id:                unsigned(32)
    passed:            unsigned(1)
    checks:            unsigned(64)  # bits of the checks that failed
    quotes_seen:       unsigned(32)  # quotes and trust records taken before the judgement
    responses_applied: unsigned(32)  # responses taken by the ledger before the judgement
    state:             GateState
    feed_ok:           unsigned(1)
    session_ok:        unsigned(1)


def Order(symbols: int) -> data.StructLayout:
    """An order that passed the gate."""
    return data.StructLayout({
        "session":   3,
        "kind":      OrderKind,
        "user_ref":  32,
        "intent_id": 32,
        "leg":       range(LEGS),
        "symbol":    range(symbols),
        "side":      Side,
        "short":     1,  # a short sale
        "shares":    SHARES_BITS,
        "price":     32,  # 1/10000 dollar
        "cause":     Cause,
    })
