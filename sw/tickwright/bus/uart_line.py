"""What the driver of a UART bridge needs of a serial line."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Line"]


class Line(Protocol):
    """Bytes to and from the far end, at a rate that both know.

    Methods raise BusError when the line itself has failed.
    """

    @property
    def name(self) -> str:
        """How a person names the line."""
        ...

    @property
    def baud(self) -> int:
        """Bits per second, of which a byte takes ten."""
        ...

    def send(self, data: bytes) -> None:
        """Put the bytes on their way, without a pause between them."""
        ...

    def take(self, count: int, timeout_s: float) -> bytes:
        """Return the next bytes that came, fewer than ``count`` if the time is over before."""
        ...

    def rest(self, duration_s: float) -> None:
        """Let what was sent leave, then be silent for so long, and forget what has come."""
        ...

    def close(self) -> None:
        """Give the line back."""
        ...
