"""What the book stage produces."""

from amaranth import *
from amaranth.lib import data

from tickwright.feed.reasons import REASONS
from tickwright.feed.types import Cause

__all__ = ["Capacity", "Overflow", "Quote"]


def Quote(symbols: int) -> data.StructLayout:
    """The best prices of a symbol, after the event named by the cause."""
    return data.StructLayout({
        "symbol":     range(symbols),
        "bid":        32,  # 1/10000 dollar; 0 when the side is empty or hidden
        "bid_shares": 32,
        "ask":        32,
        "ask_shares": 32,
        "status":     8,   # ASCII trading status, 0 before the first
        "trusted":    1,
        "reasons":    len(REASONS),
        "crossed":    1,
        "locked":     1,
        "cause":      Cause,
    })


class Overflow(data.Struct):
    """An event that met a full queue and was dropped."""

    sequence: unsigned(64)
    marked:   unsigned(1)  # a Trust record takes its place; else it shares that of one before it


class Capacity(data.Struct):
    """An order that found no free way in the order table and was not kept."""

    sequence: unsigned(64)
