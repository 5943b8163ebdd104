"""The ring of telemetry records that a card on PCI Express fills."""

from __future__ import annotations

from tickwright.bus.host_ring import HostRing, Memory
from tickwright.core.regs import Bus
from tickwright.pcie.regs import ENDPOINT_BASE, PcieRegs

__all__ = ["RecordRing"]


class RecordRing(HostRing):
    """The card's telemetry, in order, each record once; the card may interrupt when some came.

    Raises RingError if card or memory do not fit.
    """

    def __init__(self, bus: Bus, memory: Memory, log2: int) -> None:
        self._endpoint = PcieRegs(bus, ENDPOINT_BASE)
        super().__init__(self._endpoint, memory, log2, "record ring")

    def start(self, spacing_cycles: int = 0) -> None:
        """Empty the ring and let the card write; interrupts are so many cycles apart at least.

        Raises RingError if the card may not master the bus.
        """
        self._endpoint.spacing = spacing_cycles
        super().start()
