"""Where outcomes wait for the strategy."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from tickwright.strategy.types import Outcome

__all__ = ["OutcomeQueue"]


class OutcomeQueue(wiring.Component):
    """Keeps outcomes in order until the strategy takes them; loses none.

    There is room for one refusal a pair and one outcome a slot. An order may have more outcomes
    than one: responses wait while there is no room for theirs, and leave that of the refusals
    alone, so that an intent is never kept from its judgement by fills.

    Latency: 3 cycles when nothing waits. Throughput: 1 outcome per cycle.

    Members
    -------
    refuses, pair : ``In(1)``, ``In(range(pairs))``
        The intent of the pair is refused in this cycle; only with ``room_to_refuse``.
    settles, outcome : ``In(1)``, ``In(Outcome(pairs))``
        A response has this outcome, in this cycle; only with ``room_to_settle``, and not in the
        cycle of a refusal.
    room_to_refuse, room_to_settle : ``Out(1)``
        There is room for it.
    outcomes : ``Out(stream.Signature(Outcome))``
        Outcomes for the strategy.
    """

    def __init__(self, preset):
        self._pairs, self._slots = preset.pairs, preset.slots
        self._layout = Outcome(preset.pairs)
        super().__init__({
            "refuses":        In(1),
            "pair":           In(range(preset.pairs)),
            "settles":        In(1),
            "outcome":        In(self._layout),
            "room_to_refuse": Out(1),
            "room_to_settle": Out(1),
            "outcomes":       Out(stream.Signature(self._layout)),
        })

    def elaborate(self, platform):
        m = Module()

        width, depth = self._layout.as_shape().width, self._slots + self._pairs + 1
        m.submodules.queue = queue = SyncFIFOBuffered(width=width, depth=depth)
        refusal, item = Signal(self._layout), Signal(self._layout)
        m.d.comb += [
            refusal.pair.eq(self.pair),
            refusal.refused.eq(1),
            item.eq(Mux(self.refuses, refusal, self.outcome)),
            queue.w_data.eq(item),
            queue.w_en.eq(self.refuses | self.settles),
            self.room_to_refuse.eq(queue.w_rdy),
            self.room_to_settle.eq(queue.w_rdy & (queue.level < self._slots)),
            queue.r_en.eq(~self.outcomes.valid | self.outcomes.ready),
        ]
        with m.If(queue.r_en):  # a register, for what block RAM gives comes late in a cycle
            m.d.sync += self.outcomes.payload.eq(queue.r_data)
            m.d.sync += self.outcomes.valid.eq(queue.r_rdy)

        return m
