"""Counts that the host reads."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Counters"]


class Counters(wiring.Component):
    """Counts events since reset; each count stops at its maximum rather than wrapping.

    Latency: 1 cycle. Throughput: 1 event of each kind per cycle.

    Members
    -------
    count : ``In({*name*: 1})``
        1 in a cycle with an event of that kind.
    *name* : ``Out(32)``
        Events of that kind.
    """

    def __init__(self, *names: str):
        self._names = names
        super().__init__({
            "count": In(wiring.Signature({name: Out(1) for name in names})),
            **{name: Out(32) for name in names},
        })

    def elaborate(self, platform):
        m = Module()

        for name in self._names:
            counted = getattr(self, name)
            with m.If(getattr(self.count, name) & ~counted.all()):
                m.d.sync += counted.eq(counted + 1)

        return m
