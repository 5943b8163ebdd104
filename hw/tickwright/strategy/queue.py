"""Where intents wait for the gate."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from tickwright.strategy.types import Intent

__all__ = ["IntentQueue"]


class IntentQueue(wiring.Component):
    """Keeps intents in order until the gate takes them; holds one a pair, so it is never full.

    Latency: 1 cycle when nothing waits. Throughput: 1 intent per cycle, in and out.

    Members
    -------
    made : ``In(1)``
        An intent comes in this cycle.
    intent : ``In(Intent(symbols, pairs))``
        The intent.
    intents : ``Out(stream.Signature(Intent))``
        Intents for the gate.
    """

    def __init__(self, preset):
        self._depth = preset.pairs
        self._layout = Intent(preset.symbols, preset.pairs)
        super().__init__({
            "made":    In(1),
            "intent":  In(self._layout),
            "intents": Out(stream.Signature(self._layout)),
        })

    def elaborate(self, platform):
        m = Module()

        width = self._layout.as_shape().width
        m.submodules.queue = queue = SyncFIFOBuffered(width=width, depth=self._depth)
        free, waits = Signal(), Signal()
        m.d.comb += [
            free.eq(~self.intents.valid | self.intents.ready),
            waits.eq(queue.level != 0),
            queue.w_data.eq(self.intent),
            queue.w_en.eq(self.made & (waits | ~free)),
            queue.r_en.eq(free),
        ]
        with m.If(free):
            m.d.sync += [
                self.intents.valid.eq(Mux(waits, queue.r_rdy, self.made)),
                self.intents.payload.eq(Mux(waits, queue.r_data, self.intent)),
            ]

        return m
