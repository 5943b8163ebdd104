"""The bytes of a file, plain or gzip, a piece at a time."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from tickwright.core.closing import Closing
from tickwright.market.errors import MarketError

__all__ = ["Source"]

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 1 << 20  # read from the file at once, compressed
GZIP_WINDOW = 31  # zlib's way to say: expect a gzip header


def _unreadable(path: Path, error: OSError) -> MarketError:
    """Return the error of a file that the system does not let one read."""
    reason = (error.strerror or "cannot be read").lower()
    return MarketError(f"{path}: {reason}; expected a file of market data")


class Source(Closing):
    """Reads a file whose content says whether it is compressed.

    ``position`` counts bytes after decompression. Where compressed data is damaged, reading ends
    early and ``damage`` says why; what came before it is read like any other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        self.damage = ""
        try:
            self.size = path.stat().st_size
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from None
        try:
            magic = self._file.read(len(GZIP_MAGIC))
            self._file.seek(0)
        except OSError as error:
            self._file.close()
            raise _unreadable(path, error) from None
        self.compressed = magic == GZIP_MAGIC
        self._inflater = zlib.decompressobj(GZIP_WINDOW) if self.compressed else None
        self._pending = b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far, compressed as they are: for progress."""
        return self._file.tell()

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes; fewer only at the end of what can be read."""
        try:
            data = self._file.read(count) if self._inflater is None else self._inflate(count)
        except OSError as error:
            raise _unreadable(self.path, error) from None
        self.position += len(data)
        return data

    def _inflate(self, count: int) -> bytes:
        parts: list[bytes] = []
        left = count
        while left and not self.damage:
            if self._inflater is None:
                break
            if self._inflater.eof:
                self._pending = self._inflater.unused_data + self._pending
                if not self._pending:
                    self._pending = self._file.read(PIECE_BYTES)
                if not self._pending.strip(b"\0"):  # padding after the last member is allowed
                    break
                self._inflater = zlib.decompressobj(GZIP_WINDOW)
            if not self._pending:
                self._pending = self._file.read(PIECE_BYTES)
                if not self._pending:
                    self.damage = (
                        f"{self.path}: the gzip data ends early, after byte "
                        f"{self._file.tell()} of the file; expected its end mark"
                    )
                    break
            try:
                part = self._inflater.decompress(self._pending, left)
            except zlib.error as error:
                reason = str(error).rpartition(": ")[2]
                self.damage = (
                    f"{self.path}: the gzip data is damaged before byte {self._file.tell()} of the "
                    f"file: {reason}"
                )
                break
            self._pending = self._inflater.unconsumed_tail
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
