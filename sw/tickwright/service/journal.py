"""The journal: what was asked of the card and what it did, so kept that tampering shows.

A file of lines, one entry each, in JSON with sorted keys. An entry holds the hash of the entry
before it, and its own: SHA-256 over both the hash before and the entry's other fields. Changing,
removing, inserting or moving an entry breaks the chain there. Entries cut off at the end leave a
shorter chain that is whole: whoever kept the hash of the newest entry (`head`) finds that too.

An entry is on the disk before `append` returns. A last line that a crash left unfinished was never
acknowledged; it is cut when the journal is opened, and an entry says so.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickwright.core.closing import Closing
from tickwright.service.protocol import Entry

__all__ = ["GENESIS", "Journal", "JournalError", "Verified", "entries", "verify"]

GENESIS = "0" * 64  # what the first entry holds as the hash before it
REPAIRED = "journal.repaired"
COLUMNS = {"number": int, "time_ns": int, "by": str, "what": str, "details": dict,
           "before": str, "hash": str}  # fmt: skip
READ_BYTES = 1 << 20


class JournalError(RuntimeError):
    """A journal that cannot be trusted or written: one line that says where and why."""


@dataclass(frozen=True)
class Verified:
    """A whole chain: how many entries, and the hash of the newest (`GENESIS` for none).

    ``size`` is of all whole lines, in bytes; ``torn`` of an unfinished last line, which counts not.
    """

    count: int
    head: str
    size: int
    torn: int


class Journal(Closing):
    """A journal that this process owns, and appends to.

    Raises JournalError when another process owns it, when its chain is broken, and from `append`
    when the entry cannot be kept; then nothing of it is, and a later `append` may succeed.
    """

    def __init__(self, path: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = path
        self._now_ns = now_ns
        self._turn = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        try:
            self._own()
            found = verify(path)
            self.count, self.head, self._size = found.count, found.head, found.size
            self._torn = False  # what could not be kept may still be in the file
            if found.torn:
                self._cut()
                self.append("journal", REPAIRED, {"cut_bytes": found.torn})
            _settle(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def close(self) -> None:
        """Give the journal up."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def append(self, by: str, what: str, details: Mapping[str, Any]) -> Entry:
        """Keep an entry; it is on the disk when this returns. ``details`` is what JSON can hold.

        Any thread may call it.
        """
        with self._turn:
            return self._append(by, what, details)

    def _append(self, by: str, what: str, details: Mapping[str, Any]) -> Entry:
        body = {
            "number": self.count + 1,
            "time_ns": self._now_ns(),
            "by": by,
            "what": what,
            "details": dict(details),
            "before": self.head,
        }
        found = body | {"hash": _hash(body)}
        line = _line(found)
        try:
            if self._torn:
                self._cut()
            self._torn = True
            self._write(line)
            os.fdatasync(self._file)
            self._torn = False
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise JournalError(
                f"{self._path}: entry {self.count + 1} ({what}): {(error.strerror or '').lower()}"
            ) from None
        entry = _entry(found)
        self.count, self.head, self._size = entry.number, entry.hash, self._size + len(line)
        return entry

    def _own(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(
                f"{self._path}: found a process that owns it already, expected none"
            ) from None

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._file, line) :]

    def _cut(self) -> None:
        """Leave the whole entries only."""
        os.ftruncate(self._file, self._size)
        os.fsync(self._file)
        self._torn = False


def verify(path: Path, head: str | None = None) -> Verified:
    """Follow the chain from its beginning; with ``head``, to that hash as the newest.

    Raises JournalError at the first entry that does not fit: file, line, what was found and
    expected. An unfinished last line is told of, and is no fault.
    """
    count, size, before = 0, 0, GENESIS
    for line in _lines(path):
        if not line.endswith(b"\n"):
            found = Verified(count, before, size, len(line))
            break
        before = _follow(path, count + 1, before, line)
        count, size = count + 1, size + len(line)
    else:
        found = Verified(count, before, size, 0)
    if head is not None and head != found.head:
        raise JournalError(
            f"{path}: newest entry: found {found.head}, expected {head}: entries are missing at "
            "the end, or are newer"
        )
    return found


def entries(path: Path, first: int, most: int) -> list[Entry]:
    """Return at most so many entries from number ``first``; below 1 it counts from the end.

    Raises JournalError where the chain is broken, wherever that is.
    """
    found = verify(path)
    start = max(1, found.count + 1 + first if first < 1 else first)
    return [
        _entry(json.loads(line))
        for number, line in enumerate(_lines(path), start=1)
        if start <= number < min(start + most, found.count + 1)
    ]


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=READ_BYTES) as file:
        yield from file


def _follow(path: Path, number: int, before: str, line: bytes) -> str:
    """Check one line of the chain; return its hash."""
    where = f"{path}: line {number}"
    found = _parsed(line)
    if found is None:
        raise JournalError(f"{where}: found {_shown(line)}, expected an entry")
    body = {name: found[name] for name in COLUMNS if name != "hash"}
    if found["number"] != number:
        raise JournalError(f"{where}: found entry {found['number']}, expected entry {number}")
    if found["before"] != before:
        raise JournalError(f"{where}: entry {number}: found {found['before']} as the hash before, "
                           f"expected {before}")  # fmt: skip
    if found["hash"] != _hash(body) or line != _line(found):
        raise JournalError(f"{where}: entry {number} was changed: found hash {found['hash']}, "
                           f"expected {_hash(body)}")  # fmt: skip
    return found["hash"]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a line holds, None where it has not the columns of an entry."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.keys() != COLUMNS.keys():
        return None
    good = all(type(found[name]) is kind for name, kind in COLUMNS.items())
    return found if good else None


def _shown(line: bytes) -> str:
    text = line[:40].decode("ascii", "replace").rstrip("\n")
    return repr(text + ("..." if len(line) > 40 else ""))


def _line(found: Mapping[str, Any]) -> bytes:
    """Return an entry as its line has it; there is one way to write it."""
    return _canonical(found) + b"\n"


def _canonical(found: Mapping[str, Any]) -> bytes:
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry(**{name: value for name, value in found.items() if name != "before"})


def _settle(folder: Path) -> None:
    """Put the name of a new file on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
