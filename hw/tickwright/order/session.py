"""The card's end of the TCP session to the venue.

Source: RFC 9293, section 3.10.7.4, reduced: segments are taken in order only, nothing is
retransmitted, and no segment is sent only to acknowledge.
"""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.net.tcp import HEADERS_BYTES, Segment
from tickwright.order.messages import OrderAccepted, SequencedData
from tickwright.order.ouch import PACKET_BYTES
from tickwright.order.soupbin import packet

__all__ = ["MESSAGE_BYTES", "SEGMENT_BYTES", "Message", "Session"]

MESSAGE_BYTES = OrderAccepted.size
"""First bytes of a message that are kept."""

SEGMENT_BYTES = SequencedData.size + MESSAGE_BYTES
"""First bytes of a payload that are kept."""

LONGEST_PAYLOAD = 256 - HEADERS_BYTES  # of a frame of 256 bytes
WINDOW_LEFT = 2 * PACKET_BYTES  # an intent may have two orders
SETTLED_CYCLES = 3  # from the rise of `open` until the window is compared


class Message(data.Struct):
    """A message of the venue."""

    size:    unsigned(16)                 # bytes, those not kept included
    data:    unsigned(8 * MESSAGE_BYTES)  # its first bytes, in wire order
    card_ns: unsigned(64)                 # card time of the last word of its frame


class Session(wiring.Component):
    """Keeps the numbers of the session, and takes what comes next in it.

    A segment from before `ack` counts as `rx_duplicates`, one from behind it as `rx_gaps`; both are
    ignored, but for FIN and RST: these end the session wherever they stand. One in sequence is
    taken if it carries nothing or exactly one whole SoupBinTCP packet of sequenced data or
    heartbeat. Otherwise, and where it is too long (`rx_long`), has SYN, acknowledges what was never
    sent, or its message is `refused`, nothing of it is taken and `receive_fault` is set,
    which only a reset clears.

    Acknowledgment and window of a segment taken count unless they are older than what is known.

    Latency: 1 cycle from a segment to its message, 2 to the numbers, 5 to `session_ok`; 4 from
    `sent`. Throughput: 1 segment in 2 cycles.

    Members
    -------
    open : ``In(1)``
        The session is the card's; its rise takes the start values.
    start_seq, start_ack, start_window : ``In(32)``, ``In(32)``, ``In(16)``
        Numbers of the next byte to send and to receive; bytes the venue takes.
    opens, live : ``Out(1)``
        For one cycle, `open` rises; `open` has risen since reset.
    sent : ``In(1)``
        An order is sent.
    late, crowded : ``In(1)``
        An acknowledgment is overdue; too many frames are not acknowledged.
    segments : ``In(stream.Signature(Segment(SEGMENT_BYTES), always_ready=True))``
        Sound segments of the connection.
    messages : ``Out(stream.Signature(Message, always_ready=True))``
        Messages of the venue.
    refused : ``In(1)``
        What `messages` shows, valid or not, cannot be taken.
    seq, ack, acknowledged, peer_window : ``Out``
        Numbers of the next byte to send, of the next to receive, and of the first that is not
        acknowledged; bytes the venue takes from there.
    session_ok, ended, receive_fault : ``Out(1)``
        Orders may pass; the venue ended the session; it sent what cannot be taken.
    count : ``Out(...)``
        For one cycle, a segment was counted.
    """

    open:          In(1)
    start_seq:     In(32)
    start_ack:     In(32)
    start_window:  In(16)
    opens:         Out(1)
    live:          Out(1)
    sent:          In(1)
    late:          In(1)
    crowded:       In(1)
    segments:      In(stream.Signature(Segment(SEGMENT_BYTES), always_ready=True))
    messages:      Out(stream.Signature(Message, always_ready=True))
    refused:       In(1)
    seq:           Out(32)
    ack:           Out(32)
    acknowledged:  Out(32)
    peer_window:   Out(16)
    session_ok:    Out(1)
    ended:         Out(1)
    receive_fault: Out(1)
    count:         Out(wiring.Signature({name: Out(1) for name in (
        "segments", "rx_duplicates", "rx_gaps", "rx_long")}))

    def elaborate(self, platform):
        m = Module()

        was_open = Signal()
        m.d.sync += was_open.eq(self.open)
        m.d.comb += self.opens.eq(self.open & ~was_open)

        with m.If(self.sent):
            m.d.sync += self.seq.eq(self.seq + PACKET_BYTES)
        self._receive(m)
        with m.If(self.opens):
            m.d.sync += [
                self.live.eq(1), self.ended.eq(0),
                self.seq.eq(self.start_seq), self.acknowledged.eq(self.start_seq),
                self.ack.eq(self.start_ack), self.peer_window.eq(self.start_window),
            ]

        in_flight, window_left, settled = Signal(32), Signal(), Signal(SETTLED_CYCLES)
        m.d.sync += [
            settled.eq(Cat(self.open, settled)),
            in_flight.eq(self.seq - self.acknowledged),
            window_left.eq(in_flight + WINDOW_LEFT <= self.peer_window),
            self.session_ok.eq(self.open & settled.all() & window_left & ~self.ended
                               & ~self.receive_fault & ~self.late & ~self.crowded),
        ]

        return m

    def _receive(self, m):
        """Judge a segment in its own cycle, and do what follows in the next one."""
        now, segment = Signal(), Signal.like(self.segments.payload)
        m.d.sync += [now.eq(self.segments.valid), segment.eq(self.segments.payload)]
        place, acceptable, message, news = self._judge(m)

        with m.If(now & (segment.flags.fin | segment.flags.rst)):
            m.d.sync += self.ended.eq(1)
        with m.If(now & place[-1]):
            m.d.comb += self.count.rx_duplicates.eq(1)
        with m.Elif(now & (place != 0)):
            m.d.comb += self.count.rx_gaps.eq(1)
        with m.Elif(now & (~acceptable | (message & self.refused))):
            m.d.comb += self.count.rx_long.eq(segment.size > LONGEST_PAYLOAD)
            m.d.sync += self.receive_fault.eq(1)
        with m.Elif(now):
            m.d.comb += self.count.segments.eq(1)
            m.d.comb += self.messages.valid.eq(message)
            m.d.sync += self.ack.eq(self.ack + segment.size)
            with m.If(news):
                m.d.sync += self.acknowledged.eq(segment.acknowledgment)
                m.d.sync += self.peer_window.eq(segment.window)

        m.d.comb += [
            self.messages.p.size.eq(segment.size - SequencedData.size),
            self.messages.p.data.eq(segment.payload[8 * SequencedData.size :]),
            self.messages.p.card_ns.eq(segment.card_ns),
        ]

    def _judge(self, m) -> tuple[Signal, Signal, Signal, Signal]:
        """Tell, a cycle after a segment, what can be told of it.

        That is its place after the next byte expected, whether it may be taken if that is 0,
        whether it carries a message, and whether its acknowledgment is not an old one.
        """
        segment = self.segments.p
        place, acceptable, message, news = Signal(32), Signal(), Signal(), Signal()
        carried = packet(segment.payload, segment.size)
        moved, sent = Signal(32), Signal(32)
        m.d.comb += moved.eq(segment.acknowledgment - self.acknowledged)
        m.d.comb += sent.eq(self.seq - self.acknowledged)
        beyond = segment.flags.ack & ~moved[-1] & (moved > sent)
        m.d.sync += [
            place.eq(segment.sequence - self.ack),
            message.eq(carried.message),
            news.eq(segment.flags.ack & ~moved[-1] & ~beyond),
            acceptable.eq((carried.nothing | carried.heartbeat | carried.message) & ~beyond
                          & ~segment.flags.syn & (segment.size <= LONGEST_PAYLOAD)),
        ]
        return place, acceptable, message, news
