"""A connection to the process that keeps a twin."""

from __future__ import annotations

import json
import socket
from typing import Any

from tickwright.bus.errors import BusError
from tickwright.bus.twin_link import ASKED, HEAD, MAX_JSON, packed

__all__ = ["TwinSocket"]


class TwinSocket:
    """Sends whole messages and waits for answers, ``timeout_s`` at most for each.

    Raises BusError if nobody listens, nobody answers in time or the twin is gone; after that every
    call does.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            told = (error.strerror or str(error)).lower()
            raise BusError(f"twin:{path}: found {told}, expected a twin that listens") from None

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send a message; wait only while the twin takes none."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._gone(error) from None

    def take(self, size: int) -> bytes:
        """Wait for so many bytes."""
        data = bytearray()
        try:
            while len(data) < size:
                piece = self._socket.recv(size - len(data))
                if not piece:
                    raise ConnectionResetError
                data += piece
        except OSError as error:
            raise self._gone(error) from None
        return bytes(data)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send a request of the wire side and return its answer."""
        self.send(packed(request))
        letter, size, _ = HEAD.unpack(self.take(HEAD.size))
        if letter != ASKED or size > MAX_JSON:
            self.close()
            raise BusError(f"twin:{self._path}: found {letter!r}, expected an answer in JSON")
        answer = json.loads(self.take(size))
        if "error" in answer:
            raise BusError(f"twin:{self._path}: {answer['error']}")
        return answer

    def _gone(self, error: OSError) -> BusError:
        """Close, so that no late answer is taken for that to another question."""
        self.close()
        if isinstance(error, TimeoutError):
            what = f"card does not answer: found nothing for {self._timeout_s} s"
        else:
            what = "card is gone: found the connection closed"
        return BusError(f"twin:{self._path}: {what}, expected an answer")
