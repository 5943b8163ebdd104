"""The ring of telemetry records in host memory: one process writes, one reads, nobody waits.

A file that both map: a page of counts, then as many slots of one record as the ring has. ``head``
counts the records ever written, ``tail`` those ever read; record n lies in slot n modulo the slots.
The writer stores records before it moves the head, the reader copies them before it moves the tail;
each count is one aligned store of 8 bytes by one side alone, so there is no moment at which the
other side could see half a change. (The order of stores is that of x86-64.)

A full ring drops what comes, and counts it. A writer that takes the place of another begins a new
*generation* after the records of the old, which stay readable; a reader that takes the place of
another goes on at the tail. A ring bears a random name, its ``identity``, from its making on.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np

from tickwright.core.closing import Closing
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["RingError", "RingReader", "RingWriter"]

PAGE_BYTES = 4096
MAGIC = int.from_bytes(b"tw64ring", "little")
VERSION = 1
LINE = 8  # counts of different writers lie in cache lines of their own, of so many words
WORD_MAGIC, WORD_VERSION, WORD_ENTRIES, WORD_IDENTITY, WORD_GENERATION = range(5)
WORD_HEAD, WORD_TAIL, WORD_DROPPED = 1 * LINE, 2 * LINE, 3 * LINE
WORD_BEGINNINGS, BEGINNINGS = 64, 64  # where each of the last generations began
FEWEST, MOST = 64, 1 << 28  # entries
WRITER, READER = range(2)  # byte of the file that each side locks


class RingError(RuntimeError):
    """A ring that cannot be used: one line that says which and why."""


class _Ring(Closing):
    """One side's mapping of a ring file, locked for that side."""

    def __init__(self, path: Path, side: int) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise RingError(f"{path}: found no ring, expected one") from None
        try:
            self._own(side)
            self._map = self._mapped()
        except BaseException:
            os.close(self._file)
            raise
        words = np.frombuffer(self._map, np.uint64, PAGE_BYTES // 8)
        slots = np.frombuffer(self._map, np.uint8, offset=PAGE_BYTES)
        self._words, self._slots = words, slots.reshape(-1, RECORD_BYTES)

    def close(self) -> None:
        """Give this side of the ring up."""
        if self._file >= 0:
            self._words = self._slots = np.zeros(0, np.uint64)  # they hold the mapping
            self._map.close()
            os.close(self._file)
            self._file = -1

    @property
    def entries(self) -> int:
        """How many records the ring can hold."""
        return self._word(WORD_ENTRIES)

    @property
    def identity(self) -> int:
        """The ring's random name, of 64 bits."""
        return self._word(WORD_IDENTITY)

    @property
    def head(self) -> int:
        """Records ever written, those dropped not counted."""
        return self._word(WORD_HEAD)

    @property
    def tail(self) -> int:
        """Records ever read."""
        return self._word(WORD_TAIL)

    @property
    def dropped(self) -> int:
        """Records ever dropped, for the ring was full."""
        return self._word(WORD_DROPPED)

    def _word(self, place: int) -> int:
        if self._file < 0:
            raise RingError(f"{self._path}: found it closed, expected it open")
        return int(self._words[place])

    def _own(self, side: int) -> None:
        """Lock a byte for this side, until the file is closed; the kernel undoes it after a kill.

        The lock is one of the open file, so that it holds within one process too.
        """
        lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, side, 1, 0)
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, lock)
        except (BlockingIOError, PermissionError):
            what = "reader" if side == READER else "writer"
            raise RingError(f"{self._path}: found another {what}, expected none") from None

    def _mapped(self) -> mmap.mmap:
        size = os.fstat(self._file).st_size
        start = os.pread(self._file, PAGE_BYTES, 0)
        if len(start) < PAGE_BYTES:
            raise RingError(f"{self._path}: found {size} bytes, expected a ring")
        words = np.frombuffer(start, np.uint64)
        entries = int(words[WORD_ENTRIES])
        for what, found, expected in (
            ("magic", int(words[WORD_MAGIC]), MAGIC),
            ("version", int(words[WORD_VERSION]), VERSION),
            ("size", size, PAGE_BYTES + entries * RECORD_BYTES),
        ):
            if found != expected:
                raise RingError(f"{self._path}: found {what} {found}, expected {expected}")
        if not 0 <= int(words[WORD_HEAD]) - int(words[WORD_TAIL]) <= entries:
            raise RingError(
                f"{self._path}: found head {words[WORD_HEAD]} and tail {words[WORD_TAIL]}, "
                f"expected at most {entries} between them"
            )
        return mmap.mmap(self._file, size)


class RingWriter(_Ring):
    """The side that plays the card: it never waits.

    Makes the ring if there is none; one that is there must have as many ``entries``, a power of
    two. Raises RingError where it cannot be used, or has a writer.
    """

    def __init__(self, path: Path, entries: int) -> None:
        if not FEWEST <= entries <= MOST or entries & (entries - 1):
            raise RingError(
                f"{path}: found {entries} entries, expected a power of two from {FEWEST} to {MOST}"
            )
        if not path.exists():
            _make(path, entries)
        super().__init__(path, WRITER)
        if self.entries != entries:
            found = self.entries
            self.close()
            raise RingError(f"{path}: found {found} entries, expected {entries}")
        generation = self._word(WORD_GENERATION) + 1
        self._words[WORD_BEGINNINGS + generation % BEGINNINGS] = self.head
        self._words[WORD_GENERATION] = generation

    def write(self, records: np.ndarray) -> int:
        """Write as many as there is room for, from the first on; count the rest as dropped.

        Returns how many were written.
        """
        head, entries = self.head, self.entries
        count = min(len(records), entries - (head - self.tail))
        start = head % entries
        first = min(count, entries - start)
        self._slots[start : start + first] = records[:first]
        self._slots[: count - first] = records[first:count]
        self._words[WORD_HEAD] = head + count
        if count < len(records):
            self._words[WORD_DROPPED] = self.dropped + len(records) - count
        return count


class RingReader(_Ring):
    """The side that takes records out.

    `read` copies records and goes on behind them; `release` gives their slots back. What was read
    and not released is read again by the next reader. Raises RingError where there is no ring, or
    it has a reader.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, READER)
        self._place = 0
        self.generation = 0
        self.seek(self.tail)

    @property
    def place(self) -> int:
        """Records before the next one to be read."""
        return self._place

    @property
    def lost(self) -> int:
        """Records that the writers dropped, ever."""
        return self.dropped

    @property
    def waiting(self) -> int:
        """Records written and not yet read."""
        return self.head - self._place

    def seek(self, place: int) -> None:
        """Go on at a place between tail and head. Raises RingError where it lies elsewhere."""
        if not self.tail <= place <= self.head:
            raise RingError(
                f"{self._path}: found place {place}, expected from {self.tail} to {self.head}"
            )
        self._place = place
        newest = self._word(WORD_GENERATION)
        oldest = max(0, newest - BEGINNINGS + 1)
        self.generation = next(
            (each for each in range(newest, oldest, -1) if self._beginning(each) <= place), oldest
        )

    def read(self, most: int) -> np.ndarray:
        """Return a copy of at most so many records, none if none waits; all of one `generation`."""
        end = self.head  # before the generation: whoever wrote up to here had begun by then
        newest = self._word(WORD_GENERATION)
        self.generation = max(self.generation, newest - BEGINNINGS)
        while self.generation < newest:
            beginning = self._beginning(self.generation + 1)
            if self._place < beginning:
                end = min(end, beginning)
                break
            self.generation += 1
        count = min(most, end - self._place)
        start = self._place % self.entries
        first = min(count, self.entries - start)
        records = np.empty((count, RECORD_BYTES), np.uint8)
        records[:first] = self._slots[start : start + first]
        records[first:] = self._slots[: count - first]
        self._place += count
        return records

    def release(self) -> None:
        """Let the writer use the slots of what was read."""
        self._words[WORD_TAIL] = self._place

    def check(self) -> None:
        """Raise RingError where the ring's name is no longer that of this file."""
        ours = os.fstat(self._file)
        try:
            theirs = self._path.stat()
        except FileNotFoundError:
            raise RingError(f"{self._path}: found it gone, expected the ring") from None
        if (ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino):
            raise RingError(f"{self._path}: found another file, expected the ring")

    def _beginning(self, generation: int) -> int:
        return self._word(WORD_BEGINNINGS + generation % BEGINNINGS)


def _make(path: Path, entries: int) -> None:
    """Make a ring under another name, then give it its own: nobody sees it half made."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    words = np.zeros(PAGE_BYTES // 8, np.uint64)
    words[WORD_MAGIC], words[WORD_VERSION], words[WORD_ENTRIES] = MAGIC, VERSION, entries
    words[WORD_IDENTITY] = int.from_bytes(os.urandom(8), "little")
    file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(file, words.tobytes(), 0)
        os.posix_fallocate(file, PAGE_BYTES, entries * RECORD_BYTES)
        with suppress(FileExistsError):  # another made one meanwhile
            path.hardlink_to(draft)
    finally:
        os.close(file)
        draft.unlink()
