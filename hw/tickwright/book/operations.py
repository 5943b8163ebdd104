"""What flows inside the book: operations, and what becomes of them on their way to a quote.

An operation is an event as the book carries it out. The types after it are the operation with what
each component has found out about it.
"""

from amaranth import *
from amaranth.lib import data, enum

from tickwright.feed.reasons import REASONS
from tickwright.feed.types import Cause, Side

__all__ = [
    "SHARES_BITS", "TICK_BITS", "Change", "Effect", "Operation", "OperationKind", "Place",
    "Setting", "Touch",
]

TICK_BITS = 25
SHARES_BITS = 32


class OperationKind(enum.Enum, shape=3):
    """What an operation does."""

    ADD = 0      # a new order
    REDUCE = 1   # an order executed or cancelled, in part or whole
    DELETE = 2   # an order taken away
    REPLACE = 3  # a DELETE and an ADD; never seen behind the pacer, which makes them of it
    STATUS = 4   # a symbol's trading status
    TRUST = 5    # reasons set on one symbol
    TAINT = 6    # reasons set on all symbols


class Place(enum.Enum, shape=2):
    """Where a tick lies with respect to the window of its symbol."""

    INSIDE = 0
    BELOW = 1
    ABOVE = 2


def Operation(symbols: int) -> data.StructLayout:
    """One step of the book's work."""
    return data.StructLayout({
        "kind":   OperationKind,
        "half":   1,  # a DELETE or an ADD that is half of a replace
        "symbol": range(symbols),
        "detail": data.UnionLayout({
            "order": data.StructLayout({
                "reference":     64,
                "new_reference": 64,           # REPLACE only
                "side":          Side,         # ADD only, and not of a half: that has the old side
                "shares":        SHARES_BITS,  # added, or taken off
                "price":         32,           # 1/10000 dollar
            }),
            "status": 8,  # ASCII
            "trust": data.StructLayout({
                "reasons": len(REASONS),
                "first":   64,
                "last":    64,
            }),
        }),
        "cause":  Cause,
    })


def Setting(symbols: int) -> data.StructLayout:
    """What the host says of a symbol."""
    return data.StructLayout({
        "symbol":    range(symbols),
        "base_tick": TICK_BITS,  # lowest tick of the window
        "cent_tick": 1,          # a tick is 100/10000 dollar, else 1/10000
        "status":    8,          # ASCII trading status until the first status event
    })


def Effect(symbols: int) -> data.StructLayout:
    """What an operation does to the levels and to trust.

    ``side``, ``tick`` and ``place`` are those of the order that joins, shrinks or leaves.
    """
    return data.StructLayout({
        "operation": Operation(symbols),
        "side":      Side,
        "tick":      TICK_BITS,
        "place":     Place,
        "joins":     1,
        "shrinks":   1,               # by ``shares``
        "leaves":    1,               # shrinks to nothing
        "shares":    SHARES_BITS,
        "base_tick": TICK_BITS,
        "cent_tick": 1,
        "reasons":   len(REASONS),    # to be set on the symbol; of a TAINT, on all
        "mismatch":  1,               # the other symbol gets reason `mismatch` too
        "other":     range(symbols),
    })


def Change(symbols: int) -> data.StructLayout:
    """An effect that the levels have taken, and how they stand after it."""
    return data.StructLayout({
        "effect":   Effect(symbols),
        "appeared": 1,  # the level was empty before
        "vanished": 1,  # the level is empty now
        "better":   1,  # an order of the side lies outside the window on the better side
        "worse":    1,
    })


def Touch(symbols: int, window: int) -> data.StructLayout:
    """A change, and the best level of its side within the window."""
    return data.StructLayout({
        "change": Change(symbols),
        "found":  1,  # the side has a level in the window
        "level":  range(window),
    })
