"""Checks the checksums of a TCP segment while its frame arrives.

Sources: RFC 791, section 3.1, and RFC 9293, section 3.1, for what each of them covers.
"""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, Word
from tickwright.net.checksum import HALFWORD_BITS, halfwords, total
from tickwright.net.headers import PROTOCOL_TCP, Ethernet, Ipv4

__all__ = ["DatagramSums"]

HALFWORD_BYTES = 2
RIGHT = 0xFFFF
LENGTH_AT = Ethernet.size + Ipv4.field("total_length").offset
ADDRESSES_AT = Ethernet.size + Ipv4.field("source").offset
IPV4_END = Ethernet.size + Ipv4.size
LENGTH_INDEX = LENGTH_AT // WORD_BYTES
# The pseudo-header has the protocol and the TCP length: the total length less the IPv4 header.
PSEUDO_CONSTANT = (PROTOCOL_TCP - Ipv4.size) % 0xFFFF


class DatagramSums(wiring.Component):
    """Adds up what the checksums of IPv4 and TCP cover, as the words of a frame pass.

    The IPv4 header has no options. The pseudo-header of TCP is made of parts of the frame: the
    addresses, the total length and a constant. Bytes behind the total length are left out.

    Latency, from the last word: `complete` 1 cycle, both sums 2 cycles; they stay until the same
    time after the next frame's first word. Throughput: 1 word per cycle.

    Members
    -------
    words : ``In(stream.Signature(Word, always_ready=True))``
        Words of frames.
    index : ``In(4)``
        Number of the word in its frame; 15 may stand for all that follow.
    complete : ``Out(1)``
        The frame holds all of its datagram.
    ipv4_right, tcp_right : ``Out(1)``
        The checksum is right.
    """

    words:      In(stream.Signature(Word, always_ready=True))
    index:      In(4)
    complete:   Out(1)
    ipv4_right: Out(1)
    tcp_right:  Out(1)

    def elaborate(self, platform):
        m = Module()

        word, now = self.words.p, self.words.valid
        parts = halfwords(word.data)

        # Bytes of the datagram from this word on, and behind it; known from the third word on.
        left = Signal(range((1 << 16) + Ethernet.size))
        length = parts[(LENGTH_AT % WORD_BYTES) // HALFWORD_BYTES]
        before = WORD_BYTES * (LENGTH_INDEX + 1) - Ethernet.size
        with m.If(now & (self.index == LENGTH_INDEX)):
            m.d.sync += left.eq(Mux(length > before, length - before, 0))
        with m.Elif(now):
            m.d.sync += left.eq(Mux(left > WORD_BYTES, left - WORD_BYTES, 0))
        with m.If(now):
            m.d.sync += self.complete.eq((self.index > LENGTH_INDEX) & (left <= word.bytes))

        inside = [(self.index <= LENGTH_INDEX) | (left > at) for at in range(WORD_BYTES)]
        masked = Cat(Mux(inside[at], word.data.word_select(at, 8), 0) for at in range(WORD_BYTES))
        for right, start, covers in ((self.ipv4_right, 0, self._in_ipv4),
                                     (self.tcp_right, PSEUDO_CONSTANT, self._in_tcp)):
            terms = [Mux(covers(at), part, 0) for at, part in
                     zip(range(0, WORD_BYTES, HALFWORD_BYTES), halfwords(masked), strict=True)]
            m.d.comb += right.eq(self._sum(m, total(terms), start) == RIGHT)

        return m

    def _in_ipv4(self, at: int) -> Value:
        """Whether the IPv4 checksum covers byte ``at`` of this word."""
        return self._from(Ethernet.size, at) & ~self._from(IPV4_END, at)

    def _in_tcp(self, at: int) -> Value:
        """Whether the TCP checksum covers byte ``at`` of this word, or its like in the frame."""
        is_length = (self.index == LENGTH_INDEX) & (at == LENGTH_AT % WORD_BYTES)
        return self._from(ADDRESSES_AT, at) | is_length

    def _from(self, place: int, at: int) -> Value:
        """Whether byte ``at`` of this word is byte ``place`` of the frame or a later one."""
        return self.index >= -((at - place) // WORD_BYTES)

    def _sum(self, m, added: Value, start: int) -> Value:
        """Add up one term a word, from ``start`` at the frame's first one; return the sum folded.

        A folded sum is 0 only where all that is added is 0, so one comparison tells whether it is
        right.
        """
        term, valid, first = Signal(len(added)), Signal(), Signal()
        m.d.sync += [term.eq(added), valid.eq(self.words.valid), first.eq(self.words.p.first)]
        kept = Signal(len(added) + 1)
        before = Mux(first, start, kept[:HALFWORD_BITS] + kept[HALFWORD_BITS:])
        with m.If(valid):
            m.d.sync += kept.eq(before + term)
        return kept[:HALFWORD_BITS] + kept[HALFWORD_BITS:]
