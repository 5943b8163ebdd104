"""Telemetry on the disk: files of whole records, as they came from the ring.

A segment is a head of 64 bytes and then records that lay one behind the other in one ring, of one
generation. So a recorder that was killed knows, from the newest segment alone, where in the ring to
go on: nothing is written twice. Files are named by number, `records-000001.tw64` first.

What was written outlives the process at once, and a failure of the machine from the next sync of
its file on. Of a record that a crash left unfinished, nothing is kept.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tickwright.core.closing import Closing
from tickwright.core.wire import Alpha, Message, Raw, UInt
from tickwright.host.records import TABLES, Journal
from tickwright.recorder.numbering import Numbering
from tickwright.recorder.records import column, split, unpack
from tickwright.telemetry.messages import RECORD_BYTES, VERSION

__all__ = ["Loss", "Place", "SegmentHead", "SegmentWriter", "SegmentsError", "read_segments",
           "recent", "segment_losses"]  # fmt: skip

NAME = "records-{:06d}.tw64"
PATTERN = "records-[0-9][0-9][0-9][0-9][0-9][0-9]*.tw64"
MAGIC = "tw64segm"
MOST_BYTES = 256 << 20


class SegmentsError(RuntimeError):
    """A folder or a segment that cannot be used: one line that says which and why."""


class SegmentHead(Message, magic=MAGIC, version=VERSION):
    """The head of a segment."""

    magic = Alpha(8, "Says what the file is.")
    version = UInt(2, "Version of the records.")
    identity = UInt(8, "Random name of the ring that the records came through.")
    generation = UInt(8, "Its generation.")
    place = UInt(8, "Records that went through the ring before the first.", unit="records")
    made_ns = UInt(8, "Time since the epoch, as the host had it.", unit="ns")
    reserved = Raw(22, "Up to the size of a record.")


@dataclass(frozen=True)
class Place:
    """A place in a ring: its identity, the generation, and the records before."""

    identity: int
    generation: int
    count: int


@dataclass(frozen=True)
class Loss:
    """Records that a segment has not, or that nobody knows."""

    path: Path
    missing: int  # by their numbers, before and within the segment
    unknown: int  # of no kind or version that is known


class SegmentWriter(Closing):
    """The one process that writes a folder.

    ``end`` is the place behind the newest record on the disk, None where there is none. Raises
    SegmentsError where another process writes it, or its newest segment is none.
    """

    def __init__(self, folder: Path, now_ns: Callable[[], int], most_bytes: int = MOST_BYTES):
        self._now_ns = now_ns
        self._most = max(1, most_bytes // RECORD_BYTES)
        self._file = -1
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._own()
            paths = _paths(folder)
            self._number = int(paths[-1].stem.partition("-")[2]) if paths else 0
            recovered = (_recovered(path) for path in reversed(paths))
            self.end = next((end for end in recovered if end is not None), None)
        except BaseException:
            os.close(self._handle)
            raise
        self._count = 0  # records in the open segment
        self.error = ""  # why the newest records were not all kept

    def append(self, records: np.ndarray, place: Place) -> int:
        """Write the records, which begin at a place; return how many of them were kept.

        Where they are not all kept, ``error`` says why, and those kept are whole and the first.
        """
        kept, self.error = 0, ""
        try:
            while kept < len(records) and not self.error:
                here = Place(place.identity, place.generation, place.count + kept)
                if self._file < 0 or here != self.end or self._count >= self._most:
                    self._begin(here)
                part = records[kept : kept + self._most - self._count]
                kept += self._written(part, here)
        except OSError as error:
            self._fail(error)
        return kept

    def duplicate(self) -> int | None:
        """Return another descriptor of the open segment, to be synced and closed by the caller.

        None where there is no open segment, or no descriptor to be had.
        """
        try:
            return os.dup(self._file) if self._file >= 0 else None
        except OSError:
            return None

    def close(self) -> None:
        """Sync, and give the folder up."""
        try:
            self._end()
        finally:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1

    def _own(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SegmentsError(
                f"{self._folder}: found another process that writes it, expected none"
            ) from None

    def _begin(self, place: Place) -> None:
        """Open the next segment; one that cannot have its head is taken away again."""
        self._end()
        path = self._folder / NAME.format(self._number + 1)
        head = SegmentHead(
            identity=place.identity,
            generation=place.generation,
            place=place.count,
            made_ns=self._now_ns(),
        ).pack()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            if os.write(file, head) < len(head):
                raise OSError(0, "found no room for the head of a segment")
            os.fsync(self._handle)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._file, self._number, self._count, self.end = file, self._number + 1, 0, place

    def _end(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            try:
                os.fdatasync(file)
            finally:
                os.close(file)

    def _written(self, records: np.ndarray, place: Place) -> int:
        """Write records to the open segment; cut what is not whole."""
        data = np.ascontiguousarray(records).data.cast("B")
        done = 0
        try:
            while done < len(data):
                done += os.write(self._file, data[done:])
        except OSError as error:
            self._fail(error)
        whole = done // RECORD_BYTES
        self._count += whole
        self.end = Place(place.identity, place.generation, place.count + whole)
        if done % RECORD_BYTES:
            os.ftruncate(self._file, (1 + self._count) * RECORD_BYTES)
            os.lseek(self._file, 0, os.SEEK_END)
        return whole

    def _fail(self, error: OSError) -> None:
        self.error = f"{self._folder}: {(error.strerror or 'failed').lower()}"


def read_segments(folder: Path) -> Journal:
    """Return all records of a folder as tables, in their order.

    Records that are missing or unknown are not told here; see `segment_losses`. Raises
    SegmentsError where a segment is none.
    """
    tables: dict[str, list[np.ndarray]] = {name: [] for name in TABLES}
    for path in _paths(folder):
        _, records = _read(path)
        for name, found in split(records)[0].items():
            tables[name].append(unpack(name, found))
    return Journal(
        **{
            name: np.concatenate([np.zeros(0, TABLES[name]), *parts])
            for name, parts in tables.items()
        }
    )


def recent(folder: Path, identity: int, most: int) -> tuple[list[tuple[int, np.ndarray]], int]:
    """Return the newest segments that came through a ring, oldest first, and what was left out.

    Each is its generation and its records; of all together at most so many, and whole segments
    alone. The second number counts the records of that ring in the segments before.
    """
    found: list[tuple[int, np.ndarray]] = []
    left = most
    left_out = 0
    for path in reversed(_paths(folder)):
        head, records = _read(path)
        if head.identity != identity:
            continue
        if len(records) > left:
            left = 0
        if left:
            left -= len(records)
            found.append((head.generation, records))
        else:
            left_out += len(records)
    return found[::-1], left_out


def segment_losses(folder: Path) -> list[Loss]:
    """Return each segment that lacks records, or has some that are of no known kind."""
    return list(_losses(folder))


def _losses(folder: Path) -> Iterator[Loss]:
    numbering, before = Numbering(), None
    for path in _paths(folder):
        head, records = _read(path)
        if before != (head.identity, head.generation):
            numbering.begin()
        before = (head.identity, head.generation)
        missing, unknown = numbering.follow(column(records, "number")), split(records)[1]
        if missing or unknown:
            yield Loss(path, missing, unknown)


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(PATTERN), key=lambda path: (len(path.name), path.name))


def _read(path: Path) -> tuple[SegmentHead, np.ndarray]:
    """Return the head and the whole records of a segment, without reading them all at once."""
    head = _head(path)
    count = path.stat().st_size // RECORD_BYTES - 1
    if not count:
        return head, np.zeros((0, RECORD_BYTES), np.uint8)
    shape = (count, RECORD_BYTES)
    return head, np.memmap(path, np.uint8, "r", offset=RECORD_BYTES, shape=shape)


def _head(path: Path) -> SegmentHead:
    with path.open("rb") as file:
        start = file.read(RECORD_BYTES)
    try:
        return SegmentHead.unpack(start)
    except ValueError as error:
        raise SegmentsError(f"{path}: {error}") from None


def _recovered(path: Path) -> Place | None:
    """Cut what a crash left unfinished; return the place behind the last whole record.

    A segment without a whole head holds nothing, and is taken away.
    """
    size = path.stat().st_size
    if size < RECORD_BYTES:
        path.unlink()
        return None
    head = _head(path)
    if size % RECORD_BYTES:
        os.truncate(path, size - size % RECORD_BYTES)
    count = size // RECORD_BYTES - 1
    return Place(head.identity, head.generation, head.place + count)
