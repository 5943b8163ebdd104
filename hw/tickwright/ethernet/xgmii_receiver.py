"""From the columns of a 10 Gb/s PHY to frames."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, FrameEnd, Word
from tickwright.ethernet.fcs import CRC_BITS, CRC_INIT, CRC_RESIDUE, next_crc
from tickwright.ethernet.frame import FCS_BYTES, MAX_FRAME_BYTES, MIN_FRAME_BYTES
from tickwright.ethernet.reasons import FrameReason
from tickwright.ethernet.xgmii import Code, Xgmii
from tickwright.ethernet.xgmii_columns import XgmiiColumns

__all__ = ["XgmiiReceiver"]


class XgmiiReceiver(wiring.Component):
    """Passes on the words of a frame while it comes, without its FCS, and then the verdict.

    Where a frame begins and ends, `XgmiiColumns` says. One that does not end with a terminate is
    bad, and so is one with an error in it. A frame without a byte beside its FCS has no word and
    gets no verdict. A frame that is too long is cut off: its last word ends `FCS_BYTES` before the
    limit, and what follows is ignored up to its end. (IEEE 802.3-2022, clauses 3.2, 4.2.4 and
    46.3.) ::

        xgmii ─▶ XgmiiColumns ─┬─▶ [ a word ] ─ does the frame go on? ─▶ words
                               └─▶ [ CRC of columns ] ─▶ [ of the rest ] ─▶ frame_end

    Latency: from the column with a word's last byte to the word 1 cycle, and to `frame_end` 2
    cycles from the column where the frame ends; that is not before the last word, and before the
    first of the next frame. Throughput: 8 bytes per cycle.

    ``max_bytes``: the longest frame that is taken, with its FCS.

    Members
    -------
    xgmii : ``In(Xgmii)``
        What the PHY received.
    words : ``Out(stream.Signature(Word, always_ready=True))``
        Frames, from the destination address to the padding.
    frame_end : ``Out(stream.Signature(FrameEnd, always_ready=True))``
        The verdict on each frame, its reason a `FrameReason`.
    no_start : ``Out(1)``
        For a cycle: a start began no frame.
    no_words : ``Out(1)``
        For a cycle: a frame of fewer than 5 bytes was dropped.
    """

    xgmii:     In(Xgmii)
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

        m.submodules.columns = columns = XgmiiColumns()
        m.d.comb += [columns.xgmii.eq(self.xgmii), self.no_start.eq(columns.no_start)]

        within = Signal()  # the frame goes on, at least into this column
        index  = Signal(range(self.max_bytes // WORD_BYTES + 2))  # columns of it before
        size   = Signal(range(WORD_BYTES + 1))  # bytes of it in this column
        over   = Signal()  # they would be more than are taken
        ends   = Signal()
        m.d.comb += size.eq(WORD_BYTES)
        for lane in reversed(range(WORD_BYTES)):
            with m.If(columns.codes[lane]):
                m.d.comb += size.eq(lane)
        room = self.max_bytes % WORD_BYTES
        with m.If((index == self.max_bytes // WORD_BYTES)
                  & ~columns.codes[:room + 1].any()):
            m.d.comb += [over.eq(1), size.eq(room)]
        m.d.comb += ends.eq(within & (size != WORD_BYTES))
        m.d.sync += within.eq(columns.start | within & ~ends)
        m.d.sync += index.eq(Mux(within, index + 1, 0))

        self._pass_on(m, columns.column, within, index, size, ends)
        self._judge(m, columns, within, index, size, ends, over)

        return m

    def _pass_on(self, m, column, within, index, size, ends):
        """Make words of all but the last 4 bytes, each when it is known whether more follow."""
        held = Signal(8 * WORD_BYTES)  # the column before
        rest = Signal(range(WORD_BYTES))  # bytes of it that are still to come, after the end
        m.d.sync += [held.eq(column.data), rest.eq(0)]

        word = self.words.p
        m.d.comb += [
            self.words.valid.eq(rest.any() | within & (index != 0)),
            word.data.eq(held),
            word.bytes.eq(WORD_BYTES),
            word.first.eq(index == 1),
        ]
        with m.If(rest.any()):
            m.d.comb += [word.bytes.eq(rest), word.last.eq(1)]
        with m.Elif(ends & (size <= FCS_BYTES)):
            m.d.comb += [word.bytes.eq(size + WORD_BYTES - FCS_BYTES), word.last.eq(1)]
            m.d.comb += self.no_words.eq(index == 0)
        with m.Elif(ends):
            m.d.sync += rest.eq(size - FCS_BYTES)

    def _judge(self, m, columns, within, index, size, ends, over):
        """Find what is wrong with the frame; the check of its last bytes takes a cycle more."""
        column, crc, error = columns.column, Signal(CRC_BITS), Signal()
        spoilt = Signal(WORD_BYTES)  # lanes with a code, up to the end but for a terminate there
        m.d.comb += spoilt.eq(column.control & ~columns.codes)
        for lane in range(WORD_BYTES):
            with m.If((size == lane) & ~over):
                m.d.comb += spoilt.eq(
                    column.control[:lane]
                    | (column.data.word_select(lane, 8) != Code.TERMINATE) << lane)
            with m.If((size == lane) & over):
                m.d.comb += spoilt.eq(column.control[:lane])

        with m.If(columns.start):
            m.d.sync += [crc.eq(CRC_INIT), error.eq(0)]
        with m.Elif(within):
            m.d.sync += error.eq(error | spoilt.any())
            with m.If(~ends):
                m.d.sync += crc.eq(next_crc(crc, column.data))

        judged, late, bytes_left, rest = Signal(), Signal(), Signal.like(size), Signal(56)
        short = Signal()
        m.d.sync += [
            judged.eq(ends & ~self.no_words),
            late.eq(over),
            short.eq(index < MIN_FRAME_BYTES // WORD_BYTES),
            bytes_left.eq(size),
            rest.eq(column.data),
        ]
        whole = Signal(CRC_BITS)
        m.d.comb += whole.eq(crc)
        with m.Switch(bytes_left):
            for count in range(1, WORD_BYTES):
                with m.Case(count):
                    m.d.comb += whole.eq(next_crc(crc, rest[:8 * count]))

        reason = Signal(FrameReason)
        with m.If(error):
            m.d.comb += reason.eq(FrameReason.ERROR)
        with m.Elif(late):
            m.d.comb += reason.eq(FrameReason.OVERSIZE)
        with m.Elif(short):
            m.d.comb += reason.eq(FrameReason.RUNT)
        with m.Elif(whole != CRC_RESIDUE):
            m.d.comb += reason.eq(FrameReason.FCS)
        m.d.sync += [
            self.frame_end.valid.eq(judged),
            self.frame_end.p.reason.eq(reason),
            self.frame_end.p.good.eq(reason == FrameReason.GOOD),
        ]
