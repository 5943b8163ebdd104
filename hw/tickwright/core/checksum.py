"""The checksum over words that a host has written."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC32_ETHERNET
from amaranth.lib.wiring import In, Out

__all__ = ["Checksum"]

WORD_BITS = 32


class Checksum(wiring.Component):
    """Forms the CRC-32 over 32-bit words, each of 4 bytes, the lowest first: that of zlib.

    Before the first word, and after a clear, it is that of nothing, 0. A word in the cycle of a
    clear is ignored.

    Latency: 1 cycle from a word to the sum. Throughput: 1 word per cycle.

    Members
    -------
    clear : ``In(1)``
        Begin anew.
    word, valid : ``In(32)``, ``In(1)``
        The next word; there is one in this cycle.
    sum : ``Out(32)``
        Checksum of all words since.
    """

    clear: In(1)
    word:  In(WORD_BITS)
    valid: In(1)
    sum:   Out(WORD_BITS)

    def elaborate(self, platform):
        m = Module()

        m.submodules.crc = crc = CRC32_ETHERNET(data_width=WORD_BITS).create()
        m.d.comb += [
            crc.start.eq(self.clear),
            crc.data.eq(self.word),
            crc.valid.eq(self.valid & ~self.clear),
            self.sum.eq(crc.crc),
        ]

        return m
