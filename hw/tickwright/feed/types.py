"""What the feed stage produces: where a fact came from, and what it says of a symbol."""

from amaranth import *
from amaranth.lib import data, enum

from tickwright.feed.reasons import REASONS

__all__ = ["REASONS", "BookEvent", "BookOp", "Cause", "Reason", "Side", "StatusEvent", "Trust"]



class Side(enum.Enum, shape=1):
    """Side of the book an order rests on, or of the trade an order seeks."""

    BUY = 0
    SELL = 1


class BookOp(enum.Enum, shape=3):
    """What happens to an order."""

    ADD = 0
    EXECUTE = 1
    CANCEL = 2
    DELETE = 3
    REPLACE = 4


class Reason(enum.Flag, shape=len(REASONS)):
    """Why a symbol is not trusted; one bit each, as the table of reasons lists them."""

    locals().update({name.upper(): 1 << bit for bit, name in enumerate(REASONS)})


class Cause(data.Struct):
    """The message a fact came from; carried unchanged to the order's record."""

    sequence:       unsigned(64)  # MoldUDP64 sequence number
    feed_ns:        unsigned(64)  # the message's own timestamp, ns since midnight
    stamp:          unsigned(48)  # card time of the frame's first word, ns, modulo 2**48
    frame:          unsigned(16)  # frames received before this one, modulo 2**16
    line:           unsigned(2)   # 0 is A, 1 is B
    venue:          unsigned(4)
    last_in_packet: unsigned(1)


def BookEvent(symbols: int) -> data.StructLayout:
    """An event on an order of one of ``symbols`` watched symbols."""
    return data.StructLayout({
        "op":            BookOp,
        "symbol":        range(symbols),
        "reference":     64,
        "new_reference": 64,    # REPLACE only
        "side":          Side,  # ADD only
        "shares":        32,    # shares added, executed, cancelled, or of the new order
        "price":         32,    # ADD and REPLACE only; 1/10000 dollar
        "cause":         Cause,
    })


def StatusEvent(symbols: int) -> data.StructLayout:
    """A change of a symbol's trading status."""
    return data.StructLayout({
        "symbol": range(symbols),
        "status": 8,  # ASCII: H halted, P paused, Q quotation only, T trading
        "cause":  Cause,
    })


def Trust(symbols: int) -> data.StructLayout:
    """Reasons set on one symbol or on all, in its place among the events.

    ``cause.sequence`` is that of the message it precedes or comes with. ``first`` and ``last`` are
    the sequences lost where the reason is a gap, else 0.
    """
    return data.StructLayout({
        "all":     1,
        "symbol":  range(symbols),  # where not all
        "reasons": len(REASONS),
        "first":   64,
        "last":    64,
        "cause":   Cause,
    })
