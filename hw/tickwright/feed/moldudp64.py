"""Datagrams of the feed's session, and the numbered messages in them."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import fields
from tickwright.feed.framing import BODY_BYTES, LENGTH_BYTES, PIECE_BYTES
from tickwright.feed.messages import (
    ITCH_SIZES,
    MOLD_END_OF_SESSION,
    MOLD_HEARTBEAT,
    MoldUdp64Header,
)
from tickwright.net.mac import Arrival

__all__ = ["Datagrams", "FeedMessage", "Origin"]

SESSION_BITS = 8 * MoldUdp64Header.field("session").size


class Origin(data.Struct):
    """The datagram that something came in."""

    stamp: unsigned(48)  # as in Cause
    frame: unsigned(16)
    line:  unsigned(1)


def FeedMessage(symbols: int) -> data.StructLayout:
    """A message of the feed and what is known of it before it has its place in the sequence."""
    return data.StructLayout({
        "body":           8 * BODY_BYTES,  # its start, first byte lowest
        "known":          1,               # of a type that we know, and as long as that is
        "named":          1,               # the stock of a directory message is watched,
        "symbol":         range(symbols),  # as this symbol
        "sequence":       64,
        "origin":         Origin,
        "last_in_packet": 1,
    })


class Datagrams(wiring.Component):
    """Keeps to the session, and numbers the messages of its datagrams.

    The first frame accepted after reset sets the session. A bad verdict on an accepted frame
    taints, whatever its session. ::

        header ──▶ session? ──▶ open, sequence
        message ─────────────────▶ [ open? ] ──▶ messages

    Latency: 0 cycles. Throughput: 1 piece per cycle.

    Members
    -------
    piece, header, message, length, last_in_packet, trailing_bytes, fault, origin
        As in `Framing`.
    accepted : ``In(1)``
        The frame whose header is complete in this cycle is taken.
    line : ``In(1)``
        Line it came on.
    named, symbol : ``In(1)``, ``In(range(symbols))``
        What the stock of a directory message is watched as.
    bad, bad_short : ``In(1)``
        The late verdict, as in `FrameVerdicts`.
    messages : ``Out(stream.Signature(FeedMessage(symbols), always_ready=True))``
        The messages.
    heard, heard_ns : ``Out(1)``, ``Out(64)``
        A datagram of the session came since reset; card time of the last one.
    announced, next_sequence : ``Out(1)``, ``Out(64)``
        For a cycle: a heartbeat says which sequence comes next.
    taint : ``Out(1)``
        For a cycle: the datagram's rest was lost to a fault, or its frame was found bad.
    datagram : ``Out(Origin)``
        The last datagram of the session.
    session_low, session_high : ``Out(40)``
        The session; its first character lowest.
    other_session, ends, heartbeats, trailing, faults, bad_frames, messages_a, messages_b
        For a cycle, ``Out(1)``: what the counter of this name counts.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "piece":          In(8 * PIECE_BYTES),
            "header":         In(1),
            "message":        In(1),
            "length":         In(16),
            "last_in_packet": In(1),
            "trailing_bytes": In(1),
            "fault":          In(1),
            "origin":         In(Arrival),
            "accepted":       In(1),
            "line":           In(1),
            "named":          In(1),
            "symbol":         In(range(symbols)),
            "bad":            In(1),
            "bad_short":      In(1),
            "messages":       Out(stream.Signature(FeedMessage(symbols), always_ready=True)),
            "heard":          Out(1),
            "heard_ns":       Out(64),
            "announced":      Out(1),
            "next_sequence":  Out(64),
            "taint":          Out(1),
            "datagram":       Out(Origin),
            "session_low":    Out(40),
            "session_high":   Out(40),
            "other_session":  Out(1),
            "ends":           Out(1),
            "heartbeats":     Out(1),
            "trailing":       Out(1),
            "faults":         Out(1),
            "bad_frames":     Out(1),
            "messages_a":     Out(1),
            "messages_b":     Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        head = fields(MoldUdp64Header, self.piece)
        ours = Signal()      # the datagram under way is of the session
        accepted = Signal()  # the last frame that was not short was accepted
        sequence = Signal(64)
        session = Signal(SESSION_BITS)
        named = Signal()     # the session is set
        same = ~named | (session == self.piece[:SESSION_BITS])
        taken = self.accepted & same
        ours_now = Mux(self.header, taken, ours)
        end = head.count == MOLD_END_OF_SESSION
        heartbeat = head.count == MOLD_HEARTBEAT

        with m.If(self.header):
            m.d.sync += accepted.eq(self.accepted), ours.eq(taken)
        with m.If(taken):
            m.d.sync += [
                named.eq(1),
                session.eq(self.piece[:SESSION_BITS]),
                sequence.eq(head.sequence),
                self.heard.eq(1),
                self.heard_ns.eq(self.origin.stamp_ns),
                self.datagram.stamp.eq(self.origin.stamp_ns),
                self.datagram.frame.eq(self.origin.frame),
                self.datagram.line.eq(self.line),
            ]
        with m.If(self.message):
            m.d.sync += sequence.eq(sequence + 1)

        message = self.messages.p
        m.d.comb += [
            self.messages.valid.eq(self.message & ours),
            message.body.eq(self.piece[8 * LENGTH_BYTES :]),
            message.known.eq(self._is_known(m)),
            message.named.eq(self.named),
            message.symbol.eq(self.symbol),
            message.sequence.eq(sequence),
            message.origin.eq(self.datagram),
            message.last_in_packet.eq(self.last_in_packet),
            self.announced.eq(taken & (end | heartbeat)),
            self.next_sequence.eq(head.sequence),
            self.taint.eq(self.fault & ours_now | self.bad & ~self.bad_short & accepted),
            Cat(self.session_low, self.session_high).eq(session),
            self.other_session.eq(self.accepted & ~same),
            self.ends.eq(taken & end),
            self.heartbeats.eq(taken & heartbeat),
            self.trailing.eq(self.trailing_bytes & ours_now),
            self.faults.eq(self.fault & ours_now),
            self.bad_frames.eq(self.bad),
            self.messages_a.eq(self.messages.valid & ~self.datagram.line),
            self.messages_b.eq(self.messages.valid & self.datagram.line),
        ]

        return m

    def _is_known(self, m):
        """Return whether the message is of a type we know, and as long as that is."""
        known = Signal()
        with m.Switch(self.piece[8 * LENGTH_BYTES :][:8]):
            for kind, size in ITCH_SIZES.items():
                with m.Case(ord(kind)):
                    m.d.comb += known.eq(self.length == size)
        return known
