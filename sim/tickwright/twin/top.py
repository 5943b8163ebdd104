"""What Verilator compiles: the pipeline with its reset taken from a register."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset

__all__ = ["TwinTop"]


class TwinTop(wiring.Component):
    """The pipeline, as the harness drives it.

    A reset that is an input of the simulated top would be part of the next state of every register,
    and the simulator would work out all of them again whenever any input changes. Here it comes
    from a register; nothing else differs.

    Latency: 0 cycles; 1 cycle from the reset. Members: those of `Pipeline`.
    """

    def __init__(self, preset: Preset):
        self._pipeline = Pipeline(preset)
        super().__init__(self._pipeline.signature)

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
