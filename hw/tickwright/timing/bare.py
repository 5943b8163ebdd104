"""The pipeline as a board has it that takes no records."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset

__all__ = ["BarePipeline"]

PORTS = ("feed_rx", "feed_end", "order_rx", "order_end", "order_tx", "bus")


class BarePipeline(wiring.Component):
    """The pipeline between its wires and its host; what it shows for a record leads nowhere.

    So whatever only records need is left out when it is synthesized. Latency and throughput are
    those of `Pipeline`.

    Members
    -------
    now_ns, feed_rx, feed_end, order_rx, order_end, order_tx, bus
        As `Pipeline` has them.
    """

    def __init__(self, preset: Preset):
        self._pipeline = Pipeline(preset)
        members = self._pipeline.signature.members
        super().__init__({name: members[name] for name in ("now_ns", *PORTS)})

    def elaborate(self, platform):
        m = Module()

        m.submodules.pipeline = pipeline = self._pipeline
        m.d.comb += pipeline.now_ns.eq(self.now_ns)
        for name in PORTS:
            connect(m, flipped(getattr(self, name)), getattr(pipeline, name))

        return m
