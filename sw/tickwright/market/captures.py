"""Packet captures in the pcap form.

Source: IETF draft-ietf-opsawg-pcap, "PCAP Capture File Format": file header, packet record. The
first four bytes tell the byte order and whether the fraction of a second counts micro- or
nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tickwright.market.big_endian import copy_bytes
from tickwright.market.compiled import compiled
from tickwright.market.drafts import named
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.report import ReadReport
from tickwright.market.source import Source
from tickwright.market.times import DAY_S, SECOND_NS

__all__ = [
    "CHUNK_BYTES",
    "LINK_ETHERNET",
    "SNAP_BYTES",
    "get_word",
    "looks_like_pcap",
    "read_capture",
    "write_capture",
]

NANOSECOND_MAGIC = 0xA1B23C4D
MICROSECOND_MAGIC = 0xA1B2C3D4
FILE_HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16
LINK_ETHERNET = 1
LINK_BITS = 0x0FFFFFFF  # the rest of the word tells of a frame check sequence
VERSION = (2, 4)
SNAP_BYTES = 1 << 18  # no Ethernet frame is captured longer

CHUNK_BYTES = 16 << 20

_FORMS = {
    magic.to_bytes(4, order): (order == "little", unit_ns)
    for magic, unit_ns in ((MICROSECOND_MAGIC, 1000), (NANOSECOND_MAGIC, 1))
    for order in ("big", "little")
}


def looks_like_pcap(head: bytes) -> bool:
    """Whether a file that begins so is a pcap."""
    return head[:4] in _FORMS


@compiled
def get_word(data, at, little):
    """Return the word of 32 bits at a place, of either byte order."""
    word = np.int64(0)
    for place in range(4):
        word |= np.int64(data[at + place]) << (8 * place if little else 24 - 8 * place)
    return word


@compiled
def _index_packets(data, little, unit_ns, day_s, offset, length, time_ns):
    """Find whole packets; return how many, where the next begins, cut ones, the day, and trouble.

    Trouble is the captured length of a record that cannot be, or 0.
    """
    found = cut = trouble = at = 0
    while at + RECORD_HEADER_BYTES <= len(data):
        captured = get_word(data, at + 8, little)
        if captured > SNAP_BYTES:
            trouble = captured
            break
        if at + RECORD_HEADER_BYTES + captured > len(data):
            break
        seconds = get_word(data, at, little)
        if day_s < 0:
            day_s = seconds - seconds % DAY_S
        if get_word(data, at + 12, little) > captured:
            cut += 1
        since = (seconds - day_s) * SECOND_NS + get_word(data, at + 4, little) * unit_ns
        time_ns[found] = max(0, since)
        offset[found] = at + RECORD_HEADER_BYTES
        length[found] = captured
        found += 1
        at += RECORD_HEADER_BYTES + captured
    return found, at, cut, day_s, trouble


def read_capture(
    source: Source, report: ReadReport, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[FrameTable]:
    """Yield the frames of a pcap, a chunk at a time.

    Where a packet record cannot be followed reading ends, and the damage is noted.
    """
    header = source.read(FILE_HEADER_BYTES)
    if len(header) < FILE_HEADER_BYTES:
        raise MarketError(
            f"{source.path}: found {len(header)} bytes, expected a pcap header of "
            f"{FILE_HEADER_BYTES}"
        )
    little, unit_ns = _FORMS[header[:4]]
    order = "little" if little else "big"
    link = int.from_bytes(header[20:24], order) & LINK_BITS
    if link != LINK_ETHERNET:
        raise MarketError(
            f"{source.path}, byte 20: found link type {link}, expected {LINK_ETHERNET} (Ethernet)"
        )
    rest = b""
    number = 0
    day_s = -1
    while True:
        base = source.position - len(rest)
        piece = source.read(chunk_bytes)
        buffer = np.frombuffer(rest + piece, dtype=np.uint8)
        room = len(buffer) // RECORD_HEADER_BYTES + 1
        offset = np.empty(room, dtype=np.int64)
        length = np.empty(room, dtype=np.uint32)
        time_ns = np.empty(room, dtype=np.uint64)
        found, at, cut, day_s, trouble = _index_packets(
            buffer, little, unit_ns, day_s, offset, length, time_ns
        )
        report.frames += found
        report.cut_frames += cut
        report.position = source.consumed
        if found:
            report.date_from(int(day_s))
            yield FrameTable(
                buffer, offset[:found].copy(), length[:found].copy(), time_ns[:found].copy(), number
            )
        number += found
        rest = buffer[at:].tobytes()
        if trouble:
            report.damage.append(
                f"{source.path}, byte {base + at}: found a packet of {trouble} captured bytes, "
                f"expected at most {SNAP_BYTES}"
            )
            return
        if len(piece) < chunk_bytes:
            if rest and not source.damage:
                report.damage.append(
                    f"{source.path}, byte {base + at}: the capture ends within packet "
                    f"{number + 1}, {len(rest)} bytes of its record are there"
                )
            return


@compiled
def _write_packets(data, offset, length, time_ns, day_s, out):
    at = 0
    for row in range(len(offset)):
        size = np.int64(length[row])
        since = np.int64(time_ns[row])
        words = (day_s + since // SECOND_NS, since % SECOND_NS, size, size)
        for word in words:
            for place in range(4):
                out[at + place] = (word >> (8 * place)) & 0xFF
            at += 4
        copy_bytes(out, at, data, offset[row], size)
        at += size


def write_capture(path: Path, tables: Iterable[FrameTable], *, day_s: int) -> None:
    """Write frames as a pcap with nanoseconds; ``day_s`` is midnight UTC in seconds since 1970."""
    words = (NANOSECOND_MAGIC, VERSION[0] | VERSION[1] << 16, 0, 0, SNAP_BYTES, LINK_ETHERNET)
    with named(path), path.open("wb") as file:
        file.write(b"".join(word.to_bytes(4, "little") for word in words))
        for table in tables:
            total = int(table.length.sum(dtype=np.int64)) + RECORD_HEADER_BYTES * len(table)
            out = np.empty(total, dtype=np.uint8)
            _write_packets(
                table.data, table.offset, table.length, table.time_ns, np.int64(day_s), out
            )
            file.write(out.data)
