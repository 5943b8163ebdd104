"""The bus of a board whose bridge is on a serial port of this host."""

from __future__ import annotations

import os
import termios
import time

import serial

from tickwright.bus.errors import BusError
from tickwright.bus.uart_driver import UartDriver

__all__ = ["DEFAULT_BAUD", "SerialLine", "UartBus"]

DEFAULT_BAUD = 1_000_000
MAX_BAUD = 12_000_000  # of the fastest adapters
WRITE_TIMEOUT_S = 2.0  # nothing on this line stops the host from sending


class UartBus(UartDriver):
    """Reads and writes the registers behind the bridge at ``place``, ``DEVICE`` or ``DEVICE@BAUD``.

    Raises BusError: the text is neither, the port cannot be opened, or no bridge answers.
    """

    def __init__(self, place: str) -> None:
        device, at, rate = place.partition("@")
        baud = DEFAULT_BAUD
        if at:
            baud = int(rate) if rate.isascii() and rate.isdecimal() and len(rate) < 9 else 0
        if not device or not 0 < baud <= MAX_BAUD:
            raise BusError(
                f"uart: found {place!r}, expected DEVICE or DEVICE@BAUD, with a rate from 1 to "
                f"{MAX_BAUD}"
            )
        super().__init__(SerialLine(device, baud))


class SerialLine:
    """A serial port of this host, for itself alone: 8 data bits, no parity, 1 stop bit."""

    def __init__(self, device: str, baud: int) -> None:
        self.name = device
        self.baud = baud
        try:
            self._port = serial.Serial(
                device, baud, timeout=0, write_timeout=WRITE_TIMEOUT_S, exclusive=True
            )
        except (OSError, ValueError, termios.error) as error:
            raise BusError(
                f"uart:{device}: found {_told(error)}, expected a serial port at {baud} baud"
            ) from None

    def send(self, data: bytes) -> None:
        """Hand the bytes to the port."""
        try:
            self._port.write(data)
        except (OSError, termios.error) as error:
            raise self._failed(error) from None

    def take(self, count: int, timeout_s: float) -> bytes:
        """Return the next bytes that came, fewer than ``count`` if the time is over before."""
        try:
            if self._port.timeout != timeout_s:
                self._port.timeout = timeout_s
            return self._port.read(count)
        except (OSError, termios.error) as error:
            raise self._failed(error) from None

    def rest(self, duration_s: float) -> None:
        """Let what was sent leave, then be silent for so long, and forget what has come."""
        try:
            self._port.flush()
            time.sleep(duration_s)
            self._port.reset_input_buffer()
        except (OSError, termios.error) as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _failed(self, error: Exception) -> BusError:
        return BusError(f"uart:{self.name}: found {_told(error)}, expected a port that works")


def _told(error: Exception) -> str:
    """Return what the system says of the error; the port's own text has several forms."""
    number = getattr(error, "errno", None)
    return (os.strerror(number) if number else str(error).splitlines()[0]).lower()
