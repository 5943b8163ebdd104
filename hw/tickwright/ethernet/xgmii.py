"""What flows between a MAC and a 10 Gb/s PHY, 8 bytes a cycle of 156.25 MHz."""

from enum import IntEnum

from amaranth import *
from amaranth.lib import data

from tickwright.core.streams import WORD_BYTES
from tickwright.ethernet.frame import PREAMBLE, PREAMBLE_BYTES, SFD

__all__ = ["HALF_BYTES", "LOCAL_FAULT", "REMOTE_FAULT", "START_BYTES", "Code", "Xgmii"]



class Xgmii(data.Struct):
    """Two transfers of the XGMII, the first in lanes 0 to 3 (IEEE 802.3-2022, clause 46.3).

    ``data[8 * n : 8 * n + 8]`` is the byte of lane n, and ``control[n]`` says that it is a code.
    """

    data:    unsigned(8 * WORD_BYTES)
    control: unsigned(WORD_BYTES)


class Code(IntEnum):
    """What a lane says where it carries no data (table 46-3)."""

    IDLE      = 0x07
    SEQUENCE  = 0x9C
    START     = 0xFB
    TERMINATE = 0xFD
    ERROR     = 0xFE


HALF_BYTES = 4
"""Lanes of one transfer; what begins, a frame or a sequence, begins in the first of them."""

START_BYTES = bytes([Code.START, *(PREAMBLE_BYTES - 1) * [PREAMBLE], SFD])
"""What stands before a frame; only its first byte is a code."""

LOCAL_FAULT, REMOTE_FAULT = (bytes([Code.SEQUENCE, 0, 0, which]) for which in (1, 2))
"""Sequences that tell of a fault (table 46-5); only the first byte is a code."""

