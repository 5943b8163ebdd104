"""What Verilator compiles: the pipeline, its reset from a register, its stages to be watched."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset

__all__ = ["SHOWN", "TwinTop"]

SHOWN = {"feed": "events", "book": "quotes", "strategy": "intents", "risk": "orders"}
"""The stages that hand on within the card, in their order; each with the stream it does so on."""


class TwinTop(wiring.Component):
    """The pipeline, as the harness drives it.

    A reset that is an input of the simulated top would be part of the next state of every register,
    and the simulator would work out all of them again whenever any input changes. Here it comes
    from a register; nothing else differs.

    Latency: 0 cycles; 1 cycle from the reset.

    Members
    -------
    shown : ``Out(4)``
        Bit n: the stage n of `SHOWN` has something to hand on, taken or not.
    *name*
        As `Pipeline` has them.
    """

    def __init__(self, preset: Preset):
        self._pipeline = _Watched(preset)
        super().__init__({**self._pipeline.signature.members, "shown": Out(len(SHOWN))})

    def elaborate(self, platform):
        m = Module()

        reset = Signal(init=1)
        m.d.sync += reset.eq(0)
        m.domains.card = ClockDomain("card", local=True)
        m.d.comb += [
            ClockSignal("card").eq(ClockSignal("sync")),
            ResetSignal("card").eq(reset),
        ]
        m.submodules.pipeline = DomainRenamer("card")(self._pipeline)
        for name, member in self.signature.members.items():
            ours, theirs = getattr(self, name), getattr(self._pipeline, name)
            if member.is_signature:
                connect(m, flipped(ours), theirs)
            else:
                target, source = (theirs, ours) if member.flow is In else (ours, theirs)
                m.d.comb += target.eq(source)

        return m


class _Watched(Pipeline):
    """The pipeline, and a look at what its stages hand on to each other."""

    def __init__(self, preset: Preset):
        super().__init__(preset)
        self.shown = Signal(len(SHOWN))

    def elaborate(self, platform):
        m = super().elaborate(platform)
        streams = [getattr(getattr(m.submodules, stage), stream) for stage, stream in SHOWN.items()]
        m.d.comb += self.shown.eq(Cat(stream.valid for stream in streams))
        return m
