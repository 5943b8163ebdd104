"""Why a frame is bad, as the MAC numbers it (pure: the host may read it too)."""

from enum import IntEnum

__all__ = ["FrameReason"]


class FrameReason(IntEnum):
    """Reason of a verdict on a frame; where several hold, the lowest number is told."""

    GOOD     = 0
    ERROR    = 1  # the PHY signalled an error while the carrier was there
    OVERSIZE = 2  # longer than is taken; cut off there
    RUNT     = 3  # shorter than 64 bytes with its FCS, be that right or wrong
    FCS      = 4  # the frame check sequence is wrong
