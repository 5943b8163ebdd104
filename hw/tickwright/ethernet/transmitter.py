"""From frames to the bytes of a PHY."""

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, Word
from tickwright.ethernet.fcs import CRC_BITS, CRC_INIT, next_crc
from tickwright.ethernet.frame import (
    FCS_BYTES,
    GAP_BYTES,
    MIN_FRAME_BYTES,
    PREAMBLE,
    PREAMBLE_BYTES,
    SFD,
)
from tickwright.ethernet.types import Gmii

__all__ = ["GmiiTransmitter"]

MIN_DATA_BYTES = MIN_FRAME_BYTES - FCS_BYTES


class GmiiTransmitter(wiring.Component):
    """Sends frames with preamble, padding and FCS, and a gap of 12 bytes behind each.

    A frame has begun with its first word, and every other word is due with the last byte of the
    word before: its handshake takes place in the cycle before that byte is on `gmii`. If it is not
    there then, nobody shall take the frame: it ends with 4 bytes of a wrong FCS with the error
    signalled, and its words that are still to come, to the last one, are accepted and ignored
    before another frame begins. The length of a frame is not limited.
    (IEEE 802.3-2022, clauses 4.2.3, 4.2.8 and 35.2.) ::

        words ──▶ [ a word ] ──┬──────────────────▶ [ register ] ──▶ gmii
                               └─▶ [ CRC ] ──▶ FCS ──┘

    Latency: from the cycle in which a first word is valid, to the first byte of the preamble 1
    cycle, to the first byte of the frame 9 cycles. Throughput: 1 byte per cycle; a frame of n bytes
    takes ``max(n, 60) + 24`` cycles.

    Members
    -------
    words : ``In(stream.Signature(Word))``
        Frames, from the destination address to the data, without padding and FCS. Of `first`,
        nothing is made: a frame begins after the last word of the one before.
    gmii : ``Out(Gmii)``
        What the PHY is to send.
    idle : ``Out(1)``
        Nothing is being sent or ignored, and the gap is over.
    underrun : ``Out(1)``
        For a cycle: a word was not there when it was due.
    """

    words:    In(stream.Signature(Word))
    gmii:     Out(Gmii)
    idle:     Out(1)
    underrun: Out(1)

    def elaborate(self, platform):
        m = Module()

        word    = Signal(8 * WORD_BYTES)  # the next byte lowest
        left    = Signal(range(WORD_BYTES + 1))  # bytes of it
        last    = Signal()  # the frame ends with it
        due     = Signal()  # the next word is
        ignored = Signal()  # the words to come, to the last one
        lacking = Signal(range(MIN_DATA_BYTES + 1))  # bytes to the shortest frame
        wait    = Signal(range(GAP_BYTES))  # cycles of a state after this one
        crc     = Signal(CRC_BITS)

        m.d.sync += [self.gmii.data.eq(0), self.gmii.valid.eq(0), self.gmii.error.eq(0)]
        m.d.sync += wait.eq(wait - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [due.eq(~ignored), self.idle.eq(~ignored)]
                m.d.sync += [crc.eq(CRC_INIT), lacking.eq(MIN_DATA_BYTES),
                             wait.eq(PREAMBLE_BYTES - 1)]
                with m.If(due & self.words.valid):
                    self._send(m, PREAMBLE)
                    m.next = "PREAMBLE"
            with m.State("PREAMBLE"):
                self._send(m, Mux(wait == 0, SFD, PREAMBLE))
                with m.If(wait == 0):
                    m.next = "DATA"
            with m.State("DATA"):
                self._send_summed(m, word[:8], crc, lacking)
                m.d.sync += [word.eq(word[8:]), left.eq(left - 1), wait.eq(FCS_BYTES - 1)]
                m.d.comb += due.eq((left == 1) & ~last)
                with m.If(due & ~self.words.valid):
                    m.d.comb += self.underrun.eq(1)
                    m.next = "SPOIL"
                with m.Elif((left == 1) & last):
                    m.next = "FCS"
                    with m.If(lacking > 1):
                        m.next = "PADDING"
            with m.State("PADDING"):
                self._send_summed(m, C(0, 8), crc, lacking)
                m.d.sync += wait.eq(FCS_BYTES - 1)
                with m.If(lacking == 1):
                    m.next = "FCS"
            for state, mask, error in (("FCS", 0xFF, 0), ("SPOIL", 0x00, 1)):
                with m.State(state):
                    self._send(m, crc[:8] ^ mask, error)
                    m.d.sync += crc.eq(crc[8:])
                    with m.If(wait == 0):
                        m.d.sync += wait.eq(GAP_BYTES - 1)
                        m.next = "GAP"
            with m.State("GAP"), m.If(wait == 0):
                m.next = "IDLE"

        self._take(m, due, ignored, word, left, last)

        return m

    def _send(self, m, byte: ValueLike, error: ValueLike = 0):
        """Put a byte on the line in the next cycle."""
        m.d.sync += [self.gmii.data.eq(byte), self.gmii.valid.eq(1), self.gmii.error.eq(error)]

    def _send_summed(self, m, byte: Value, crc: Signal, lacking: Signal):
        """Do so with a byte that the FCS covers."""
        self._send(m, byte)
        m.d.sync += crc.eq(next_crc(crc, byte))
        with m.If(lacking != 0):
            m.d.sync += lacking.eq(lacking - 1)

    def _take(self, m, due: Value, ignored: Signal, word: Signal, left: Signal, last: Signal):
        """Accept the word that is due, or those of which nothing is made."""
        m.d.comb += self.words.ready.eq(due | ignored)
        with m.If(self.underrun):
            m.d.sync += ignored.eq(1)
        with m.Elif(self.words.valid & self.words.p.last):
            m.d.sync += ignored.eq(0)
        with m.If(due & self.words.valid):
            m.d.sync += [
                word.eq(self.words.p.data),
                left.eq(self.words.p.bytes),
                last.eq(self.words.p.last),
            ]
