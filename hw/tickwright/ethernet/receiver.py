"""From the bytes of a PHY to frames."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, FrameEnd, Word
from tickwright.ethernet.fcs import CRC_BITS, CRC_INIT, CRC_RESIDUE, next_crc
from tickwright.ethernet.frame import FCS_BYTES, MAX_FRAME_BYTES, MIN_FRAME_BYTES, PREAMBLE, SFD
from tickwright.ethernet.reasons import FrameReason
from tickwright.ethernet.types import Gmii

__all__ = ["GmiiReceiver"]


class GmiiReceiver(wiring.Component):
    """Passes on the words of a frame while it comes, without its FCS, and then the verdict.

    A frame may follow any number of bytes 0x55, even none, and any pause, of one cycle at least.
    What comes before the SFD and is no 0x55 makes all of the carrier event no frame, and so does a
    carrier that ends without an SFD. A frame without a byte beside its FCS has no word and gets no
    verdict. A frame that is too long is cut off: its last word ends `FCS_BYTES` before the limit,
    and what follows is ignored until the carrier is gone. After a reset, too, the first frame is
    one that begins after a cycle without carrier. What the PHY says while there is no carrier
    (carrier extension, false carrier, low power idle) is ignored: the line is full duplex.
    (IEEE 802.3-2022, clauses 4.2.4, 4.2.9 and 35.2.) ::

                              count, CRC, error ──▶ why ──▶ frame_end
        gmii ─┬─▶ [ 4 bytes ] ──▶ [ lanes of a word ] ──▶ words
              └─ does the frame go on? ─────────────────────┘

    The outputs follow `gmii` in the same cycle; only `gmii.valid` and the state of the component
    decide when.

    Latency: from a word's last byte on `gmii` to the word, 5 cycles: 4 bytes that may be the FCS,
    and one that tells whether they are. From the last byte of the FCS to the last word and
    `frame_end`, which come together, 1 cycle. Throughput: 1 byte per cycle.

    ``max_bytes``: the longest frame that is taken, with its FCS.

    Members
    -------
    gmii : ``In(Gmii)``
        What the PHY received.
    words : ``Out(stream.Signature(Word, always_ready=True))``
        Frames, from the destination address to the padding.
    frame_end : ``Out(stream.Signature(FrameEnd, always_ready=True))``
        The verdict on each frame, its reason a `FrameReason`.
    no_start : ``Out(1)``
        For a cycle: a carrier event was dropped that had no SFD where one has to be.
    no_words : ``Out(1)``
        For a cycle: a frame of fewer than 5 bytes was dropped.
    """

    gmii:      In(Gmii)
    words:     Out(stream.Signature(Word, always_ready=True))
    frame_end: Out(stream.Signature(FrameEnd, always_ready=True))
    no_start:  Out(1)
    no_words:  Out(1)

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES):
        if max_bytes < MIN_FRAME_BYTES:
            raise ValueError(f"max_bytes: found {max_bytes}, expected at least {MIN_FRAME_BYTES}")
        self.max_bytes = max_bytes
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        count = Signal(range(self.max_bytes + 1))  # bytes of the frame that came
        taken = Signal()  # one comes now
        ended = Signal()  # the one before was the last, or the last that is taken

        m.d.sync += count.eq(Mux(taken, count + 1, 0))
        with m.FSM(init="DEAF"):
            with m.State("DEAF"), m.If(~self.gmii.valid):
                m.next = "IDLE"
            with m.State("IDLE"), m.If(self.gmii.valid):
                self._start(m)
            with m.State("PREAMBLE"):
                with m.If(self.gmii.valid):
                    self._start(m)
                with m.Else():
                    m.d.comb += self.no_start.eq(1)
                    m.next = "IDLE"
            with m.State("FRAME"):
                with m.If(~self.gmii.valid):
                    m.d.comb += ended.eq(1)
                    m.next = "IDLE"
                with m.Elif(count == self.max_bytes):
                    m.d.comb += ended.eq(1)
                    m.next = "DEAF"
                with m.Else():
                    m.d.comb += taken.eq(1)

        empty = count <= FCS_BYTES
        m.d.comb += [self.no_words.eq(ended & empty), self.frame_end.valid.eq(ended & ~empty)]
        self._join(m, count, taken, ended)
        self._judge(m, count, taken)

        return m

    def _start(self, m):
        """Go on by a byte before the frame."""
        with m.Switch(self.gmii.data):
            with m.Case(PREAMBLE):
                m.next = "PREAMBLE"
            with m.Case(SFD):
                m.next = "FRAME"
            with m.Default():
                m.d.comb += self.no_start.eq(1)
                m.next = "DEAF"

    def _join(self, m, count: Value, taken: Value, ended: Value):
        """Make words of the bytes that are not the last 4."""
        held   = Signal(8 * FCS_BYTES)  # the oldest byte lowest
        lanes  = Signal(data.ArrayLayout(8, WORD_BYTES))
        filled = Signal(range(WORD_BYTES + 1))
        first  = Signal()

        full = filled == WORD_BYTES
        with m.If(taken):
            m.d.sync += held.eq(Cat(held[8:], self.gmii.data))
            with m.If(count >= FCS_BYTES):
                m.d.sync += [lanes[filled[:3]].eq(held[:8]), filled.eq(Mux(full, 1, filled + 1))]
            with m.If(full):
                m.d.sync += first.eq(0)
        with m.Else():
            m.d.sync += [filled.eq(0), first.eq(1)]

        m.d.comb += [
            self.words.valid.eq(self.frame_end.valid | (taken & full)),
            self.words.p.data.eq(lanes),
            self.words.p.bytes.eq(filled),
            self.words.p.first.eq(first),
            self.words.p.last.eq(ended),
        ]

    def _judge(self, m, count: Value, taken: Value):
        """Find what is wrong with the frame; read when it has ended."""
        crc   = Signal(CRC_BITS)
        error = Signal()
        m.d.sync += [
            crc.eq(Mux(taken, next_crc(crc, self.gmii.data), CRC_INIT)),
            error.eq(self.gmii.valid & (error | self.gmii.error)),
        ]

        reason = self.frame_end.p.reason
        m.d.comb += self.frame_end.p.good.eq(reason == FrameReason.GOOD)
        with m.If(error):
            m.d.comb += reason.eq(FrameReason.ERROR)
        with m.Elif(self.gmii.valid):  # and yet it has ended
            m.d.comb += reason.eq(FrameReason.OVERSIZE)
        with m.Elif(count < MIN_FRAME_BYTES):
            m.d.comb += reason.eq(FrameReason.RUNT)
        with m.Elif(crc != CRC_RESIDUE):
            m.d.comb += reason.eq(FrameReason.FCS)
