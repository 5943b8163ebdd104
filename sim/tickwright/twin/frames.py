"""What the twin needs to know of frames."""

from __future__ import annotations

from typing import Protocol

import numpy as np

__all__ = ["Frames"]


class Frames(Protocol):
    """A run of frames in the order of their times, as `market` reads them from a capture.

    Frame i is ``data[offset[i] : offset[i] + length[i]]`` and reaches the card at ``time_ns[i]``.
    """

    @property
    def data(self) -> np.ndarray: ...
    @property
    def offset(self) -> np.ndarray: ...
    @property
    def length(self) -> np.ndarray: ...
    @property
    def time_ns(self) -> np.ndarray: ...
