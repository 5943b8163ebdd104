"""The highest request number of each key, so that an old message is worth nothing.

A number is in its key's file before the request is carried out, so it is remembered when the
service is killed. It is not forced to the disk: a machine that fails may forget the newest ones,
and with it are gone the connections over which they could come again.
"""

from __future__ import annotations

import os
from pathlib import Path

from tickwright.core.closing import Closing

__all__ = ["HIGHEST", "Numbers", "NumbersError"]

HIGHEST = (1 << 63) - 1
DIGITS = len(str(HIGHEST))


class NumbersError(RuntimeError):
    """What was kept of a key cannot be read or written: one line."""


class Numbers(Closing):
    """The numbers of all keys, by name, in a folder of their own.

    Raises NumbersError where a number cannot be kept; the request must not be carried out then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._newest: dict[str, int] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise NumbersError(f"{folder}: {(error.strerror or 'failed').lower()}") from None

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def newest(self, name: str) -> int:
        """Return the highest number that was taken from a key, 0 where none was."""
        if name not in self._newest:
            self._newest[name] = self._read(name)
        return self._newest[name]

    def take(self, name: str, number: int) -> bool:
        """Take a number from a key; return False, and forget it, unless it is a higher one."""
        if not self.newest(name) < number <= HIGHEST:
            return False
        try:
            os.pwrite(self._files[name], f"{number:0{DIGITS}}\n".encode("ascii"), 0)
        except OSError as error:
            raise self._failed(name, error) from None
        self._newest[name] = number
        return True

    def _read(self, name: str) -> int:
        try:
            file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._files[name] = file
            text = os.pread(file, DIGITS + 2, 0)
        except OSError as error:
            raise self._failed(name, error) from None
        if not text:
            return 0
        if len(text) != DIGITS + 1 or not text[:DIGITS].isdigit():
            raise NumbersError(
                f"{self._folder / name}: found {text!r}, expected a number of {DIGITS} digits"
            )
        return int(text)

    def _failed(self, name: str, error: OSError) -> NumbersError:
        return NumbersError(f"{self._folder / name}: {(error.strerror or 'failed').lower()}")
