"""Which frames are taken."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.counters import count
from tickwright.net.headers import Ethernet, Ipv4, Udp, VlanTag
from tickwright.net.mac import Arrival
from tickwright.net.udp import DatagramFaults

__all__ = ["Admission"]


class Admission(wiring.Component):
    """Takes the frames with which nothing is wrong, and counts the others by the first reason.

    A frame is judged once: when its MoldUDP64 header is complete, or else when it ends. One that
    ends within its headers is a runt, unless a header that it holds as a whole speaks against it
    already; its Ethernet, IPv4 and UDP headers are judged one by one.

    Latency: 0 cycles for a frame whose header is complete, 2 cycles for one that ended before.

    Members
    -------
    header : ``In(1)``
        For a cycle: the MoldUDP64 header of a frame is complete.
    short, size : ``In(1)``, ``In(8)``
        For a cycle: a frame ended before that, and how many bytes it had.
    origin : ``In(Arrival)``
        When that frame came.
    tagged : ``In(1)``
        It carries a tag; known a cycle after ``short``.
    wrong : ``In(DatagramFaults)``
        What is wrong with it; known with ``header``, two cycles after ``short``.
    accepted : ``Out(1)``
        The frame whose header is complete is taken.
    ignored, not_ipv4, ip_options, bad_checksum, fragments, not_udp, other_line, runts : ``Out(32)``
        Frames not taken, by reason.
    """

    header:       In(1)
    short:        In(1)
    size:         In(8)
    origin:       In(Arrival)
    tagged:       In(1)
    wrong:        In(DatagramFaults)
    accepted:     Out(1)
    ignored:      Out(32)
    not_ipv4:     Out(32)
    ip_options:   Out(32)
    bad_checksum: Out(32)
    fragments:    Out(32)
    not_udp:      Out(32)
    other_line:   Out(32)
    runts:        Out(32)

    def elaborate(self, platform):
        m = Module()

        ended, size = Signal(2), Signal(8)
        enabled = Signal(2)
        whole = Signal(3)  # the Ethernet, IPv4, UDP header of a short frame is complete
        end_of = [Ethernet.size, Ethernet.size + Ipv4.size, Ethernet.size + Ipv4.size + Udp.size]
        bare = size - Mux(self.tagged, VlanTag.size, 0)
        m.d.sync += [
            ended.eq(Cat(self.short, ended)),
            enabled.eq(Cat(self.origin.enabled, enabled)),
            size.eq(self.size),
            whole.eq(Cat(bare >= end for end in end_of)),
        ]

        wrong = self.wrong
        judged = [  # counter, fails, failing needs this header
            (self.ignored,      Mux(self.header, ~self.origin.enabled, ~enabled[1]), None),
            (self.not_ipv4,     wrong.not_ipv4,     0),
            (self.ip_options,   wrong.ip_options,   1),
            (self.bad_checksum, wrong.bad_checksum, 1),
            (self.fragments,    wrong.fragments,    1),
            (self.not_udp,      wrong.not_udp,      1),
            (self.other_line,   wrong.other_line,   2),
            (self.runts,        wrong.runts | ~self.header, None),
        ]
        failed = Signal(len(judged))
        for index, (counter, fails, layer) in enumerate(judged):
            known = 1 if layer is None else self.header | whole[layer]
            m.d.comb += failed[index].eq(fails & known)
            first = failed[index] & ~failed[:index].any()
            count(m, counter, (self.header | ended[1]) & first)

        m.d.comb += self.accepted.eq(self.header & ~failed.any())

        return m
