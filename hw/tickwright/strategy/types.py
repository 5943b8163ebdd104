"""What a strategy produces, and what it is told of it."""

from amaranth import *
from amaranth.lib import data, enum

from tickwright.feed.types import Cause, Side

__all__ = [
    "LEGS", "SHARES_BITS", "Applied", "Coalesced", "Control", "Intent", "IntentKind", "Leg",
    "Outcome",
]

LEGS = 2
SHARES_BITS = 24  # shares of one order, of one pair's position (with a sign: one more)


class IntentKind(enum.Enum, shape=3):
    """Why the strategy wishes to trade."""

    ENTER_SHORT = 0  # sell A, buy B
    ENTER_LONG = 1   # buy A, sell B
    EXIT = 2         # the spread came back
    STOP = 3         # the spread went too far
    UNBALANCED = 4   # one leg is held without the other


def Leg(symbols: int) -> data.StructLayout:
    """One order of an intent; immediate or cancel."""
    return data.StructLayout({
        "valid":  1,
        "symbol": range(symbols),
        "side":   Side,
        "shares": SHARES_BITS,
        "price":  33,  # 1/10000 dollar; one bit more than a price: the limit may lie above it
    })


def Intent(symbols: int, pairs: int) -> data.StructLayout:
    """What a pair wishes to trade: both legs pass the gate or none."""
    return data.StructLayout({
        "id":    32,  # counts from 1
        "pair":  range(pairs),
        "kind":  IntentKind,
        "legs":  data.ArrayLayout(Leg(symbols), LEGS),
        "epoch": 16,  # the host's parameter epoch
        "cause": Cause,
    })


def Outcome(pairs: int) -> data.StructLayout:
    """What became of an intent or of one of its orders, told to the strategy."""
    return data.StructLayout({
        "pair":    range(pairs),
        "refused": 1,            # the whole intent was refused; the fields below are 0
        "leg":     range(LEGS),
        "side":    Side,
        "filled":  SHARES_BITS,  # shares
        "done":    1,            # nothing of the order is open any more
    })


def Applied(pairs: int) -> data.StructLayout:
    """An outcome as it took effect, for the record."""
    return data.StructLayout({
        "outcome":     Outcome(pairs),
        "evaluations": 32,  # evaluations of pairs made before it took effect
    })


def Coalesced(fanout: int) -> data.StructLayout:
    """A quote that was kept without its evaluations, as too many waited, for the record."""
    return data.StructLayout({
        "cause":       Cause,
        "quotes":      32,                 # quotes that took effect before it, modulo 2^32
        "evaluations": range(fanout + 1),  # left out; at least 1
    })


class Control(data.Struct):
    """What the host put in force between two quotes, for the record."""

    quotes:   unsigned(32)  # quotes that took effect before it, modulo 2^32
    epoch:    unsigned(16)  # of the parameter set, from here on
    checksum: unsigned(32)
    flatten:  unsigned(1)
