"""The checksum over what a host has written."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

__all__ = ["BYTE_BITS", "Checksum", "bytes_of"]

BYTE_BITS = 8


def bytes_of(value):
    """Cut a value into its bytes, the lowest first."""
    return [value[at:at + BYTE_BITS] for at in range(0, len(value), BYTE_BITS)]


class Checksum(wiring.Component):
    """Forms the CRC-32 over bytes: that of zlib.

    Before the first byte, and after a clear, it is that of nothing, 0. A byte in the cycle of a
    clear is ignored.

    Latency: 1 cycle from a byte to the sum. Throughput: 1 byte per cycle.

    Members
    -------
    clear : ``In(1)``
        Begin anew.
    byte, valid : ``In(8)``, ``In(1)``
        The next byte; there is one in this cycle.
    sum : ``Out(32)``
        Checksum of all bytes since.
    """

    clear: In(1)
    byte:  In(BYTE_BITS)
    valid: In(1)
    sum:   Out(32)

    def elaborate(self, platform):
        m = Module()

        m.submodules.crc = crc = CRC32_ETHERNET(data_width=BYTE_BITS).create()
        m.d.comb += [
            crc.start.eq(self.clear),
            crc.data.eq(self.byte),
            crc.valid.eq(self.valid & ~self.clear),
            self.sum.eq(crc.crc),
        ]

        return m
