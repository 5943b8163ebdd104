"""Two feed lines that come in at two ports, as the one stream that the feed stage takes."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import WORD_BYTES, FrameEnd, Word

__all__ = ["LINES", "LineJoin"]

LINES = 2
ITEM  = data.StructLayout({"word": Word, "ended": 1, "end": FrameEnd})
COUNT_BITS = 32


class LineJoin(wiring.Component):
    """Passes whole frames of either line on, one after the other.

    A frame is passed on while it comes. One that comes meanwhile on the other line waits; one for
    which its line's queue has no room when it begins is dropped whole and counted, which the feed
    stage sees as a packet that the line lost. Together the lines may bring one word a cycle. ::

        lines[0] ─▶ [ queue ] ─┐
                               ├─ a frame at a time ─▶ words, frame_end
        lines[1] ─▶ [ queue ] ─┘

    Latency: 2 cycles from a word to the same at ``words``, when nothing waits. Throughput: 1 word
    per cycle.

    ``longest``: bytes of the longest frame without its FCS. ``depth``: words that a line may have
    waiting, at least two of the longest frames.

    Members
    -------
    lines, ends : ``In(stream, always ready)``, 2 of each
        Frames, and the verdict on each together with its last word.
    words, frame_end : ``Out(stream, always ready)``
        The same.
    dropped : ``Out(32)``, 2
        Frames dropped of each line; stops counting at its maximum.
    """

    def __init__(self, *, longest: int = 1518, depth: int = 512):
        self._longest, self._depth = -(-longest // WORD_BYTES), depth
        if depth < 2 * self._longest:
            raise ValueError(f"depth is {depth}, expected at least {2 * self._longest}")
        super().__init__({
            "lines":     In(stream.Signature(Word, always_ready=True)).array(LINES),
            "ends":      In(stream.Signature(FrameEnd, always_ready=True)).array(LINES),
            "words":     Out(stream.Signature(Word, always_ready=True)),
            "frame_end": Out(stream.Signature(FrameEnd, always_ready=True)),
            "dropped":   Out(COUNT_BITS).array(LINES),
        })

    def elaborate(self, platform):
        m = Module()

        queues = [SyncFIFOBuffered(width=ITEM.size, depth=self._depth) for _ in range(LINES)]
        for line, queue in enumerate(queues):
            m.submodules[f"queue_{line}"] = queue
            self._admit(m, line, queue)

        chosen, within = Signal(), Signal()  # the line whose frame is passed on; one is
        other = ~queues[0].r_rdy | (queues[1].r_rdy & ~chosen)
        line, taken = Signal(), Signal(ITEM)
        m.d.comb += line.eq(Mux(within, chosen, other))
        for number, queue in enumerate(queues):
            with m.If(line == number):
                m.d.comb += [
                    taken.eq(queue.r_data),
                    queue.r_en.eq(1),
                    self.words.valid.eq(queue.r_rdy),
                ]
        with m.If(self.words.valid):
            m.d.sync += [chosen.eq(line), within.eq(~taken.word.last)]
        m.d.comb += [
            self.words.p.eq(taken.word),
            self.frame_end.valid.eq(self.words.valid & taken.ended),
            self.frame_end.p.eq(taken.end),
        ]

        return m

    def _admit(self, m, line: int, queue):
        """Take a frame of a line if all of it will have room, else none of it."""
        words, end = self.lines[line], self.ends[line]
        item, taking, takes = Signal(ITEM, name=f"item_{line}"), Signal(), Signal()
        m.d.comb += takes.eq(Mux(words.p.first, queue.w_level + self._longest <= self._depth,
                                 taking))
        m.d.comb += [
            item.word.eq(words.p),
            item.ended.eq(end.valid),
            item.end.eq(end.p),
            queue.w_data.eq(item),
            queue.w_en.eq(words.valid & takes),
        ]
        with m.If(words.valid):
            m.d.sync += taking.eq(takes)
            with m.If(words.p.first & ~takes & ~self.dropped[line].all()):
                m.d.sync += self.dropped[line].eq(self.dropped[line] + 1)
