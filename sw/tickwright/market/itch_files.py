"""ITCH in the BinaryFILE form: each message after its 2-byte length.

The form is known here from the exchange's sample days. Its own document was not at hand: that a
length of 0 is accepted as the end of a file is leniency of ours, not a rule cited from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tickwright.feed.messages import ITCH_SIZES, ItchMessage, MoldUdp64Block
from tickwright.market.big_endian import copy_bytes, get_u16, read_stamps
from tickwright.market.compiled import compiled
from tickwright.market.drafts import named
from tickwright.market.messages_table import MessageTable
from tickwright.market.report import ReadReport
from tickwright.market.source import Source

__all__ = ["MAX_MESSAGE", "MIN_MESSAGE", "SIZES", "looks_like_itch", "read_records", "write_itch"]

MIN_MESSAGE = 12  # bytes of the shortest message
MAX_MESSAGE = 1450  # bytes that fit a datagram of 1500 bytes: less IPv4, UDP, MoldUDP64, length
LENGTH_BYTES = MoldUdp64Block.field("length").size
HEAD = ItchMessage.size

CHUNK_BYTES = 16 << 20
LOOK_AHEAD_BYTES = 1 << 17  # more than the longest record and the one after it
MAX_DAMAGED_RECORDS = 20
RECOGNISED_RECORDS = 16

SIZES = np.zeros(256, dtype=np.uint8)
"""Size of each ITCH message by its type; 0 where there is no such type."""
for _kind, _size in ITCH_SIZES.items():
    SIZES[ord(_kind)] = _size


def _is_exact(data: bytes, at: int) -> bool:
    """Whether a record at byte ``at`` has the length of its type."""
    if at + LENGTH_BYTES >= len(data):
        return False
    length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
    return length > 0 and int(SIZES[data[at + LENGTH_BYTES]]) == length


def looks_like_itch(head: bytes) -> bool:
    """Whether at least half of the first records have a known type and its length."""
    at = exact = records = 0
    while at + LENGTH_BYTES < len(head) and records < RECOGNISED_RECORDS:
        exact += _is_exact(head, at)
        records += 1
        at += LENGTH_BYTES + int.from_bytes(head[at : at + LENGTH_BYTES], "big")
    return 0 < records <= 2 * exact


@compiled
def _index_records(data, start, stop, offset, length):
    """Find whole records from ``start``; return how many and where the next would begin."""
    found = 0
    at = start
    while found < len(offset) and at + LENGTH_BYTES <= stop:
        size = get_u16(data, at)
        if size < MIN_MESSAGE or size > MAX_MESSAGE or at + LENGTH_BYTES + size > stop:
            break
        offset[found] = at + LENGTH_BYTES
        length[found] = size
        found += 1
        at += LENGTH_BYTES + size
    return found, at


class _Records:
    """Walks through the records of one source."""

    def __init__(self, source: Source, report: ReadReport, chunk_bytes: int) -> None:
        self.source = source
        self.report = report
        self.chunk_bytes = chunk_bytes
        self.sequence = 1
        self.damaged = 0
        self.finished = False

    def _note(self, text: str) -> None:
        self.report.damage.append(f"{self.source.path}: {text}")

    def _step_over(self, data: bytes, at: int, place: int) -> int:
        """Return where to go on behind a record whose length cannot be, or -1."""
        length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
        after = at + LENGTH_BYTES + length
        found = f"byte {place}: found message length {length}, expected {MIN_MESSAGE} to "
        found += f"{MAX_MESSAGE}"
        if length == 0 and after == len(data):  # taken as an end mark
            return -1
        self.damaged += 1
        if self.damaged > MAX_DAMAGED_RECORDS:
            self._note(f"{found}; stopped there after {MAX_DAMAGED_RECORDS} such records")
            return -1
        if after > len(data):
            self._note(f"{found}; the file ends before such a message does")
            return -1
        if after < len(data) and not _is_exact(data, after):
            self._note(f"{found}; stopped there, for what follows is no message either")
            return -1
        self._note(f"{found}; went on behind it")
        return after

    def _table(self, data: bytes, at: int, room: int) -> tuple[MessageTable, int]:
        buffer = np.frombuffer(data, dtype=np.uint8)
        offset = np.empty(room, dtype=np.int64)
        length = np.empty(room, dtype=np.uint16)
        found, at = _index_records(buffer, at, len(data), offset, length)
        stamps = np.empty(found, dtype=np.uint64)
        read_stamps(buffer, offset[:found], stamps)
        sequence = np.arange(self.sequence, self.sequence + found, dtype=np.uint64)
        self.sequence += found
        return MessageTable(
            data=buffer,
            offset=offset[:found].copy(),
            length=length[:found].copy(),
            sequence=sequence,
            arrival_ns=stamps,
            frame=(sequence - np.uint64(1)).astype(np.uint32),
            line=np.zeros(found, dtype=np.uint8),
        ), at

    def walk(self) -> Iterator[MessageTable]:
        rest = b""
        while not self.finished:
            base = self.source.position - len(rest)
            piece = self.source.read(self.chunk_bytes)
            last = len(piece) < self.chunk_bytes
            data = rest + piece
            at = 0
            while len(data) - at >= (LENGTH_BYTES if last else LOOK_AHEAD_BYTES):
                table, at = self._table(data, at, (len(data) - at) // (MIN_MESSAGE + 2) + 1)
                if len(table):
                    yield table
                if len(data) - at < (LENGTH_BYTES if last else LOOK_AHEAD_BYTES):
                    break
                length = int.from_bytes(data[at : at + LENGTH_BYTES], "big")
                if MIN_MESSAGE <= length <= MAX_MESSAGE:  # cut: the rest of the file is too short
                    break
                at = self._step_over(data, at, base + at)
                self.sequence += 1  # what it was is lost: its number is a gap
                if at < 0:
                    return
            rest = data[at:]
            self.report.position = self.source.consumed
            if last:
                if rest and not self.source.damage:
                    self._note(
                        f"byte {base + at}: the file ends within a message, of which "
                        f"{len(rest)} bytes are there"
                    )
                return


def read_records(
    source: Source, report: ReadReport, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[MessageTable]:
    """Yield the messages of a BinaryFILE, a chunk at a time.

    A record whose length cannot be is noted, costs a sequence number, and is stepped over where
    what follows is a message again; else reading ends there.
    """
    yield from _Records(source, report, chunk_bytes).walk()


@compiled
def _copy_records(data, offset, length, out):
    at = 0
    for row in range(len(offset)):
        size = np.int64(length[row])
        out[at] = size >> 8
        out[at + 1] = size & 0xFF
        copy_bytes(out, at + 2, data, offset[row], size)
        at += 2 + size


def write_itch(path: Path, messages: MessageTable) -> None:
    """Write messages as a BinaryFILE."""
    out = np.empty(int(messages.length.sum(dtype=np.int64)) + 2 * len(messages), dtype=np.uint8)
    _copy_records(messages.data, messages.offset, messages.length, out)
    with named(path), path.open("wb") as file:
        file.write(out.data)
