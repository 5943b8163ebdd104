"""One bus to the host, many blocks behind it."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from tickwright.core.regfile import BusSignature
from tickwright.top.memory_map import BLOCK_WORDS, BLOCKS

__all__ = ["BusDecoder", "bus_signature"]

OFFSET_BITS = (BLOCK_WORDS - 1).bit_length()


def bus_signature() -> BusSignature:
    """Return the signature of the bus that reaches every block."""
    return BusSignature(OFFSET_BITS + (len(BLOCKS) - 1).bit_length())


class BusDecoder(wiring.Component):
    """Passes each access on to the block it addresses.

    An access outside every block is ignored and reads as 0. The read data of the blocks are joined
    by OR: a block that was not read shows 0.

    Latency: 0 cycles either way. Throughput: 1 access per cycle.

    Members
    -------
    bus : ``In(BusSignature(...))``
        Access from the host.
    """

    bus: In(bus_signature())

    def __init__(self):
        super().__init__()
        self._blocks = []

    def add(self, index: int, block: wiring.PureInterface):
        """Let ``block``, a bus as seen by its owner, answer at place ``index`` of the map."""
        if len(block.addr) > OFFSET_BITS:
            raise ValueError(f"block {index}: found {len(block.addr)} address bits, expected at "
                             f"most {OFFSET_BITS}")
        self._blocks.append((index, block))

    def elaborate(self, platform):
        m = Module()

        found = Const(0, 32)
        for index, block in self._blocks:
            offset = self.bus.addr[:OFFSET_BITS]
            ours = (self.bus.addr[OFFSET_BITS:] == index) & (offset[len(block.addr):] == 0)
            m.d.comb += [
                block.addr.eq(offset),
                block.w_data.eq(self.bus.w_data),
                block.w_en.eq(self.bus.w_en & ours),
                block.r_en.eq(self.bus.r_en & ours),
            ]
            found = found | block.r_data
        m.d.comb += self.bus.r_data.eq(found)

        return m
