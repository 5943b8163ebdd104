"""The log of a service: one JSON object a line, with the time, a level and an event."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["Log", "Sparing", "json_log"]

Log = FilteringBoundLogger


def json_log(stream: TextIO) -> Log:
    """Return a log that writes to a stream.

    A line that the stream does not take is lost: a full disk must not stop who tells of it.
    """
    return structlog.wrap_logger(
        _Printer(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )


class _Printer(structlog.PrintLogger):
    """Prints, and never fails."""

    def msg(self, message: str) -> None:
        with suppress(OSError, ValueError):  # it is full, broken or closed
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class Sparing:
    """Passes on so many lines a second, and how many it left out: nobody fills a disk with them."""

    def __init__(
        self, tell: Callable[[str, int], None], most: int, clock: Callable[[], float]
    ) -> None:
        self._tell = tell
        self._most = most
        self._clock = clock
        self._second = -1
        self._told = self._left_out = 0

    def __call__(self, line: str) -> None:
        """Tell a line, with how many were left out before it."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._told = second, 0
        if self._told == self._most:
            self._left_out += 1
            return
        self._tell(line, self._left_out)
        self._told, self._left_out = self._told + 1, 0
