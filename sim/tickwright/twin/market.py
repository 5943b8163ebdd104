"""Reads a capture in a process of its own and hands its frames on, a chunk at a time.

Run as ``python -m tickwright.twin.market REQUEST`` with a JSON object: ``path``, ``lines`` (texts
``address:port``), ``from_ns``, ``until_ns``, ``max_messages``. What comes out on standard output
is messages of a head (two 32-bit numbers, little-endian: bytes of JSON, bytes of data), JSON and
data. First ``{"messages": N}``; then chunks, ``{"frames": N}`` with the data: N offsets (64 bits),
N lengths (32), N times (64), all bytes; last ``{"damage": [...]}``. An ``{"error": "..."}`` ends it
early.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tickwright.market import compiled
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.report import Line
from tickwright.replay.recording import Recording
from tickwright.twin.cache import cache_folder

__all__ = ["HEAD", "unpacked"]

HEAD = struct.Struct("<II")
CHUNK_FRAMES = 1024


def unpacked(frames: int, data: bytes) -> FrameTable:
    """Return a chunk as a table of frames."""
    length_at, time_at, data_at = 8 * frames, 12 * frames, 20 * frames
    return FrameTable(
        data=np.frombuffer(data, np.uint8, offset=data_at),
        offset=np.frombuffer(data[:length_at], np.uint64).astype(np.int64),
        length=np.frombuffer(data[length_at:time_at], np.uint32),
        time_ns=np.frombuffer(data[time_at:data_at], np.uint64),
    )


def _packed(table: FrameTable) -> bytes:
    first = int(table.offset.min())
    end = int((table.offset + table.length).max())
    columns = (
        (table.offset - first).astype(np.uint64),
        table.length.astype(np.uint32),
        table.time_ns.astype(np.uint64),
        table.data[first:end],
    )
    return b"".join(column.tobytes() for column in columns)


def _tell(found: dict[str, Any], data: bytes = b"") -> None:
    text = json.dumps(found).encode()
    sys.stdout.buffer.write(HEAD.pack(len(text), len(data)) + text + data)
    sys.stdout.buffer.flush()


def _main(request: dict[str, Any]) -> None:
    compiled.keep_in(cache_folder())
    limits = {name: request[name] for name in ("from_ns", "until_ns", "max_messages")}
    lines = [Line.parse(line) for line in request["lines"]]
    recording = Recording(Path(request["path"]), **limits, lines=lines or None)
    try:
        _tell({"messages": recording.survey.messages})
        for table in recording.frames():
            for at in range(0, len(table), CHUNK_FRAMES):
                rows = slice(at, at + CHUNK_FRAMES)
                chunk = FrameTable(
                    table.data, table.offset[rows], table.length[rows], table.time_ns[rows]
                )
                _tell({"frames": len(chunk)}, _packed(chunk))
        _tell({"damage": recording.report.damage})
    except BrokenPipeError:  # the twin that plays it is gone
        sys.stdout = None
    except (MarketError, OSError) as error:
        _tell({"error": str(error)})


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
