"""Where the messages of a datagram begin and end."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import big_endian
from tickwright.core.streams import WORD_BYTES, Word
from tickwright.feed.messages import (
    MOLD_END_OF_SESSION,
    MOLD_HEARTBEAT,
    AddOrder,
    MoldUdp64Block,
    MoldUdp64Header,
)
from tickwright.net.headers import Ethernet, Ipv4, Udp, VlanTag
from tickwright.net.mac import Arrival

__all__ = ["BODY_BYTES", "LENGTH_BYTES", "MIN_DATAGRAM", "MIN_FRAME", "PIECE_BYTES", "Framing",
           "PieceBuffer"]

HEADER_BYTES = MoldUdp64Header.size
COUNT_BYTES = MoldUdp64Header.field("count").size
LENGTH_BYTES = MoldUdp64Block.size
MIN_MESSAGE = 12
"""Bytes of the shortest message; a shorter one cannot be followed."""

BODY_BYTES = AddOrder.size
"""Bytes kept of a message: no message that has an effect needs more."""

PIECE_BYTES = -(-(LENGTH_BYTES + BODY_BYTES) // WORD_BYTES) * WORD_BYTES
MIN_DATAGRAM = Udp.size + HEADER_BYTES

# Where the MoldUDP64 header begins: in the same word, tagged or not.
UNTAGGED = Ethernet.size + Ipv4.size + Udp.size
TAGGED = UNTAGGED + VlanTag.size
FIRST_WORD = UNTAGGED // WORD_BYTES

# Where it ends in a word: behind its last field, the count, which lies whole in that word.
UNTAGGED_END = (UNTAGGED + HEADER_BYTES) % WORD_BYTES
TAGGED_END = (TAGGED + HEADER_BYTES) % WORD_BYTES

MIN_FRAME = UNTAGGED + HEADER_BYTES


class PieceBuffer(wiring.Component):
    """Gathers the bytes of a piece of a datagram from the words that it lies across.

    A piece begins at any byte of a word; bytes beyond the first PIECE_BYTES are not kept. A rotator
    puts a word's bytes behind those of the running piece, a shifter the bytes of a new piece at its
    start. There the new piece replaces no more than the first word of the one before, which is kept
    for a cycle by itself: so the one before is whole for a cycle longer.

    Latency: 1 cycle. Throughput: 1 word per cycle.

    Members
    -------
    data, valid : ``In(64)``, ``In(1)``
        The word.
    begin, at : ``In(1)``, ``In(4)``
        A new piece begins at this byte of the word, or at byte 0 of the next one if it is 8.
    joined : ``Out(8 * PIECE_BYTES)``
        In the cycle after a word: the piece that it found running, with its bytes.
    kept : ``Out(8 * PIECE_BYTES)``
        The running piece without the bytes of this word.
    """

    data:   In(64)
    valid:  In(1)
    begin:  In(1)
    at:     In(4)
    joined: Out(8 * PIECE_BYTES)
    kept:   Out(8 * PIECE_BYTES)

    def elaborate(self, platform):
        m = Module()

        offset = Signal(range(WORD_BYTES))  # bytes of the piece before this word
        row = Signal(PIECE_BYTES // WORD_BYTES)  # a 1 at the whole words of it; 0 beyond all
        tail, head = Signal(64), Signal(64)
        with m.Switch(offset):
            for amount in range(WORD_BYTES):
                with m.Case(amount):
                    m.d.comb += tail.eq(self.data.rotate_left(8 * amount))
        with m.Switch(self.at[:3]):
            for amount in range(WORD_BYTES):
                with m.Case(amount):
                    m.d.comb += head.eq(self.data >> 8 * amount)

        grown, start = Signal(8 * PIECE_BYTES), Signal(64)
        for index in range(PIECE_BYTES):
            lane, place = index % WORD_BYTES, slice(8 * index, 8 * (index + 1))
            here = Mux(offset <= lane, row, row << 1)[index // WORD_BYTES]
            m.d.comb += grown[place].eq(
                Mux(here, tail[8 * lane : 8 * (lane + 1)], self.kept[place]))

        m.d.sync += start.eq(grown[:64])
        with m.If(self.valid):
            m.d.sync += self.kept.eq(grown), row.eq(row << 1)
            with m.If(self.begin):
                m.d.sync += [
                    self.kept[:64].eq(head),
                    offset.eq(-self.at[:3]),
                    row.eq(Mux(self.at == 0, 0b10, 0b01)),
                ]
        m.d.comb += self.joined.eq(Cat(start, self.kept[64:]))

        return m


class Framing(wiring.Component):
    """Follows the MoldUDP64 header and the messages through the words of a frame.

    The header is a piece of fixed length, each message a piece with its length in front. Any frame
    is followed; whether it was worth it is for others to say. A message cannot be followed if its
    length is below 12 or if it ends beyond the datagram or the frame: a fault, after which the rest
    of the frame is passed over. The shortest piece is longer than a word, so at most one begins in
    a word. ::

        words ──▶ PieceBuffer ─────────────────▶ piece
          └─────▶ bytes left, length ahead ────▶ header, message, fault, short

    Latency: 1 cycle from a word of ``words`` to what is found in it. Throughput: 1 word per cycle.

    Members
    -------
    words, index, arrival, tagged
        As `UdpReceiver` passes them on.
    datagram_bytes : ``In(16)``
        Length of the UDP datagram with its header; needed when the MoldUDP64 header ends.
    piece : ``Out(8 * PIECE_BYTES)``
        The start of the piece that is complete: a header, or a message with its length.
    header, message : ``Out(1)``
        For a cycle: the piece is a header, a message.
    length : ``Out(16)``
        Length of the message.
    last_in_packet : ``Out(1)``
        The message is the last one that the header counted.
    trailing_bytes : ``Out(1)``
        For a cycle: the datagram has bytes behind its last piece.
    fault : ``Out(1)``
        For a cycle: what follows cannot be followed. It may come with the piece before it.
    short, size : ``Out(1)``, ``Out(8)``
        For a cycle: the frame ended within its headers, and how many bytes it had.
    origin : ``Out(Arrival)``
        When the frame came in which this was found.
    early : ``Out(8 * PIECE_BYTES)``
        The running piece as far as the words before brought it, a cycle ahead of ``piece``.
    idle : ``Out(1)``
        No piece is running.
    """

    words:          In(stream.Signature(Word, always_ready=True))
    index:          In(4)
    arrival:        In(Arrival)
    tagged:         In(1)
    datagram_bytes: In(16)
    piece:          Out(8 * PIECE_BYTES)
    header:         Out(1)
    message:        Out(1)
    length:         Out(16)
    last_in_packet: Out(1)
    trailing_bytes: Out(1)
    fault:          Out(1)
    short:          Out(1)
    size:           Out(8)
    origin:         Out(Arrival)
    early:          Out(8 * PIECE_BYTES)
    idle:           Out(1)

    def elaborate(self, platform):
        m = Module()

        m.submodules.buffer = buffer = PieceBuffer()
        word, valid = self.words.p, self.words.valid

        live     = Signal()    # a piece is running, or begins with this word
        heading  = Signal()    # that piece is the header
        headed   = Signal()    # the header of this frame is complete
        opening  = Signal()    # a message begins with byte 0 of this word
        straddle = Signal()    # a message began with the last byte of the word before: its length
        high     = Signal(8)   # has this high byte
        rest     = Signal(16)  # bytes of the running piece from byte 0 of this word on; where one
                               # begins whose length is not known yet, of the one before it
        count    = Signal(16)  # messages not complete yet
        left     = Signal(signed(17))  # bytes of the datagram from byte 0 of this word on; -1 if it
                                       # ended before the first byte of a message that straddles

        start, busy, finish, more, measured = (Signal() for _ in range(5))
        at = Signal(signed(5))     # where a piece ends and a message begins; -1 if that straddles
        begin = Signal(4)          # where a message or the header begins
        counted = Signal(16)
        room = Signal(signed(17))  # bytes of the datagram behind the length of that message
        m.d.comb += [
            start.eq(valid & (self.index == FIRST_WORD)),
            busy.eq(valid & live & ~start & ~word.first),
            finish.eq(busy & ~opening & ~straddle & ~rest[4:].any() & (rest[:4] <= word.bytes)),
            counted.eq(_count(word.data, rest[:3])),
            more.eq(Mux(heading, (counted != MOLD_HEARTBEAT) & (counted != MOLD_END_OF_SESSION),
                        count != 1)),
            at.eq(Cat(rest[:4], straddle).as_signed()),
            begin.eq(Mux(start, Mux(self.tagged, TAGGED % WORD_BYTES, UNTAGGED % WORD_BYTES), at)),
            room.eq(Mux(heading, self.datagram_bytes - MIN_DATAGRAM - LENGTH_BYTES,
                        left - at - LENGTH_BYTES)),
            measured.eq(busy & (straddle | opening | finish & more & (at < WORD_BYTES - 1))),
        ]

        length = self._length(m, word.data, at, straddle, high)
        fault, cut, short = Signal(), Signal(), Signal()
        m.d.comb += [
            fault.eq(measured & ((length < MIN_MESSAGE) | (length > room))),
            cut.eq(busy & word.last & ~(finish & ~more) & (~heading | finish)),
            short.eq(valid & word.last & ~(headed & ~word.first) & ~(finish & heading)),
        ]

        with m.If(valid):
            m.d.sync += [
                opening.eq(finish & more & (at == WORD_BYTES)),
                straddle.eq(finish & more & (at == WORD_BYTES - 1)),
                high.eq(word.data[-8:]),
                left.eq(Mux(heading, self.datagram_bytes - MIN_DATAGRAM + at, left) - WORD_BYTES),
                rest.eq(rest - WORD_BYTES),
                headed.eq(headed & ~word.first | finish & heading),
            ]
            with m.If(start):
                m.d.sync += [
                    live.eq(1), heading.eq(1), rest.eq(HEADER_BYTES - WORD_BYTES + begin),
                ]
            with m.If(measured):
                m.d.sync += rest.eq(length + at + LENGTH_BYTES - WORD_BYTES)
            with m.If(finish):
                m.d.sync += [
                    live.eq(more), heading.eq(0), count.eq(Mux(heading, counted, count - 1)),
                ]
            with m.If(fault | word.last | word.first):
                m.d.sync += live.eq(0)

        m.d.comb += [
            buffer.data.eq(word.data),
            buffer.valid.eq(valid),
            buffer.begin.eq(start | busy & opening | finish & more),
            buffer.at.eq(begin),
            self.piece.eq(buffer.joined),
            self.early.eq(buffer.kept),
            self.idle.eq(~live),
        ]
        ahead = Signal(16)  # length of the running message
        with m.If(measured):
            m.d.sync += ahead.eq(length)
        m.d.sync += [
            self.header.eq(finish & heading),
            self.message.eq(finish & ~heading),
            self.length.eq(ahead),
            self.last_in_packet.eq(~more),
            self.trailing_bytes.eq(finish & ~more & (room + LENGTH_BYTES > 0)
                                   & (~word.last | (word.bytes > at))),
            self.fault.eq(fault | cut),
            self.short.eq(short),
            self.size.eq(Cat(C(0, 3), self.index) + word.bytes),
            self.origin.eq(self.arrival),
        ]

        return m

    def _length(self, m, data, at, straddle, high):
        """Return the length of the message that begins in this word."""
        length = Signal(16)
        with m.If(straddle):
            m.d.comb += length.eq(Cat(data[:8], high))
        with m.Else(), m.Switch(at[:3]):
            for byte in range(WORD_BYTES - 1):
                with m.Case(byte):
                    m.d.comb += length.eq(big_endian(data[8 * byte :][:16]))
        return length


def _count(data, end) -> Value:
    """Return the count of the header that ends at this byte of the word."""
    untagged, tagged = (data[8 * (last - COUNT_BYTES) : 8 * last]
                        for last in (UNTAGGED_END, TAGGED_END))
    return big_endian(Mux(end == TAGGED_END, tagged, untagged))
