"""When the last byte of a message was at the card's receive port."""

from __future__ import annotations

from collections import deque

import numpy as np

from tickwright.core.streams import WORD_BYTES
from tickwright.feed.messages import MoldUdp64Header
from tickwright.host.records import FRAME_MODULUS
from tickwright.net.headers import ETHERTYPE_VLAN, Ethernet, Ipv4, Udp, VlanTag
from tickwright.twin.frames import Frames

__all__ = ["Stamps"]

KEPT_CHUNKS = 8  # of frames; a message is held for less
LENGTH_BYTES = 2


class Stamps:
    """Finds the cycle of a message's last byte from its cause, for the frames played last."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, Frames, np.ndarray]] = deque(maxlen=KEPT_CHUNKS)
        self._count = 0

    def add(self, chunk: Frames, cycles: np.ndarray) -> None:
        """Note frames that were played; ``cycles`` are those of their first words."""
        self._chunks.append((self._count, chunk, cycles))
        self._count += len(cycles)

    def cycle(self, frame: int, sequence: int, before: int) -> int | None:
        """Return the cycle of the last byte of a message, None if its frame is long gone.

        ``frame`` is the number in the cause, modulo 2^16; ``before`` is a cycle by which the
        message had passed.
        """
        for first, chunk, cycles in reversed(self._chunks):
            at = int(np.searchsorted(cycles, before, side="left")) - 1
            while at >= 0:
                if (first + at) % FRAME_MODULUS == frame:
                    return int(cycles[at]) + _last_word(_frame(chunk, at), sequence)
                at -= 1
        return None


def _frame(chunk: Frames, row: int) -> bytes:
    start = int(chunk.offset[row])
    return chunk.data[start : start + int(chunk.length[row])].tobytes()


def _last_word(frame: bytes, sequence: int) -> int:
    """Return the number of the word that holds the last byte of a message."""
    tagged = Ethernet.unpack(frame).ethertype == ETHERTYPE_VLAN
    at = Ethernet.size + (VlanTag.size if tagged else 0) + Ipv4.size + Udp.size
    header = MoldUdp64Header.unpack(frame, at)
    at += MoldUdp64Header.size
    for _ in range(sequence - header.sequence + 1):
        at += LENGTH_BYTES + int.from_bytes(frame[at : at + LENGTH_BYTES], "big")
    return (at - 1) // WORD_BYTES
