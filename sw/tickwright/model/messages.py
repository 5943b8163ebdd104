"""A run of messages as columns, which is what every part of the model reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tickwright.feed.messages import MoldUdp64Block
from tickwright.model.compiled import compiled_maker

__all__ = ["MessageTable"]

_LENGTH_BYTES = MoldUdp64Block.field("length").size


@dataclass(eq=False)
class MessageTable:
    """Messages, one a row, in the order of the rows.

    `data` holds the bytes of all of them: row i those from ``offset[i]`` on, ``length[i]`` of them.
    Columns left out are 0; sequences left out count from 1.
    """

    data: np.ndarray  # uint8
    offset: np.ndarray  # int64, in data
    length: np.ndarray  # int32, bytes
    sequence: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    arrival_ns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    frame: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    line: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __post_init__(self) -> None:
        rows = len(self.offset)
        if not len(self.sequence) and rows:
            self.sequence = np.arange(1, rows + 1, dtype=np.uint64)
        kinds = {
            "offset": "i8",
            "length": "i4",
            "sequence": "u8",
            "arrival_ns": "i8",
            "frame": "u4",
            "line": "u1",
        }
        self.data = np.frombuffer(self.data, np.uint8)
        for name, kind in kinds.items():
            column = np.ascontiguousarray(getattr(self, name), kind)
            if not len(column):
                column = np.zeros(rows, kind)
            if len(column) != rows:
                raise ValueError(f"messages: {name}: found {len(column)} rows, expected {rows}")
            setattr(self, name, column)
        ends = self.offset + self.length
        if rows and (
            int(self.offset.min()) < 0
            or int(self.length.min()) < 1
            or int(ends.max()) > len(self.data)
        ):
            raise ValueError(f"messages: a row ends beyond the {len(self.data)} bytes of data")

    def __len__(self) -> int:
        return len(self.offset)

    @classmethod
    def from_blocks(cls, data: bytes | np.ndarray, first_sequence: int = 1) -> MessageTable:
        """Return the whole messages of a BinaryFILE: each follows its length in two bytes."""
        bytes_ = np.frombuffer(data, np.uint8)
        offset, length = _index_blocks(bytes_)
        sequence = np.uint64(first_sequence) + np.arange(len(offset), dtype=np.uint64)
        return cls(bytes_, offset, length, sequence)

    def rows(self, which: np.ndarray | slice) -> MessageTable:
        """Return some of the rows, by their indices, in that order."""
        return MessageTable(
            self.data,
            self.offset[which],
            self.length[which],
            self.sequence[which],
            self.arrival_ns[which],
            self.frame[which],
            self.line[which],
        )

    def by_sequence(self) -> MessageTable:
        """Return each sequence once, in order; of several copies the first row stands."""
        _, first = np.unique(self.sequence, return_index=True)
        return self.rows(first)


@compiled_maker
def _index_blocks(data):
    """Return where each whole message starts and how long it is; it stops at a length of 0."""
    offset = np.empty(len(data) // (_LENGTH_BYTES + 1), np.int64)
    length = np.empty(len(offset), np.int32)
    rows = at = 0
    while at + _LENGTH_BYTES <= len(data):
        size = np.int64(data[at]) << 8 | data[at + 1]
        start = at + _LENGTH_BYTES
        if size == 0 or start + size > len(data):
            break
        offset[rows], length[rows] = start, size
        rows += 1
        at = start + size
    return offset[:rows].copy(), length[:rows].copy()
