"""Ethernet frames in columns: what a capture holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FrameTable"]


@dataclass(frozen=True, eq=False)
class FrameTable:
    """Frames in the order of the capture; row i of each column belongs to frame i.

    Row i is ``data[offset[i] : offset[i] + length[i]]``, from the destination address on, without
    the frame check sequence. ``time_ns`` counts from midnight UTC of the day of the capture's first
    packet: the local midnight of the exchange cannot be known from a capture. ``number`` is the
    place of the first frame in the capture, from 0.
    """

    data: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.uint32]
    time_ns: npt.NDArray[np.uint64]
    number: int = 0

    def __len__(self) -> int:
        return len(self.offset)

    def frame(self, row: int) -> bytes:
        """Return one frame as bytes."""
        start = int(self.offset[row])
        return self.data[start : start + int(self.length[row])].tobytes()
