"""The bus of a twin that another process keeps."""

from __future__ import annotations

from collections.abc import Sequence

from tickwright.bus.errors import BusError
from tickwright.bus.twin_link import HEAD, READ, VALUE, WRITE
from tickwright.bus.twin_socket import TwinSocket
from tickwright.bus.way import Way

__all__ = ["TwinBus"]

TIMEOUT_S = 5.0


class TwinBus(Way):
    """Reads and writes the registers of the twin behind the local socket at ``path``.

    A write returns once the socket took it. An address or value that does not fit 32 bits is a
    BusError, and nothing is sent.
    """

    def __init__(self, path: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._socket = TwinSocket(path, timeout_s)

    def read(self, addr: int) -> int:
        return self.read_words((addr,))[0]

    def read_words(self, addrs: Sequence[int]) -> list[int]:
        self._socket.send(b"".join(self._packed(READ, addr, 0) for addr in addrs))
        answers = HEAD.iter_unpack(self._socket.take(HEAD.size * len(addrs)))
        return [self._value(addr, *answer) for addr, answer in zip(addrs, answers, strict=True)]

    def _value(self, addr: int, letter: bytes, where: int, value: int) -> int:
        if (letter, where) != (VALUE, addr):
            self.close()
            raise BusError(
                f"twin:{self._path}: found {letter!r} of {where:#x}, expected {addr:#x} as read"
            )
        return value

    def write(self, addr: int, value: int) -> None:
        self._socket.send(self._packed(WRITE, addr, value))

    def close(self) -> None:
        self._socket.close()

    def _packed(self, letter: bytes, addr: int, value: int) -> bytes:
        if addr % 4 or not (0 <= addr < 1 << 32 and 0 <= value < 1 << 32):
            raise BusError(
                f"twin:{self._path}: found address {addr:#x}, value {value:#x}, expected "
                "an address that is a multiple of 4, and 32 bits each"
            )
        return HEAD.pack(letter, addr, value)
