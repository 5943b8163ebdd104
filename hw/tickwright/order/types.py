"""What the order stage hears from the venue."""

from amaranth import *
from amaranth.lib import data, enum

__all__ = ["Response", "ResponseKind"]


class ResponseKind(enum.Enum, shape=3):
    """What the venue says of an order."""

    ACCEPTED = 0
    DEAD = 1       # accepted, but already dead: as canceled with all that remains
    EXECUTED = 2
    CANCELED = 3
    REJECTED = 4   # as canceled with all that remains
    UNHANDLED = 5  # a kind that changes an order and is not handled: a ledger fault


class Response(data.Struct):
    """One OUCH message from the venue about one of our orders."""

    session:  unsigned(3)
    kind:     ResponseKind
    user_ref: unsigned(32)
    shares:   unsigned(32)  # executed, or taken off by a cancel
    price:    unsigned(32)  # of an execution, 1/10000 dollar
    match:    unsigned(64)  # of an execution
    card_ns:  unsigned(64)  # card time when the segment ended
