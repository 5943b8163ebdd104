"""Whether the host is still there."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.risk.regs import RiskRegs

__all__ = ["Watchdog"]

NS_BITS = 64


class Watchdog(wiring.Component):
    """Runs out when no feed has come for a time; only a feed sets it going again.

    Card time is its clock. A feed in the cycle in which it runs out is too late. The time it
    waits is taken only while the gate is killed; one that is new asks for a feed of its own. After
    reset it has run out, and with a time of 0 it does not go again.

    Latency: 1 cycle from the moment, and from a feed, to ``expired``; a time is in force 1 cycle
    after it is given. Throughput: 1 feed per cycle.

    Members
    -------
    now_ns : ``In(64)``
        Card time; it never goes back.
    watchdog_ns : ``In(48)``
        How long it waits.
    killed : ``In(1)``
        The gate is killed in this cycle.
    feed_watchdog : ``In(1)``
        The host is there.
    expired : ``Out(1)``
        ``watchdog_ns`` or more have passed since the last feed.
    """

    now_ns:        In(NS_BITS)
    watchdog_ns:   In(RiskRegs.watchdog_ns.bits)
    killed:        In(1)
    feed_watchdog: In(1)
    expired:       Out(1, init=1)

    def elaborate(self, platform):
        m = Module()

        wait_ns = Signal.like(self.watchdog_ns)
        ends_ns = Signal(NS_BITS + 1)
        runs_out, is_new = Signal(), Signal()
        m.d.comb += [
            runs_out.eq(~self.expired & (self.now_ns >= ends_ns)),
            is_new.eq(self.killed & (self.watchdog_ns != wait_ns)),
        ]
        with m.If(is_new):
            m.d.sync += wait_ns.eq(self.watchdog_ns)
        with m.If(self.feed_watchdog):
            m.d.sync += ends_ns.eq(self.now_ns + wait_ns)
        with m.If(runs_out | is_new):
            m.d.sync += self.expired.eq(1)
        with m.Elif(self.feed_watchdog & (wait_ns != 0)):
            m.d.sync += self.expired.eq(0)

        return m
