"""From frames to the columns of a 10 Gb/s PHY."""

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, Word
from tickwright.ethernet.fcs import CRC_BITS, CRC_INIT, next_crc
from tickwright.ethernet.frame import FCS_BYTES, GAP_BYTES, MIN_FRAME_BYTES
from tickwright.ethernet.xgmii import (
    HALF_BYTES,
    REMOTE_FAULT,
    START_BYTES,
    Code,
    Xgmii,
)

__all__ = ["XgmiiTransmitter"]

MIN_COLUMNS = -(-(MIN_FRAME_BYTES - FCS_BYTES) // WORD_BYTES)
MIN_REST    = MIN_FRAME_BYTES - FCS_BYTES - (MIN_COLUMNS - 1) * WORD_BYTES
OWED_BITS   = 2  # bytes of gap that are owed: up to 3
HALF        = 8 * HALF_BYTES

NOTHING, ERRORS, START, TERMINATED, FAULTY = (int.from_bytes(lanes, "little") for lanes in (
    bytes(WORD_BYTES * [Code.IDLE]),
    bytes(WORD_BYTES * [Code.ERROR]),
    START_BYTES,
    bytes([Code.TERMINATE, *(WORD_BYTES - 1) * [Code.IDLE]]),
    2 * REMOTE_FAULT,
))
ALL_LANES, FIRST_LANES = 0xFF, 0x11


class Kind(enum.Enum, shape=3):
    """What a column is of a frame."""

    IDLE  = 0
    START = 1
    FULL  = 2  # 8 bytes
    LAST  = 3  # up to 8 bytes, and as much of the FCS and the terminate as fits
    TAIL  = 4  # the rest of those
    SPOIL = 5  # errors


class Part(data.Struct):
    """A column of a frame before it is written out."""

    kind:  Kind
    data:  unsigned(8 * WORD_BYTES)  # 0 past the bytes that count
    bytes: unsigned(4)  # of a last column
    half:  unsigned(1)  # the frame begins in lane 4


class XgmiiTransmitter(wiring.Component):
    """Sends frames with preamble, padding and FCS, and a gap of 12 bytes behind each on average.

    A frame begins in lane 0 or 4. Where 12 bytes of gap, the terminate among them, would end
    elsewhere, it is up to 3 bytes shorter, until 3 bytes are owed in all; then it is longer (the
    deficit idle count of clause 46.3.1.4). After a longer pause, a frame begins in lane 0.

    A frame has begun with its first word, and another word is due in each cycle from the one after
    that to the last. If it is not there then, nobody shall take the frame: it goes on with errors
    and ends without FCS. Its words that are still to come, to the last one, are accepted and
    ignored before another frame begins. The length of a frame is not limited.

    While the link is faulty no frame begins, and the words of frames are accepted and ignored:
    after a local fault the other end is told of it, after a remote one nothing is sent (clause
    46.3.4). (IEEE 802.3-2022, clauses 4.2.3 and 46.3.) ::

        words ─▶ [ what column? ] ─▶ [ CRC ] ─▶ [ FCS, codes ] ─▶ [ lane 0 or 4 ] ─▶ xgmii

    Latency: 3 cycles from the one in which a first word is valid to the column with the start, 4
    to its own. Throughput: 8 bytes per cycle; a frame of n bytes takes ``max(n, 60) + 24`` bytes of
    the line on average.

    Members
    -------
    words : ``In(stream.Signature(Word))``
        Frames, from the destination address to the data, without padding and FCS. Of `first`,
        nothing is made: a frame begins after the last word of the one before.
    local_fault, remote_fault : ``In(1)``
        What the receiver of this link finds; see `XgmiiFaults`.
    xgmii : ``Out(Xgmii)``
        What the PHY is to send.
    idle : ``Out(1)``
        No word is being taken, and the gap is over.
    underrun : ``Out(1)``
        For a cycle: a word was not there when it was due.
    dropped : ``Out(1)``
        For a cycle: a frame is ignored because the link is faulty.
    """

    words:        In(stream.Signature(Word))
    local_fault:  In(1)
    remote_fault: In(1)
    xgmii:        Out(Xgmii)
    idle:         Out(1)
    underrun:     Out(1)
    dropped:      Out(1)

    def elaborate(self, platform):
        m = Module()

        part, summed = Signal(Part), Signal(Part)
        self._plan(m, part)
        m.d.sync += summed.eq(part)
        self._write(m, summed, self._sum(m, part))

        return m

    def _plan(self, m, part):
        """Say what each column is, and take its word."""
        ignored = Signal()  # the words to come, to the last one
        due     = Signal()  # a word is
        padding = Signal()  # the words of the frame are over, its shortest length is not
        index   = Signal(range(MIN_COLUMNS + 1))  # columns of it before; stops at the most
        wait    = Signal(2)  # columns of the gap that are still to come
        half    = Signal()  # the next frame may begin in lane 4 of the one after those,
        sharp   = Signal()  # if it begins at once
        word    = self.words.p

        m.d.sync += [part.kind.eq(Kind.IDLE), padding.eq(0)]
        m.d.comb += self.words.ready.eq(due | ignored)
        with m.If(ignored & self.words.valid & word.last):
            m.d.sync += ignored.eq(0)
        with m.FSM():
            with m.State("GAP"):
                m.d.sync += [index.eq(0), wait.eq(wait - 1)]
                with m.If(wait == 0):
                    m.d.comb += self.idle.eq(~ignored)
                    m.d.sync += [wait.eq(0), sharp.eq(0)]
                with m.If(self.idle & self.words.valid):
                    with m.If(self.local_fault | self.remote_fault):
                        m.d.comb += self.dropped.eq(1)
                        m.d.sync += ignored.eq(1)
                    with m.Else():
                        m.d.sync += [part.kind.eq(Kind.START), part.half.eq(half & sharp)]
                        m.next = "FRAME"
            with m.State("FRAME"):
                size, ends = self._take(m, part, padding, index)
                lacks = ~padding & ~self.words.valid
                m.d.comb += [due.eq(~padding), self.underrun.eq(lacks)]
                m.d.sync += [part.kind.eq(Kind.FULL), sharp.eq(1), padding.eq(ends)]
                with m.If(lacks):
                    m.d.sync += [part.kind.eq(Kind.SPOIL), padding.eq(0), ignored.eq(1)]
                    m.next = "TAIL"
                with m.Elif(ends & (index >= MIN_COLUMNS - 1)):
                    m.d.sync += [part.kind.eq(Kind.LAST), padding.eq(0)]
                    m.next = "GAP"
                    with m.If(size >= HALF_BYTES):
                        m.next = "TAIL"
                with m.If(lacks | ends & (index >= MIN_COLUMNS - 1)):
                    self._leave_gap(m, part.half, Mux(lacks, HALF_BYTES, size), wait, half)
            with m.State("TAIL"):
                m.d.sync += part.kind.eq(Kind.TAIL)
                m.next = "GAP"

    def _take(self, m, part, padding, index):
        """Make a column of a word, or of padding; give its bytes if it is the last, and if so."""
        word, size = self.words.p, Signal(range(WORD_BYTES + 1))
        m.d.comb += size.eq(word.bytes)
        with m.If((index == MIN_COLUMNS - 1) & (padding | (word.bytes < MIN_REST))):
            m.d.comb += size.eq(MIN_REST)
        m.d.sync += [part.data.eq(0), part.bytes.eq(size)]
        for lane in range(WORD_BYTES):
            with m.If(~padding & (lane < word.bytes)):
                m.d.sync += part.data.word_select(lane, 8).eq(word.data.word_select(lane, 8))
        with m.If(index != MIN_COLUMNS):
            m.d.sync += index.eq(index + 1)
        return size, padding | word.last

    def _leave_gap(self, m, half_before, size, wait, half):
        """Say where the next frame may begin, behind a last column of so many bytes."""
        owed, excess = Signal(OWED_BITS), size[:OWED_BITS]  # of the terminate's lane over 0 or 4
        longer = owed + excess >= HALF_BYTES
        halves = GAP_BYTES // HALF_BYTES + half_before + ~size[OWED_BITS] + longer
        m.d.sync += owed.eq(owed + excess)  # less the 4 bytes by which it is longer
        m.d.sync += Cat(half, wait).eq(halves - 2)

    def _sum(self, m, part):
        """Make the FCS of a frame, a cycle after its last column."""
        crc, fcs = Signal(CRC_BITS), Signal(CRC_BITS)
        with m.If(part.kind == Kind.START):
            m.d.sync += crc.eq(CRC_INIT)
        with m.Elif(part.kind == Kind.FULL):
            m.d.sync += crc.eq(next_crc(crc, part.data))
        with m.Switch(part.bytes):
            for size in range(1, WORD_BYTES + 1):
                with m.Case(size):
                    m.d.sync += fcs.eq(~next_crc(crc, part.data[:8 * size]))
        return fcs

    def _write(self, m, part, fcs):
        """Write a column out, and bring it to the lanes where the frame began."""
        column, rest, before = Signal(Xgmii), Signal(Xgmii), Signal(Xgmii)
        ending = Signal(data.StructLayout({"data": 2 * 8 * WORD_BYTES, "control": 2 * WORD_BYTES}))
        with m.Switch(part.bytes):
            for size in range(1, WORD_BYTES + 1):
                taken = size + FCS_BYTES
                with m.Case(size):
                    m.d.comb += ending.data.eq(
                        Cat(part.data[:8 * size], fcs, C(Code.TERMINATE, 8), C(NOTHING, 64)))
                    m.d.comb += ending.control.eq(Cat(C(0, taken), C(-1, 2 * WORD_BYTES)))
        with m.Switch(part.kind):
            with m.Case(Kind.IDLE):
                self._say_nothing(m, column)
            with m.Case(Kind.START):
                m.d.comb += [column.data.eq(START), column.control.eq(1)]
            with m.Case(Kind.FULL):
                m.d.comb += column.data.eq(part.data)
            with m.Case(Kind.LAST):
                m.d.comb += [column.data.eq(ending.data), column.control.eq(ending.control)]
            with m.Case(Kind.TAIL):
                m.d.comb += column.eq(rest)
            with m.Case(Kind.SPOIL):
                m.d.comb += [column.data.eq(ERRORS), column.control.eq(ALL_LANES)]
        m.d.sync += [
            rest.data.eq(ending.data[8 * WORD_BYTES:]),
            rest.control.eq(ending.control[WORD_BYTES:]),
        ]
        with m.If(part.kind == Kind.SPOIL):
            m.d.sync += [rest.data.eq(TERMINATED), rest.control.eq(ALL_LANES)]

        m.d.sync += [before.eq(column), self.xgmii.eq(column)]
        with m.If(part.half):
            m.d.sync += [
                self.xgmii.data.eq(Cat(before.data[HALF:], column.data[:HALF])),
                self.xgmii.control.eq(
                    Cat(before.control[HALF_BYTES:], column.control[:HALF_BYTES])),
            ]

    def _say_nothing(self, m, column):
        m.d.comb += [column.data.eq(NOTHING), column.control.eq(ALL_LANES)]
        with m.If(self.local_fault):
            m.d.comb += [column.data.eq(FAULTY), column.control.eq(FIRST_LANES)]
