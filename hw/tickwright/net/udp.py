"""UDP datagrams as they arrive: the checks of all layers, beside the words they are about."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.parser import fields
from tickwright.core.streams import Word
from tickwright.net.headers import Ipv4, Udp
from tickwright.net.ipv4 import Ipv4Check
from tickwright.net.mac import PACKET_BYTES, Arrival, FrameHead

__all__ = ["DatagramFaults", "UdpCheck", "UdpReceiver"]


class DatagramFaults(data.Struct):
    """Why a frame carries no datagram of the two lines, in the order in which it is judged."""

    not_ipv4:     unsigned(1)
    ip_options:   unsigned(1)
    bad_checksum: unsigned(1)
    fragments:    unsigned(1)
    not_udp:      unsigned(1)
    other_line:   unsigned(1)
    runts:        unsigned(1)


class UdpCheck(wiring.Component):
    """Finds the line that a datagram belongs to.

    Where both lines have the same address and port, it is line A.

    Latency: 2 cycles. Throughput: 1 header per cycle.

    Members
    -------
    packet : ``In(8 * PACKET_BYTES)``
        IPv4 and UDP header, the first byte lowest.
    line_a_destination, line_a_port, line_b_destination, line_b_port : ``In(32)``, ``In(16)``
        What the datagrams of each line are sent to.
    min_length : ``In(16)``
        Smallest length of a datagram.
    line : ``Out(1)``
        0 is A, 1 is B.
    other_line : ``Out(1)``
        The datagram belongs to neither.
    length : ``Out(16)``
        Length of the datagram with its header, in bytes.
    runts : ``Out(1)``
        The length is too small.
    """

    packet:             In(8 * PACKET_BYTES)
    line_a_destination: In(32)
    line_a_port:        In(16)
    line_b_destination: In(32)
    line_b_port:        In(16)
    min_length:         In(16)
    line:               Out(1)
    other_line:         Out(1)
    length:             Out(16)
    runts:              Out(1)

    def elaborate(self, platform):
        m = Module()

        ip, udp = fields(Ipv4, self.packet), fields(Udp, self.packet, at=Ipv4.size)
        address = Signal(2)
        port = Signal(2)
        length = Signal(16)
        m.d.sync += [
            address.eq(Cat(ip.destination == self.line_a_destination,
                           ip.destination == self.line_b_destination)),
            port.eq(Cat(udp.destination_port == self.line_a_port,
                        udp.destination_port == self.line_b_port)),
            length.eq(udp.length),
            self.line.eq(~(address[0] & port[0])),
            self.other_line.eq(~(address & port).any()),
            self.length.eq(length),
            self.runts.eq(length < self.min_length),
        ]

        return m


class UdpReceiver(wiring.Component):
    """Passes words on and judges the headers of their frame meanwhile. ::

        arriving ──▶ head ──▶ words ─ ─ ─ ▶ (the payload is read as it passes)
                      └─packet─▶ IPv4, UDP ──▶ wrong, line, length

    Latency: 1 cycle to ``words``, ``index`` and ``arrival``; 2 cycles to ``tagged``; 4 cycles from
    the word that completes a header to what is said of it. Throughput: 1 word per cycle.

    Members
    -------
    arriving, now_ns, enable, words, index, arrival, tagged
        As in `FrameHead`.
    line_a_destination, line_a_port, line_b_destination, line_b_port, min_length, line, length
        As in `UdpCheck`.
    wrong : ``Out(DatagramFaults)``
        What is wrong with the headers.
    """

    arriving:           In(stream.Signature(Word, always_ready=True))
    now_ns:             In(64)
    enable:             In(1)
    words:              Out(stream.Signature(Word, always_ready=True))
    index:              Out(4)
    arrival:            Out(Arrival)
    tagged:             Out(1)
    line_a_destination: In(32)
    line_a_port:        In(16)
    line_b_destination: In(32)
    line_b_port:        In(16)
    min_length:         In(16)
    line:               Out(1)
    length:             Out(16)
    wrong:              Out(DatagramFaults)

    def elaborate(self, platform):
        m = Module()

        m.submodules.head = head = FrameHead()
        m.submodules.ipv4 = ipv4 = Ipv4Check()
        m.submodules.udp  = udp  = UdpCheck()

        connect(m, flipped(self.arriving), head.arriving)
        connect(m, head.words, flipped(self.words))
        m.d.comb += [
            head.now_ns.eq(self.now_ns),
            head.enable.eq(self.enable),
            self.index.eq(head.index),
            self.arrival.eq(head.arrival),
            self.tagged.eq(head.tagged),
            ipv4.header.eq(head.packet),
            udp.packet.eq(head.packet),
            udp.line_a_destination.eq(self.line_a_destination),
            udp.line_a_port.eq(self.line_a_port),
            udp.line_b_destination.eq(self.line_b_destination),
            udp.line_b_port.eq(self.line_b_port),
            udp.min_length.eq(self.min_length),
            self.line.eq(udp.line),
            self.length.eq(udp.length),
        ]
        for name, source in (("not_ipv4", head), ("ip_options", ipv4), ("bad_checksum", ipv4),
                             ("fragments", ipv4), ("not_udp", ipv4), ("other_line", udp),
                             ("runts", udp)):
            m.d.comb += getattr(self.wrong, name).eq(getattr(source, name))

        return m
