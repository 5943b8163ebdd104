"""Registers of the self-test (pure)."""

from tickwright.core.regs import Block, Status

__all__ = ["LOOPBACK_MARK", "LoopbackRegs"]

LOOPBACK_MARK = 0x4C4F4F50
"""What the self-test has where a card has the hash of its register map: ``LOOP``."""


class LoopbackRegs(Block):
    """What became of the frames that the self-test sends without end at port 1.

    A count stops at its maximum.
    """

    mark          = Status(32, "Always 0x4c4f4f50: this is no card, but its self-test.")
    sent          = Status(32, "Frames sent.", unit="frames")
    internal_good = Status(32, "Frames right before the pins of port 1, on their way out.",
                           unit="frames")
    internal_bad  = Status(32, "Frames wrong there.", unit="frames")
    port_0_good   = Status(32, "Frames received right at port 0.", unit="frames")
    port_0_bad    = Status(32, "Frames received wrong at port 0.", unit="frames")
    port_1_good   = Status(32, "Frames received right at port 1.", unit="frames")
    port_1_bad    = Status(32, "Frames received wrong at port 1.", unit="frames")
