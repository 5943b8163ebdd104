"""Counters of what came."""

from amaranth import *

__all__ = ["count"]


def count(m: Module, counter: Signal, event):
    """Add 1 to ``counter`` in each cycle in which ``event`` is true; it stops at its maximum."""
    with m.If(event & ~counter.all()):
        m.d.sync += counter.eq(counter + 1)
