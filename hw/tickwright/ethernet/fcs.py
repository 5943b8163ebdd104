"""The frame check sequence of Ethernet (IEEE 802.3-2022, clause 3.2.9).

A CRC of 32 bits, kept with its bits reversed: the lowest bit of a byte goes first. It starts as
`CRC_INIT`; the FCS is its complement, the lowest byte first. Over a frame and its FCS, it comes to
`CRC_RESIDUE`.
"""

from functools import cache

from amaranth import *

__all__ = ["CRC_BITS", "CRC_INIT", "CRC_RESIDUE", "crc_equations", "next_crc"]

CRC_BITS    = 32
CRC_INIT    = 0xFFFFFFFF
CRC_RESIDUE = 0xDEBB20E3
POLYNOMIAL  = 0xEDB88320  # 0x04C11DB7, reversed


@cache
def crc_equations(data_bits: int) -> tuple[frozenset[int], ...]:
    """Return, for each bit of the CRC after so many bits of data, what it is the XOR of.

    Bit i of the CRC before is i; bit i of the data is ``CRC_BITS + i``.
    """
    crc = [frozenset({bit}) for bit in range(CRC_BITS)]
    for bit in range(CRC_BITS, CRC_BITS + data_bits):
        feedback = crc[0] ^ {bit}
        crc = [term ^ feedback if POLYNOMIAL >> at & 1 else term
               for at, term in enumerate([*crc[1:], frozenset()])]
    return tuple(crc)


def next_crc(crc: Value, data: Value) -> Value:
    """Return the CRC after ``data``, whose first byte on the line is the lowest; of any width."""
    before = Cat(crc, data)
    return Cat(Cat(before[bit] for bit in sorted(terms)).xor()
               for terms in crc_equations(len(data)))
