"""What a frame is on the line (IEEE 802.3-2022, clauses 3.2 and 4.4.2)."""

__all__ = ["FCS_BYTES", "GAP_BYTES", "MAX_FRAME_BYTES", "MIN_FRAME_BYTES", "PREAMBLE",
           "PREAMBLE_BYTES", "SFD"]

PREAMBLE       = 0x55  # of each byte; the lowest bit comes first
PREAMBLE_BYTES = 7
SFD            = 0xD5  # start frame delimiter

FCS_BYTES       = 4
MIN_FRAME_BYTES = 64     # from the destination address to the FCS, both included
MAX_FRAME_BYTES = 9_018  # the same; jumbo frames of 9,000 bytes of data, which 802.3 does not know
GAP_BYTES       = 12     # interpacket gap, at the end that sends
