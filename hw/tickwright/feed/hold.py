"""Where messages wait that came too early."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.feed.moldudp64 import FeedMessage

__all__ = ["HoldRing"]


class HoldRing(wiring.Component):
    """Keeps messages by their sequence; cleared after reset.

    The entry of sequence q is at q mod ``depth``, with the rest of q as its tag: what was there
    before is overwritten, and is not found any more.

    Latency: 1 cycle from a question to its answer. What is kept in a cycle is found by a question
    in the next one. Throughput: 1 of each per cycle.

    Members
    -------
    asked, there : ``In(64)``, ``Out(1)``
        A sequence, and a cycle later: it is in the ring.
    keep, message : ``In(1)``, ``In(FeedMessage(symbols))``
        Keep a message.
    read, probe : ``In(1)``, ``In(64)``
        Read the entry of a sequence.
    found, entry : ``Out(1)``, ``Out(FeedMessage(symbols))``
        From the cycle after until the next read: it was there, and this is it.
    cleared : ``Out(1)``
        The ring has been cleared since reset; until then nothing is kept.
    """

    def __init__(self, symbols: int, depth: int):
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"depth is {depth}, expected a power of two from 2 on")
        self.depth = depth
        self.shape = FeedMessage(symbols)
        super().__init__({
            "asked":   In(64),
            "there":   Out(1),
            "keep":    In(1),
            "message": In(self.shape),
            "read":    In(1),
            "probe":   In(64),
            "found":   Out(1),
            "entry":   Out(self.shape),
            "cleared": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        bits = self.depth.bit_length() - 1
        tag = data.StructLayout({"used": 1, "above": 64 - bits})
        m.submodules.tags = tags = Memory(shape=tag, depth=self.depth, init=[])
        m.submodules.messages = messages = Memory(shape=self.shape, depth=self.depth, init=[])
        w_tag, w_message = tags.write_port(), messages.write_port()
        ask, r_tag, r_message = tags.read_port(), tags.read_port(), messages.read_port()

        above_asked, above_probe = Signal(64 - bits), Signal(64 - bits)
        m.d.sync += above_asked.eq(self.asked[bits:])
        with m.If(self.read):
            m.d.sync += above_probe.eq(self.probe[bits:])
        m.d.comb += [
            ask.addr.eq(self.asked[:bits]),
            self.there.eq(ask.data.used & (ask.data.above == above_asked)),
            r_tag.addr.eq(self.probe[:bits]),
            r_message.addr.eq(self.probe[:bits]),
            r_tag.en.eq(self.read),
            r_message.en.eq(self.read),
            self.found.eq(r_tag.data.used & (r_tag.data.above == above_probe)),
            self.entry.eq(r_message.data),
            w_message.addr.eq(self.message.sequence[:bits]),
            w_message.data.eq(self.message),
            w_message.en.eq(self.keep),
        ]

        walk = Signal(bits)
        with m.If(self.cleared):
            m.d.comb += [
                w_tag.addr.eq(self.message.sequence[:bits]),
                w_tag.data.used.eq(1),
                w_tag.data.above.eq(self.message.sequence[bits:]),
                w_tag.en.eq(self.keep),
            ]
        with m.Else():
            m.d.comb += w_tag.addr.eq(walk), w_tag.en.eq(1)
            m.d.sync += walk.eq(walk + 1), self.cleared.eq(walk.all())

        return m
