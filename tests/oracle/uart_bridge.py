"""The far end of a serial line as the host has it: a bridge and its registers, byte by byte."""

from __future__ import annotations

from binascii import crc_hqx

__all__ = ["BridgeModel"]

SIZES = {ord("R"): 8, ord("W"): 12}


class BridgeModel:
    """Answers requests as the bridge does; `words` is what is behind it."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.written: list[tuple[int, int]] = []
        self._next = 0
        self._request = b""
        self._deaf = False

    def idle(self) -> None:
        """Let the line have been idle."""
        self._request = b""
        self._deaf = False

    def hear(self, data: bytes) -> bytes:
        """Take bytes that come without a pause; return what is answered."""
        answers = b""
        for byte in data:
            if self._deaf:
                continue
            self._request += bytes([byte])
            size = SIZES.get(self._request[0])
            if size is None:
                self._deaf = True
            elif len(self._request) == size:
                answers += self._carry_out(self._request)
                self._request = b""
        return answers

    def _carry_out(self, request: bytes) -> bytes:
        if crc_hqx(request, 0xFFFF):
            self._deaf = True
            return b""
        number, address = request[1], int.from_bytes(request[2:6], "big")
        answer = bytes([number])
        if request[:1] == b"W":
            if number != self._next:
                return b""
            self.words[address] = value = int.from_bytes(request[6:10], "big")
            self.written.append((address, value))
        else:
            answer += self.words.get(address, 0).to_bytes(4, "big")
        self._next = (number + 1) % 256
        return answer + crc_hqx(answer, 0xFFFF).to_bytes(2, "big")
