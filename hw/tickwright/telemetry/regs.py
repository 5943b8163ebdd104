"""Registers of the telemetry stage."""

from tickwright.core.regs import Block, Status
from tickwright.telemetry.messages import NUMBER_BITS

__all__ = ["TelemetryRegs"]


class TelemetryRegs(Block):
    """How much was decided, and how much of it was not told."""

    decided = Status(NUMBER_BITS, "Number that the next record takes: records decided since reset, "
                                  "those dropped included.", unit="records")
    dropped = Status(32, "Records dropped, for too many waited in the stage; stops counting at its "
                         "maximum.", unit="records")
