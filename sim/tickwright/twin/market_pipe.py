"""The frames of a capture, as another process reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from typing import Any

from tickwright.market.frames_table import FrameTable
from tickwright.twin.market import HEAD, unpacked

__all__ = ["MarketPipe"]

READ_BYTES = 1 << 18
ENOUGH = 4  # chunks waiting


class MarketPipe:
    """Takes chunks from the process that reads a capture, without ever waiting for it.

    ``ended`` once all has been read; ``error`` is the reason if that failed.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tickwright.twin.market", json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout
        os.set_blocking(self._out.fileno(), False)
        self._buffer = bytearray()
        self.chunks: deque[FrameTable] = deque()
        self.messages: int | None = None
        self.damage: list[str] = []
        self.error: str | None = None
        self.ended = False

    def fileno(self) -> int:
        """Return what tells when `take` finds something."""
        return self._out.fileno()

    @property
    def wanted(self) -> bool:
        """Whether more should be taken now."""
        return not self.ended and len(self.chunks) < ENOUGH

    def take(self) -> None:
        """Take what there is."""
        try:
            data = os.read(self._out.fileno(), READ_BYTES)
        except BlockingIOError:
            return
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            text, size = HEAD.unpack_from(self._buffer)
            end = HEAD.size + text + size
            if len(self._buffer) < end:
                break
            found = json.loads(self._buffer[HEAD.size : HEAD.size + text])
            self._told(found, bytes(self._buffer[HEAD.size + text : end]))
            del self._buffer[:end]
        if not data and not self.ended:
            self.ended, self.error = True, "found the reader's end, expected that of the capture"

    def close(self) -> None:
        """End the process that reads."""
        self._process.terminate()
        self._process.wait()
        self._out.close()

    def _told(self, found: dict[str, Any], data: bytes) -> None:
        if "frames" in found:
            self.chunks.append(unpacked(found["frames"], data))
        elif "messages" in found:
            self.messages = found["messages"]
        else:
            self.ended = True
            self.damage, self.error = found.get("damage", []), found.get("error")
