"""A serial line to a model of the bridge, on which messages can be lost or spoilt."""

from __future__ import annotations

from collections.abc import Callable

from oracle.uart_bridge import BridgeModel

__all__ = ["Fault", "FaultyLine", "cut", "garbled", "lost", "sound"]

Fault = Callable[[bytes], bytes]


class FaultyLine:
    """A line to a model of the bridge, with a fault put on the next messages either way."""

    name = "line"
    baud = 1_000_000

    def __init__(self) -> None:
        self.bridge = BridgeModel()
        self.to_bridge: list[Fault] = []
        self.to_host: list[Fault] = []
        self.sent: list[bytes] = []
        self.waiting = 0  # most bytes of answers that ever waited for the host
        self.rests = 0
        self.silences = 0  # times that the host waited for an answer and none came
        self.open = True
        self._answers = b""

    def send(self, data: bytes) -> None:
        assert self.open
        self.sent.append(data)
        fault = self.to_bridge.pop(0) if self.to_bridge else sound
        answer = self.bridge.hear(fault(data))
        fault = self.to_host.pop(0) if self.to_host else sound
        self._answers += fault(answer)
        self.waiting = max(self.waiting, len(self._answers))

    def take(self, count: int, timeout_s: float) -> bytes:
        assert self.open
        assert timeout_s > 0
        self.silences += not self._answers
        taken, self._answers = self._answers[:count], self._answers[count:]
        return taken

    def rest(self, duration_s: float) -> None:
        assert duration_s * self.baud >= 4096
        self.rests += 1
        self._answers = b""
        self.bridge.idle()

    def close(self) -> None:
        self.open = False


def sound(data: bytes) -> bytes:
    return data


def lost(data: bytes) -> bytes:
    return b""


def garbled(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 0x10]) if data else b""


def cut(data: bytes) -> bytes:
    return data[:-1]
