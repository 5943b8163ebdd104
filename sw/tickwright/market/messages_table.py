"""Messages in columns: what the readers of market data hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FAULT_ROW", "HEARTBEAT_ROW", "LINE_A", "LINE_B", "MessageTable"]

LINE_A = 0
LINE_B = 1

# No message is shorter than 12 bytes; a reader that is asked for them marks other events so.
HEARTBEAT_ROW = 0  # length of a row that stands for a heartbeat or the end of the session
FAULT_ROW = 1  # length of a row that stands for a framing fault


@dataclass(frozen=True, eq=False)
class MessageTable:
    """Messages in arrival order; row i of each column belongs to message i.

    Row i is ``data[offset[i] : offset[i] + length[i]]``, an ITCH message without its 2-byte
    length. ``sequence`` is the MoldUDP64 sequence number; in a BinaryFILE the first record has 1.
    ``arrival_ns`` is card time: for a capture the packet's time stamp, counted from midnight UTC of
    the day of the first packet; for a BinaryFILE the message's own time stamp. ``frame`` is the
    number of the frame in the capture, or of the record in the file, from 0. ``line`` is 0 for
    line A and a BinaryFILE, 1 for line B.

    Rows of length ``HEARTBEAT_ROW`` and ``FAULT_ROW`` are there only where the reader was asked for
    them (``controls``): their sequence is the next one expected, and the first one dropped.
    """

    data: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.uint16]
    sequence: npt.NDArray[np.uint64]
    arrival_ns: npt.NDArray[np.uint64]
    frame: npt.NDArray[np.uint32]
    line: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.offset)

    def message(self, row: int) -> bytes:
        """Return one message as bytes."""
        start = int(self.offset[row])
        return self.data[start : start + int(self.length[row])].tobytes()

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64] | slice) -> MessageTable:
        """Return the table of some rows; the data is shared."""
        return MessageTable(
            data=self.data,
            offset=self.offset[rows],
            length=self.length[rows],
            sequence=self.sequence[rows],
            arrival_ns=self.arrival_ns[rows],
            frame=self.frame[rows],
            line=self.line[rows],
        )

    @classmethod
    def from_messages(cls, messages: Sequence[bytes]) -> MessageTable:
        """Return the table of messages as a BinaryFILE would hold them."""
        lengths = np.array([len(message) for message in messages], dtype=np.int64)
        ends = np.cumsum(lengths)
        stamps = [int.from_bytes(message[5:11], "big") for message in messages]
        return cls(
            data=np.frombuffer(b"".join(messages), dtype=np.uint8),
            offset=(ends - lengths).astype(np.int64),
            length=lengths.astype(np.uint16),
            sequence=np.arange(1, len(messages) + 1, dtype=np.uint64),
            arrival_ns=np.array(stamps, dtype=np.uint64),
            frame=np.arange(len(messages), dtype=np.uint32),
            line=np.zeros(len(messages), dtype=np.uint8),
        )
