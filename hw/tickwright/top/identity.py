"""The first words of the register map."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.top.memory_map import IdentityRegs, fingerprint
from tickwright.top.presets import Preset

__all__ = ["Identity"]


class Identity(wiring.Component):
    """Tells the host what card it talks to.

    Latency: 1 cycle from address to read data.

    Members
    -------
    bus : ``In(BusSignature(...))``
        Access from the host.
    """

    def __init__(self, preset: Preset):
        self._preset = preset
        self._regs = RegisterFile(IdentityRegs)
        super().__init__({"bus": self._regs.signature.members["bus"]})

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs = regs = self._regs
        connect(m, flipped(self.bus), regs.bus)
        m.d.comb += regs.map_hash.eq(fingerprint())
        for name in ("symbols", "orders", "window", "pairs", "fanout", "hold", "slots"):
            m.d.comb += getattr(regs, name).eq(getattr(self._preset, name))

        return m
