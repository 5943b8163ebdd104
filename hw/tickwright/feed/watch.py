"""Whether the feed is good for trading."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.arbiter import WAIT_BITS

__all__ = ["FeedWatch"]


class FeedWatch(wiring.Component):
    """Says that the feed is heard, and that nothing is missing.

    Latency: 0 cycles from a gap, 2 cycles from card time and the last datagram.

    Members
    -------
    enabled : ``In(1)``
        Frames are taken.
    gap_open : ``In(1)``
        Messages are missing.
    now_ns : ``In(64)``
        Card time.
    heard, heard_ns : ``In(1)``, ``In(64)``
        A datagram of the session has come; card time of the last one.
    max_age_ns : ``In(48)``
        Longest time without one.
    feed_ok : ``Out(1)``
        All is well.
    """

    enabled:    In(1)
    gap_open:   In(1)
    now_ns:     In(64)
    heard:      In(1)
    heard_ns:   In(64)
    max_age_ns: In(WAIT_BITS)
    feed_ok:    Out(1)

    def elaborate(self, platform):
        m = Module()

        age_ns = Signal(64)
        some, fresh = Signal(), Signal()
        m.d.sync += [
            some.eq(self.heard),
            age_ns.eq(self.now_ns - self.heard_ns),
            fresh.eq(some & (age_ns <= self.max_age_ns)),
        ]
        m.d.comb += self.feed_ok.eq(self.enabled & fresh & ~self.gap_open)

        return m
