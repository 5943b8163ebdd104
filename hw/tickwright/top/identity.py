"""The first words of the register map."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.top.memory_map import IdentityRegs, fingerprint
from tickwright.top.presets import Preset

__all__ = ["Identity"]


class Identity(wiring.Component):
    """Tells the host what card it talks to, and what time it is there.

    The cycle of the read is the one told: the first cycle after reset is 0.

    Latency: 1 cycle from address to read data.

    Members
    -------
    now_ns : ``In(64)``
        Card time.
    bus : ``In(BusSignature(...))``
        Access from the host.
    """

    def __init__(self, preset: Preset):
        self._preset = preset
        self._regs = RegisterFile(IdentityRegs)
        super().__init__({"now_ns": In(64), "bus": self._regs.signature.members["bus"]})

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs = regs = self._regs
        connect(m, flipped(self.bus), regs.bus)
        cycles = Signal(IdentityRegs.cycles.bits)
        m.d.sync += cycles.eq(cycles + 1)
        m.d.comb += [
            regs.map_hash.eq(fingerprint()),
            regs.now_ns.eq(self.now_ns),
            regs.cycles.eq(cycles),
        ]
        for name in ("symbols", "orders", "window", "pairs", "fanout", "hold", "slots"):
            m.d.comb += getattr(regs, name).eq(getattr(self._preset, name))

        return m
