"""A waveform of the twin around one message of a recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.setup import CardSetup
from tickwright.market.datagrams import DatagramSplitter
from tickwright.market.frames_table import FrameTable
from tickwright.market.report import Line, ReadReport
from tickwright.top.presets import Preset
from tickwright.twin.replay import replay

__all__ = ["frame_of", "record_waves"]

FRAMES_BEFORE, FRAMES_AFTER = 4, 8


def record_waves(
    frames: Iterable[FrameTable],
    setup: CardSetup,
    preset: Preset,
    script: ScriptedVenue,
    path: Path,
    *,
    frame: int,
) -> None:
    """Play a recording up to a frame and a little beyond; write a waveform of the end.

    ``frame`` is counted over all frames, from 0. The twin is built with tracing, which takes a
    while the first time and makes it slower.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    start, stop = max(0, frame - FRAMES_BEFORE), frame + FRAMES_AFTER
    replay(_parts(frames, start, stop), setup, preset, script, waves=path, waves_from=start)


def _parts(frames: Iterable[FrameTable], start: int, stop: int) -> Iterator[FrameTable]:
    """Yield the frames before ``stop``, cut in two at ``start``."""
    first = 0
    for table in frames:
        rows = np.arange(first, first + len(table))
        for part in (rows < start, (rows >= start) & (rows < stop)):
            if part.any():
                yield FrameTable(
                    table.data,
                    table.offset[part],
                    table.length[part],
                    table.time_ns[part],
                    table.number,
                )
        first += len(table)
        if first >= stop:
            return


def frame_of(frames: Iterable[FrameTable], lines: Sequence[Line], sequence: int) -> int | None:
    """Return the first frame that carries a message, counted from 0; None if there is none."""
    splitter, first = DatagramSplitter(ReadReport(), lines=lines), 0
    for table in frames:
        messages = splitter.split(table).messages
        rows = np.flatnonzero(messages.sequence == np.uint64(sequence))
        if len(rows):
            return first + int(messages.frame[rows[0]]) - table.number
        first += len(table)
    return None
