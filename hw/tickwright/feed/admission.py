"""Which frames are taken."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.net.headers import Ethernet, Ipv4, Udp, VlanTag
from tickwright.net.mac import Arrival
from tickwright.net.udp import DatagramFaults

__all__ = ["Admission"]


def _end(message, name: str) -> int:
    field = message.field(name)
    return field.offset + field.size


IP = Ethernet.size
NEEDED = (
    IP,
    IP + _end(Ipv4, "version_ihl"),
    IP + Ipv4.size,
    IP + _end(Ipv4, "flags_fragment"),
    IP + _end(Ipv4, "protocol"),
    IP + Ipv4.size + _end(Udp, "destination_port"),
)
"""Bytes, without the tag, that a frame must have for each check from `not_ipv4` to `other_line`."""


class Admission(wiring.Component):
    """Takes the frames with which nothing is wrong, and tells the first reason against each other.

    A frame is judged once: when its MoldUDP64 header is complete, or else when it ends. One that
    ends within its headers is a runt, unless bytes that it has speak against it already, or it has
    no EtherType.

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
    ignored, not_ipv4, ip_options, bad_checksum, fragments, not_udp, other_line, runts : ``Out(1)``
        For a cycle: a frame is not taken for this reason.
    """

    header:       In(1)
    short:        In(1)
    size:         In(8)
    origin:       In(Arrival)
    tagged:       In(1)
    wrong:        In(DatagramFaults)
    accepted:     Out(1)
    ignored:      Out(1)
    not_ipv4:     Out(1)
    ip_options:   Out(1)
    bad_checksum: Out(1)
    fragments:    Out(1)
    not_udp:      Out(1)
    other_line:   Out(1)
    runts:        Out(1)

    def elaborate(self, platform):
        m = Module()

        wrong, whole = self.wrong, self.header
        ended, enabled = Signal(2), Signal(2)
        size, has = Signal(8), Signal(len(NEEDED))
        bare = size - Mux(self.tagged, VlanTag.size, 0)
        m.d.sync += [
            ended.eq(Cat(self.short, ended)),
            enabled.eq(Cat(self.origin.enabled, enabled)),
            size.eq(self.size),
            has.eq(Cat(bare >= needed for needed in NEEDED)),
        ]

        judged = (
            (self.ignored,      ~Mux(whole, self.origin.enabled, enabled[1])),
            (self.not_ipv4,     wrong.not_ipv4 | ~(whole | has[0])),
            (self.ip_options,   wrong.ip_options & (whole | has[1])),
            (self.bad_checksum, wrong.bad_checksum & (whole | has[2])),
            (self.fragments,    wrong.fragments & (whole | has[3])),
            (self.not_udp,      wrong.not_udp & (whole | has[4])),
            (self.other_line,   wrong.other_line & (whole | has[5])),
            (self.runts,        wrong.runts | ~whole),
        )
        failed = Signal(len(judged))
        for index, (reason, fails) in enumerate(judged):
            first = failed[index] & ~failed[:index].any()
            m.d.comb += failed[index].eq(fails), reason.eq((whole | ended[1]) & first)
        m.d.comb += self.accepted.eq(self.header & ~failed.any())

        return m
