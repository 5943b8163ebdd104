"""The host's end of the UART bridge, over any line."""

from __future__ import annotations

from collections import deque

from tickwright.bus.errors import BusError
from tickwright.bus.uart_line import Line
from tickwright.bus.way import Posting
from tickwright.core.regs import WORD_BITS, WORD_BYTES
from tickwright.uart.messages import (
    IDLE_BITS,
    NUMBERS,
    ReadAnswer,
    ReadRequest,
    Request,
    WriteAnswer,
    WriteRequest,
    is_sound,
    sealed,
)

__all__ = ["UartDriver"]

BITS_PER_BYTE = 10  # on the line
READ_TRIES = 3
UNANSWERED_WRITES = 64  # their answers fit into what any adapter and system keep
ADAPTER_S = 0.25  # an adapter may sit on an answer for tens of milliseconds, a busy host for more
REST_BITS = 2 * IDLE_BITS  # whatever the bridge was in the middle of is over by then


class UartDriver(Posting):
    """Reads and writes the registers behind a UART bridge.

    Writes go out one behind the other; at most 64 wait for their answer. A read is tried three
    times. A write is never tried again, for it may have been carried out: that it was not answered
    is a BusError of the next call that needs to know, at the latest of ``close``. If it was lost,
    the bridge has carried out no write behind it either. The driver itself can be used on.

    Raises BusError: nobody answers, a write was not answered, or an address or value does not fit.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._number = 0  # of the next request
        self._unanswered: deque[tuple[int, int]] = deque()  # number and address of each write
        self._in_step = False  # the bridge is known to expect the number of our next write
        self._closed = False
        self._timeout_s = ADAPTER_S + UNANSWERED_WRITES * _seconds(line, WriteRequest.size)
        try:
            self._rest()  # after another host, or half a message of it
            self.read(0)
        except BusError:
            self._closed = True
            line.close()
            raise

    def read(self, addr: int) -> int:
        self._check(addr, 0)
        number = self._ask(addr)
        self.settle()
        for _ in range(READ_TRIES - 1):
            value = self._answer(number)
            if value is not None:
                return value
            self._rest()
            number = self._ask(addr)
        value = self._answer(number)
        if value is None:
            self._rest()
            raise BusError(
                f"uart:{self._line.name}: read of {addr:#x}: found no answer in {READ_TRIES} "
                f"tries, expected a bridge at {self._line.baud} baud"
            )
        return value

    def write(self, addr: int, value: int) -> None:
        self._check(addr, value)
        if not self._in_step:
            self.read(0)
        if len(self._unanswered) == UNANSWERED_WRITES:
            self._settle_oldest()
        number = self._next_number()
        self._send(WriteRequest(number=number, address=addr, value=value))
        self._unanswered.append((number, addr))

    def settle(self) -> None:
        """Return once every write is answered; raise BusError if one is not.

        Of those that are lost it waits for the first alone: some 0.3 s at 1,000,000 baud.
        """
        while self._unanswered:
            self._settle_oldest()

    def close(self) -> None:
        """Give the line back, once every write is answered; BusError if one is not."""
        if self._closed:
            return
        self._closed = True
        try:
            self.settle()
        finally:
            self._line.close()

    def _ask(self, addr: int) -> int:
        number = self._next_number()
        self._send(ReadRequest(number=number, address=addr))
        return number

    def _send(self, request: Request) -> None:
        in_step, self._in_step = self._in_step, False  # the bridge misses one that fails to leave
        self._line.send(sealed(request))
        self._in_step = in_step

    def _answer(self, number: int) -> int | None:
        """Return the value read by the request of this number, None if it is not told."""
        data = self._line.take(ReadAnswer.size, self._timeout_s)
        if len(data) != ReadAnswer.size or not is_sound(data):
            return None
        answer = ReadAnswer.unpack(data)
        if answer.number != number:
            return None
        self._in_step = True
        return answer.value

    def _settle_oldest(self) -> None:
        number, addr = self._unanswered.popleft()
        behind, self._unanswered = self._unanswered, deque()  # a line that fails loses them too
        in_step, self._in_step = self._in_step, False
        data = self._line.take(WriteAnswer.size, self._timeout_s)
        if data == sealed(WriteAnswer(number=number)):
            self._unanswered, self._in_step = behind, in_step
            return
        self._rest()
        raise BusError(
            f"uart:{self._line.name}: write to {addr:#x}: found {data.hex(' ') or 'no answer'}, "
            f"expected its answer; whether it and the {len(behind)} behind it took place is not "
            "known"
        )

    def _rest(self) -> None:
        self._in_step = False
        self._line.rest(REST_BITS / self._line.baud)

    def _next_number(self) -> int:
        number = self._number
        self._number = (number + 1) % NUMBERS
        return number

    def _check(self, addr: int, value: int) -> None:
        if self._closed:
            raise BusError(f"uart:{self._line.name}: found it closed, expected a line in use")
        fits = 0 <= addr < 1 << WORD_BITS and 0 <= value < 1 << WORD_BITS
        if addr % WORD_BYTES or not fits:
            raise BusError(
                f"uart:{self._line.name}: found address {addr:#x}, value {value:#x}, expected "
                "an address that is a multiple of 4, and 32 bits each"
            )


def _seconds(line: Line, size: int) -> float:
    return size * BITS_PER_BYTE / line.baud
