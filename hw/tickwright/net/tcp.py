"""TCP segments of one connection in Ethernet frames: both ways, without options.

Sources: as in `tickwright.net.headers`.
"""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.encoder import message_bits
from tickwright.core.parser import fields
from tickwright.core.streams import WORD_BYTES, FrameEnd, Word
from tickwright.net.checksum import InternetSum, folded
from tickwright.net.datagram_sums import DatagramSums
from tickwright.net.headers import ETHERTYPE_IPV4, PROTOCOL_TCP, Ethernet, Ipv4, PseudoHeader, Tcp

__all__ = [
    "CHECKSUM_CYCLES", "HEADERS_BYTES", "Endpoints", "Segment", "SegmentReceiver", "SegmentSender",
    "TcpFlags",
]

HEADERS_BYTES = Ethernet.size + Ipv4.size + Tcp.size
DONT_FRAGMENT = 0x4000
FRAGMENT_MASK = 0xBFFF  # all of flags and offset but "do not fragment"
IPV4_NO_OPTIONS = 0x45
TTL = 64
PSH_ACK = 0x18
ACK_OR_RST = 0x14
CHECKSUM_CYCLES = 5
"""Cycles from `SegmentSender.send` until the sum of the payload is needed."""


class Endpoints(data.Struct):
    """Who talks to whom."""

    local_mac:     unsigned(48)  # the first byte on the wire is the most significant one
    peer_mac:      unsigned(48)
    local_address: unsigned(32)
    peer_address:  unsigned(32)
    local_port:    unsigned(16)
    peer_port:     unsigned(16)


class TcpFlags(data.Struct):
    """Flags of a segment."""

    fin: unsigned(1)
    syn: unsigned(1)
    rst: unsigned(1)
    psh: unsigned(1)
    ack: unsigned(1)
    urg: unsigned(1)
    ece: unsigned(1)
    cwr: unsigned(1)


def Segment(payload_bytes: int) -> data.StructLayout:
    """A segment from the peer, with the first bytes of its payload."""
    return data.StructLayout({
        "sequence":       32,
        "acknowledgment": 32,
        "flags":          TcpFlags,
        "window":         16,
        "size":           16,                 # bytes of payload, those not kept included
        "payload":        8 * payload_bytes,  # in wire order; bytes past the size are undefined
        "card_ns":        64,                 # card time of the frame's last word
    })


class SegmentSender(wiring.Component):
    """Sends segments with PSH and ACK and a payload of constant size.

    The frame starts before its payload is known: the payload is read as its words leave, and its
    share of the checksum joins in on the way. Endpoints and window may change only while nothing
    is sent.

    Latency: 1 cycle from `send` to word 0 of the frame. Throughput: a frame leaves in as many
    cycles as it has words, if it is not stalled, with no cycle between two frames. ::

        cycle   0      1       2 .. 5                      6         7
        send ───▶ word 0   sums of header and payload   folded    word 6, with the checksum

    Members
    -------
    send : ``In(1)``
        Send a segment; has no effect unless `ready`.
    ready : ``Out(1)``
        Whether a segment can be sent in this cycle. It is while nothing is under way, and in the
        cycle in which the last word is taken.
    seq, ack : ``In(32)``, ``In(32)``
        Sequence and acknowledgment numbers, read with `send`.
    window : ``In(16)``
        What is said to be accepted from the peer.
    endpoints : ``In(Endpoints)``
        Addresses and ports.
    payload : ``In(8 * payload_bytes)``
        The payload, in wire order. Byte k has to be there ``(54 + k) // 8`` cycles after `send`
        and to stay until the last word has left.
    payload_sum : ``In(...)``
        Ones' complement sum of its 16-bit words, needed 5 cycles after `send`; it has to stay as
        long.
    frames : ``Out(stream.Signature(Word))``
        The frame. Within it, `valid` never drops.
    """

    def __init__(self, payload_bytes: int, *, sum_bits: int):
        self._payload_bytes = payload_bytes
        self._words = -(-(HEADERS_BYTES + payload_bytes) // WORD_BYTES)
        super().__init__({
            "send":        In(1),
            "ready":       Out(1),
            "seq":         In(32),
            "ack":         In(32),
            "window":      In(16),
            "endpoints":   In(Endpoints),
            "payload":     In(8 * payload_bytes),
            "payload_sum": In(sum_bits),
            "frames":      Out(stream.Signature(Word)),
        })

    def elaborate(self, platform):
        m = Module()

        seq, ack = Signal(32), Signal(32)
        index = Signal(range(self._words))  # of the word to be shown next
        words = self._frame(m, seq, ack)
        taken = self.frames.valid & self.frames.ready
        starts = self.ready & self.send
        m.d.comb += self.ready.eq(~self.frames.valid | (taken & self.frames.p.last))

        with m.If(self.ready):
            m.d.sync += self.frames.valid.eq(self.send)
        with m.If(starts):
            m.d.sync += [seq.eq(self.seq), ack.eq(self.ack)]
        with m.If(starts | (taken & ~self.frames.p.last)):
            last = index == self._words - 1
            m.d.sync += [
                self.frames.p.data.eq(words[index]),
                self.frames.p.bytes.eq(Mux(last, self._last_bytes, WORD_BYTES)),
                self.frames.p.first.eq(starts),
                self.frames.p.last.eq(last),
                index.eq(Mux(last, 0, index + 1)),
            ]

        return m

    @property
    def _last_bytes(self) -> int:
        return HEADERS_BYTES + self._payload_bytes - WORD_BYTES * (self._words - 1)

    def _frame(self, m, seq: Value, ack: Value) -> data.View:
        """Return the words of the frame; the checksum is right from 6 cycles after `send` on."""
        endpoints, tcp_bytes = self.endpoints, Tcp.size + self._payload_bytes
        ethernet = message_bits(Ethernet, destination=endpoints.peer_mac,
                                source=endpoints.local_mac, ethertype=ETHERTYPE_IPV4)
        pseudo = message_bits(PseudoHeader, source=endpoints.local_address,
                              destination=endpoints.peer_address, zero=0, protocol=PROTOCOL_TCP,
                              length=tcp_bytes)

        def ipv4(checksum):
            return message_bits(
                Ipv4, version_ihl=IPV4_NO_OPTIONS, dscp_ecn=0, total_length=Ipv4.size + tcp_bytes,
                identification=0, flags_fragment=DONT_FRAGMENT, ttl=TTL, protocol=PROTOCOL_TCP,
                checksum=checksum, source=endpoints.local_address,
                destination=endpoints.peer_address)

        def tcp(checksum):
            return message_bits(
                Tcp, source_port=endpoints.local_port, destination_port=endpoints.peer_port,
                sequence=seq, acknowledgment=ack, offset_reserved=(Tcp.size // 4) << 4,
                flags=PSH_ACK, window=self.window, checksum=checksum, urgent=0)

        m.submodules.ipv4_sum = ipv4_sum = InternetSum(Ipv4.size)
        m.submodules.tcp_sum = tcp_sum = InternetSum(PseudoHeader.size + Tcp.size)
        m.d.comb += ipv4_sum.data.eq(ipv4(0))
        m.d.comb += tcp_sum.data.eq(Cat(pseudo, tcp(0)))
        tcp_total = Signal(max(len(tcp_sum.sum), len(self.payload_sum)) + 1)
        m.d.sync += tcp_total.eq(tcp_sum.sum + self.payload_sum)

        frame = Cat(ethernet, ipv4(~folded(ipv4_sum.sum)), tcp(~folded(tcp_total)), self.payload)
        words = Signal(data.ArrayLayout(8 * WORD_BYTES, self._words))
        m.d.comb += words.as_value().eq(frame)
        return words


class SegmentReceiver(wiring.Component):
    """Takes frames and passes on the segments of the connection that are whole and sound.

    A frame is dropped and counted under the first of these that holds: its verdict is bad
    (`bad_frames`); its headers are not those of the connection, without options and not a fragment,
    it has neither ACK nor RST, or it ends before its datagram does (`others`); the checksum of IPv4
    or of TCP is wrong (`bad_checksums`). Bytes behind the datagram, as Ethernet pads short frames,
    are ignored. Nothing is passed on before the verdict. Sequence numbers are not looked at.

    Latency: 2 cycles from the last word of the frame, or 1 from a verdict that comes later than
    that word. Throughput: 1 word per cycle, without a cycle between two frames.

    Members
    -------
    frames : ``In(stream.Signature(Word, always_ready=True))``
        Frames, as the MAC passes them on.
    frame_end : ``In(stream.Signature(FrameEnd, always_ready=True))``
        The verdict on each frame: with its last word or later, at the latest with the next frame's
        first.
    enable : ``In(1)``
        While 0, no frame is of the connection.
    endpoints : ``In(Endpoints)``
        Addresses and ports.
    now_ns : ``In(64)``
        Card time.
    segments : ``Out(stream.Signature(Segment(payload_bytes), always_ready=True))``
        The segments.
    bad_frames, others, bad_checksums : ``Out(1)``
        For one cycle, a frame was dropped.
    """

    def __init__(self, payload_bytes: int):
        self._payload_bytes = payload_bytes
        self._words = -(-(HEADERS_BYTES + payload_bytes) // WORD_BYTES)
        super().__init__({
            "frames":        In(stream.Signature(Word, always_ready=True)),
            "frame_end":     In(stream.Signature(FrameEnd, always_ready=True)),
            "enable":        In(1),
            "endpoints":     In(Endpoints),
            "now_ns":        In(64),
            "segments":      Out(stream.Signature(Segment(payload_bytes), always_ready=True)),
            "bad_frames":    Out(1),
            "others":        Out(1),
            "bad_checksums": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.sums = sums = DatagramSums()
        kept = Signal(data.ArrayLayout(8 * WORD_BYTES, self._words))
        index = Signal(range(self._words + 1))  # of the word that comes next
        here = Mux(self.frames.p.first, 0, index)
        m.d.comb += [
            sums.words.valid.eq(self.frames.valid),
            sums.words.payload.eq(self.frames.payload),
            sums.index.eq(Mux(here[4:].any(), 15, here)),
        ]
        with m.If(self.frames.valid):
            m.d.sync += index.eq(Mux(here == self._words, here, here + 1))
            with m.If(here < self._words):
                m.d.sync += kept[here].eq(self.frames.p.data)

        # In the cycle after the last word the frame is all there, and the next one may begin.
        ended, now_ns, ours = Signal(), Signal(64), Signal()
        m.d.sync += [ended.eq(self.frames.valid & self.frames.p.last), now_ns.eq(self.now_ns)]
        with m.If(ended):
            m.d.sync += ours.eq(sums.complete & self._is_ours(kept.as_value()))
            m.d.sync += self.segments.payload.eq(self._segment(kept.as_value(), now_ns))

        decided, good = self._verdict(m, ended)
        sound = sums.ipv4_right & sums.tcp_right
        m.d.comb += [
            self.bad_frames.eq(decided & ~good),
            self.others.eq(decided & good & ~ours),
            self.bad_checksums.eq(decided & good & ours & ~sound),
            self.segments.valid.eq(decided & good & ours & sound),
        ]

        return m

    def _verdict(self, m, ended: Value) -> tuple[Value, Value]:
        """Tell when both the frame and its verdict are there, and what that is."""
        end = Signal.like(self.frame_end.payload)
        end_valid, waiting, early, early_good = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [end_valid.eq(self.frame_end.valid), end.eq(self.frame_end.payload)]
        decided = waiting & (early | end_valid)
        with m.If(ended):
            m.d.sync += [waiting.eq(1), early.eq(end_valid & (~waiting | early)),
                         early_good.eq(end.good)]
        with m.Elif(decided):
            m.d.sync += waiting.eq(0)
        return decided, Mux(early, early_good, end.good)

    def _is_ours(self, frame: Value) -> Value:
        """Whether the headers are those of the connection."""
        endpoints = self.endpoints
        ethernet, ipv4, tcp = self._headers(frame)
        return Cat(
            ethernet.destination == endpoints.local_mac,
            ethernet.source == endpoints.peer_mac,
            ethernet.ethertype == ETHERTYPE_IPV4,
            ipv4.version_ihl == IPV4_NO_OPTIONS,
            ipv4.flags_fragment & FRAGMENT_MASK == 0,
            ipv4.protocol == PROTOCOL_TCP,
            ipv4.total_length >= Ipv4.size + Tcp.size,
            ipv4.source == endpoints.peer_address,
            ipv4.destination == endpoints.local_address,
            tcp.source_port == endpoints.peer_port,
            tcp.destination_port == endpoints.local_port,
            tcp.offset_reserved[4:] == Tcp.size // 4,
            tcp.flags & ACK_OR_RST != 0,
            self.enable,
        ).all()

    def _segment(self, frame: Value, now_ns: Value) -> Value:
        """Return what the frame holds, as a segment."""
        _, ipv4, tcp = self._headers(frame)
        segment = Signal.like(self.segments.payload)
        return Cat(
            tcp.sequence, tcp.acknowledgment, tcp.flags, tcp.window,
            (ipv4.total_length - Ipv4.size - Tcp.size)[: len(segment.size)],
            frame[8 * HEADERS_BYTES :][: len(segment.payload)], now_ns)

    def _headers(self, frame: Value):
        return (fields(Ethernet, frame), fields(Ipv4, frame, Ethernet.size),
                fields(Tcp, frame, Ethernet.size + Ipv4.size))
