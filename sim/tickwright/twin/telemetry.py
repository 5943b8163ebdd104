"""What the twin tells its host: its record streams as telemetry records in a ring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tickwright.recorder.records import pack
from tickwright.recorder.ring import RingWriter
from tickwright.twin.card import Tapped
from tickwright.twin.taps import TAPS

__all__ = ["Telemetry"]

ENTRIES = 1 << 16


class Telemetry:
    """Numbers the records in the order of their cycles and writes them; nothing waits for a reader.

    Records of one cycle are in the order of `TAPS`. Raises RingError where the ring at ``path``
    cannot be used.
    """

    def __init__(self, path: Path, entries: int = ENTRIES) -> None:
        self._ring = RingWriter(path, entries)
        self._count = 0

    def close(self) -> None:
        self._ring.close()

    def emit(self, tapped: Sequence[Tapped]) -> None:
        """Take what the record streams told since the last call."""
        if not tapped:
            return
        cycles = np.concatenate([each.cycles for each in tapped])
        order = np.argsort(cycles, kind="stable")
        numbers = np.empty(len(cycles), np.uint64)
        numbers[order] = np.arange(self._count, self._count + len(cycles), dtype=np.uint64)
        starts = np.cumsum([0, *(len(each.cycles) for each in tapped)])
        records = np.concatenate(
            [
                pack(TAPS[each.name], each.rows, numbers[start:end], each.decided_ns)
                for each, start, end in zip(tapped, starts[:-1], starts[1:], strict=True)
            ]
        )
        self._count += len(cycles)
        self._ring.write(records[order])
