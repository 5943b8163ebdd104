"""The hardware clock of a network interface, as Linux offers it."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tickwright.core.closing import Closing
from tickwright.host.clock import ClockError
from tickwright.market.times import SECOND_NS

__all__ = ["PtpClock"]

CLOCK_OF_FILE = 3  # the kernel's kind of clock that is an open file


class PtpClock(Closing):
    """Tells nanoseconds since 1970, UTC, by a PTP clock such as ``/dev/ptp0``.

    PTP clocks count TAI, which is ahead of UTC by the leap seconds so far; ``tai_ahead_s`` says by
    how many (0 for a clock that was set to UTC). Leaving its context closes it. Raises ClockError
    if the file cannot be opened or is no clock.
    """

    def __init__(self, path: Path, *, tai_ahead_s: int) -> None:
        self._path = path
        self._ahead_ns = tai_ahead_s * SECOND_NS
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._refused(error) from None
        try:
            self()
        except ClockError:
            self.close()
            raise

    def __call__(self) -> int:
        """Return the time now."""
        try:
            return time.clock_gettime_ns(~self._file << 3 | CLOCK_OF_FILE) - self._ahead_ns
        except OSError as error:
            raise self._refused(error) from None

    def close(self) -> None:
        """Close the clock's file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _refused(self, error: OSError) -> ClockError:
        told = (error.strerror or str(error)).lower()
        return ClockError(f"{self._path}: found {told}, expected a PTP clock")
