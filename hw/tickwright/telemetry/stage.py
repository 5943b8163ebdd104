"""The telemetry stage: what the card decides, as records that leave it."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.telemetry.messages import RECORD_BYTES
from tickwright.telemetry.regs import TelemetryRegs
from tickwright.telemetry.sequencer import Sequencer
from tickwright.telemetry.sources import SOURCES, shapes

__all__ = ["TelemetryStage"]


class TelemetryStage(wiring.Component):
    """Tells the host all that the pipeline records, and never makes it wait. ::

        quotes ... responses ─▶ sequencer ─▶ records
                                    └─ decided, dropped ─▶ registers ◀─ bus

    Latency: 3 cycles from a stream to ``records``, when nothing waits. Throughput: 1 record per
    cycle.

    Members
    -------
    now_ns : ``In(64)``
        Card time.
    quotes, taints, overflows, capacities, coalesced, controls, intents, verdicts, orders, applied,
    responses
        What the stages show, as the pipeline has it.
    records : ``Out(stream.Signature(512, always_ready=True))``
        The records of `tickwright.telemetry.messages`; byte i is ``payload[8*i:8*i+8]``.
    bus : ``In(BusSignature(...))``
        Access from the host, to `TelemetryRegs`.
    """

    def __init__(self, preset):
        self._preset = preset
        self._regs = RegisterFile(TelemetryRegs)
        super().__init__({
            "now_ns":  In(64),
            **{name: In(stream.Signature(shape, always_ready=True))
               for name, shape in shapes(preset).items()},
            "records": Out(stream.Signature(8 * RECORD_BYTES, always_ready=True)),
            "bus":     self._regs.signature.members["bus"],
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs      = regs      = self._regs
        m.submodules.sequencer = sequencer = Sequencer(self._preset)

        m.d.comb += sequencer.now_ns.eq(self.now_ns)
        for name in SOURCES:
            connect(m, flipped(getattr(self, name)), getattr(sequencer, name))
        connect(m, sequencer.records, flipped(self.records))
        connect(m, flipped(self.bus), regs.bus)
        regs.attach(m, sequencer)

        return m
