"""IPv4 headers as they arrive."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import big_endian, fields
from tickwright.net.headers import PROTOCOL_UDP, Ipv4

__all__ = ["Ipv4Check"]

VERSION_IHL = 0x45  # version 4, a header of 5 words of 4 bytes
FRAGMENT_MASK = 0x3FFF  # more fragments follow, or offset of this one


class Ipv4Check(wiring.Component):
    """Finds what is wrong with an IPv4 header that should carry a UDP datagram.

    Latency: 2 cycles. Throughput: 1 header per cycle.

    Members
    -------
    header : ``In(8 * Ipv4.size)``
        The first 20 bytes of a packet, its first byte lowest.
    ip_options : ``Out(1)``
        It is not version 4 with a header of 20 bytes.
    bad_checksum : ``Out(1)``
        The sum over those 20 bytes is not 0xFFFF (RFC 1071).
    fragments : ``Out(1)``
        It is part of a fragmented packet.
    not_udp : ``Out(1)``
        It carries another protocol.
    """

    header:       In(8 * Ipv4.size)
    ip_options:   Out(1)
    bad_checksum: Out(1)
    fragments:    Out(1)
    not_udp:      Out(1)

    def elaborate(self, platform):
        m = Module()

        ip = fields(Ipv4, self.header)
        found = Signal(3)
        m.d.sync += found.eq(Cat(
            ip.version_ihl != VERSION_IHL,
            (ip.flags_fragment & FRAGMENT_MASK) != 0,
            ip.protocol != PROTOCOL_UDP,
        ))
        m.d.sync += Cat(self.ip_options, self.fragments, self.not_udp).eq(found)

        halves = [big_endian(self.header[at : at + 16]) for at in range(0, 8 * Ipv4.size, 16)]
        sums = Signal(19), Signal(19)
        total = Signal(20)
        m.d.sync += sums[0].eq(sum(halves[:5]))
        m.d.sync += sums[1].eq(sum(halves[5:]))
        m.d.comb += total.eq(sums[0] + sums[1])
        m.d.sync += self.bad_checksum.eq(total[:16] + total[16:] != 0xFFFF)

        return m
