"""Packet captures in the pcapng form.

Source: IETF draft-ietf-opsawg-pcapng, "PCAP Now Generic (pcapng) Capture File Format": section 3
(blocks, options), section 4 (section header, interface description, enhanced and simple packet),
appendix A (packet block, obsolete).

A file is a chain of blocks; each says its type and, at both ends, its length. A section header
begins a section: from there on its byte order holds, and only its own interfaces. An interface
says of what link its packets are and in what unit their times count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tickwright.market.captures import (
    CHUNK_BYTES,
    LINK_ETHERNET,
    SNAP_BYTES,
    get_word,
)
from tickwright.market.compiled import compiled
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.report import ReadReport
from tickwright.market.source import Source
from tickwright.market.times import DAY_S, SECOND_NS

__all__ = ["looks_like_pcapng", "read_pcapng"]

SECTION_HEADER, INTERFACE, PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"  # type of a section header, the same in both byte orders
BYTE_ORDER_MAGIC = 0x1A2B3C4D
VERSION = 1

BLOCK_BYTES = 12  # of a block without a body: type, length, length
BODY = 8  # where the body begins
SECTION_BYTES = BLOCK_BYTES + 16
INTERFACE_BYTES = BLOCK_BYTES + 8
PACKET_HEADER_BYTES = 20
SIMPLE_HEADER_BYTES = 4
SMALLEST_PACKET = BLOCK_BYTES + SIMPLE_HEADER_BYTES
MOST_BYTES = 1 << 24  # of a block that is read: a packet with all its options

END_OF_OPTIONS, TIME_RESOLUTION, TIME_OFFSET = 0, 9, 14
MICROSECONDS = 6  # the resolution where none is given: a power of ten
BINARY = 0x80  # the resolution is a power of two
MOST_DECIMALS, MOST_BITS = 18, 62  # so that what counts a second fits 63 bits
FARTHEST_S = 1 << 33  # from the first packet to any other: nanoseconds fit 63 bits
FINE_BITS = 33  # 2^33 * 10^9 still fits 64 bits

# Why the walk along the blocks stops; SOUND: it does not.
SOUND, NEEDS_MORE, NEEDS_HOST, BAD_LENGTH, BAD_END, BAD_SIZE, BAD_INTERFACE, BAD_LINK = range(8)

# Of an interface: snap length, units of its clock, seconds to add, link type.
SNAP, COARSE, FINE, OFFSET, LINK = range(5)

# Kept along the walk: midnight before the first packet in seconds since 1970, -1 before it; time
# of the last packet; frames, and those cut; packets passed over, place and link type of the first.
DAY, TIME, FRAMES, CUT, SKIPPED, SKIPPED_AT, SKIPPED_LINK = range(7)


def looks_like_pcapng(head: bytes) -> bool:
    """Whether a file that begins so is a pcapng."""
    return head[:4] == PCAPNG_MAGIC


@dataclass(frozen=True)
class _Clock:
    """How the times of an interface count: ``coarse * fine`` units are a second."""

    coarse: int
    fine: int  # at most 2^33: nanoseconds are computed of so many parts of a second
    offset_s: int = 0


def _clock(resolution: int, offset_s: int) -> _Clock | None:
    """Return the clock of a resolution as its option has it; None where none can be that fine."""
    exponent = resolution & ~BINARY
    if resolution & BINARY:
        fine = min(exponent, FINE_BITS)
        return _Clock(1 << exponent - fine, 1 << fine, offset_s) if exponent <= MOST_BITS else None
    fine = min(exponent, 9)
    return (
        _Clock(10 ** (exponent - fine), 10**fine, offset_s) if exponent <= MOST_DECIMALS else None
    )


@compiled
def _get_since(data, at, little, coarse, fine, offset_s):
    """Return seconds since 1970 and nanoseconds of the time at a place of the data."""
    high, low = np.uint64(get_word(data, at, little)), np.uint64(get_word(data, at + 4, little))
    units = (high << np.uint64(32) | low) // np.uint64(coarse)
    seconds = np.int64(units // np.uint64(fine)) + offset_s
    return seconds, np.int64(units % np.uint64(fine) * np.uint64(SECOND_NS) // np.uint64(fine))


@compiled
def _is_packet(kind):
    return kind in (PACKET, SIMPLE_PACKET, ENHANCED_PACKET)


@compiled
def _header_bytes(kind):
    """Return the bytes before the frame in a packet of a kind."""
    return SIMPLE_HEADER_BYTES if kind == SIMPLE_PACKET else PACKET_HEADER_BYTES


@compiled
def _fault(data, at, little):
    """Return why the walk stops at a block, or SOUND."""
    kind, size = get_word(data, at, little), get_word(data, at + 4, little)
    packet = _is_packet(kind)
    if kind in (SECTION_HEADER, INTERFACE):
        return NEEDS_HOST
    if size < BLOCK_BYTES or size % 4 or (packet and size > MOST_BYTES):
        return BAD_LENGTH
    if at + size > len(data):
        return NEEDS_MORE if packet else NEEDS_HOST
    if get_word(data, at + size - 4, little) != size:
        return BAD_END
    if packet and size < BLOCK_BYTES + _header_bytes(kind):
        return BAD_LENGTH
    return SOUND


@compiled
def _get_interface(data, at, little, kind):
    """Return the number of the interface that a packet names; a simple one means the first."""
    if kind == ENHANCED_PACKET:
        return get_word(data, at + BODY, little)
    if kind == SIMPLE_PACKET:
        return np.int64(0)
    first, second = np.int64(data[at + BODY]), np.int64(data[at + BODY + 1])
    return first | second << 8 if little else first << 8 | second


@compiled
def _get_sizes(data, at, little, kind, snap):
    """Return how many bytes of a packet were captured, and how many it had."""
    original = get_word(data, at + BODY + _header_bytes(kind) - 4, little)
    if kind != SIMPLE_PACKET:
        return get_word(data, at + BODY + 12, little), original
    return min(original, snap) if snap else original, original


@compiled
def _keep_time(data, at, little, interface, state):
    """Take the time of a packet into the state, counted from midnight of the first packet's day.

    What came before that midnight has time 0.
    """
    seconds, part_ns = _get_since(
        data, at + BODY + 4, little, interface[COARSE], interface[FINE], interface[OFFSET]
    )
    if state[DAY] < 0:
        state[DAY] = max(0, seconds - seconds % DAY_S)
    since = min(seconds - state[DAY], FARTHEST_S)
    state[TIME] = since * SECOND_NS + part_ns if since >= 0 else 0


@compiled
def _index_blocks(data, at, little, interfaces, state, offset, length, time_ns):
    """Find packets from ``at`` on; return how many, where it stopped, and why.

    ``interfaces`` has a row for each, and ``state`` what is kept from one call to the next.
    """
    found = 0
    while at + BODY <= len(data):
        why = _fault(data, at, little)
        if why != SOUND:
            return found, at, why
        kind, size = get_word(data, at, little), get_word(data, at + 4, little)
        if _is_packet(kind):
            number = _get_interface(data, at, little, kind)
            if number >= len(interfaces):
                return found, at, BAD_INTERFACE
            interface = interfaces[number]
            if interface[LINK] != LINK_ETHERNET:
                if not state[SKIPPED]:
                    state[SKIPPED_AT], state[SKIPPED_LINK] = at, interface[LINK]
                if not state[FRAMES]:
                    return found, at, BAD_LINK
                state[SKIPPED] += 1
            else:
                captured, original = _get_sizes(data, at, little, kind, interface[SNAP])
                if captured > min(size - BLOCK_BYTES - _header_bytes(kind), SNAP_BYTES):
                    return found, at, BAD_SIZE
                if kind != SIMPLE_PACKET:
                    _keep_time(data, at, little, interface, state)
                offset[found], length[found] = at + BODY + _header_bytes(kind), captured
                time_ns[found] = state[TIME]
                state[CUT] += original > captured
                state[FRAMES] += 1
                found += 1
        at += size
    return found, at, NEEDS_MORE


class _Blocks:
    """Walks through the blocks of one source."""

    def __init__(self, source: Source, report: ReadReport, chunk_bytes: int) -> None:
        self.source = source
        self.report = report
        self.chunk_bytes = chunk_bytes
        self.order: Literal["little", "big"] = "little"
        self.interfaces: list[tuple[int, int, int, int, int]] = []
        self.state = np.zeros(SKIPPED_LINK + 1, dtype=np.int64)
        self.state[DAY] = -1
        self.number = 0  # of the next frame
        self.base = 0  # place in the file of the first byte looked at
        self.first_skipped = ""  # what is wrong with it
        self.told = ""  # of all that are
        self.skip = 0  # bytes of an unknown block that are still to come

    def walk(self) -> Iterator[FrameTable]:
        """Yield the frames of each chunk."""
        data = b""
        while True:
            self.base = self.source.position - len(data)
            piece = self.source.read(self.chunk_bytes)
            data += piece
            passed = min(self.skip, len(data))
            self.skip -= passed
            tables, at, trouble = self._chunk(data, passed)
            self.report.position = self.source.consumed
            yield from tables
            data = data[at:]
            last = len(piece) < self.chunk_bytes
            if last and (data or self.skip) and not trouble and not self.source.damage:
                trouble = (
                    f"{self._place(at)}: the capture ends within a block, behind packet "
                    f"{self.number}"
                )
            if trouble and not self.number:
                raise MarketError(trouble)
            if trouble:
                self.report.damage.append(trouble)
            if trouble or last:
                return

    def _place(self, at: int) -> str:
        return f"{self.source.path}, byte {self.base + at}"

    def _chunk(self, data: bytes, at: int) -> tuple[list[FrameTable], int, str]:
        """Return the frames of some bytes, where the next block begins, and what is wrong there."""
        buffer = np.frombuffer(data, dtype=np.uint8)
        tables: list[FrameTable] = []
        while True:
            table, at, why = self._packets(buffer, at)
            if len(table):
                tables.append(table)
            if why == NEEDS_MORE:
                return tables, at, ""
            if why != NEEDS_HOST:
                return tables, at, self._told(data, at, why)
            after, trouble = self._described(data, at)
            if trouble or after == at:
                return tables, at, trouble
            at = min(after, len(data))
            self.skip = after - at

    def _packets(self, buffer: npt.NDArray[np.uint8], at: int) -> tuple[FrameTable, int, int]:
        room = (len(buffer) - at) // SMALLEST_PACKET + 1
        offset = np.empty(room, dtype=np.int64)
        length = np.empty(room, dtype=np.uint32)
        time_ns = np.empty(room, dtype=np.uint64)
        interfaces = np.array(self.interfaces, dtype=np.int64).reshape(-1, LINK + 1)
        found, at, why = _index_blocks(
            buffer, at, self.order == "little", interfaces, self.state, offset, length, time_ns
        )
        table = FrameTable(
            buffer,
            offset[:found].copy(),
            length[:found].copy(),
            time_ns[:found].copy(),
            self.number,
        )
        self.number += found
        self.report.date_from(int(self.state[DAY]))
        self.report.frames += found
        self.report.cut_frames = int(self.state[CUT])
        self._tell_skipped()
        return table, at, why

    def _tell_skipped(self) -> None:
        """Tell of the packets passed over so far, in one line: a reader may stop at any chunk."""
        count = int(self.state[SKIPPED])
        if count == self.report.skipped_packets:
            return
        if self.report.skipped_packets:
            self.report.damage.remove(self.told)
        self.first_skipped = self.first_skipped or self._wrong_link()
        self.told = f"{self.first_skipped}; packets passed over for that: {count:,}"
        self.report.damage.append(self.told)
        self.report.skipped_packets = count

    def _wrong_link(self) -> str:
        return (
            f"{self._place(int(self.state[SKIPPED_AT]))}: found a packet of link type "
            f"{int(self.state[SKIPPED_LINK])}, expected {LINK_ETHERNET} (Ethernet)"
        )

    def _word(self, data: bytes, at: int, size: int = 4) -> int:
        return int.from_bytes(data[at : at + size], self.order)

    def _told(self, data: bytes, at: int, why: int) -> str:
        """Return what is wrong with a block, in a line."""
        size = self._word(data, at + 4)
        if why == BAD_LENGTH:
            return f"{self._place(at)}: found a block of {size} bytes, which none of its type has"
        if why == BAD_END:
            return (
                f"{self._place(at)}: found block length {size} at its start and "
                f"{self._word(data, at + size - 4)} at its end, expected the same"
            )
        if why == BAD_LINK:
            return self._wrong_link()
        if why == BAD_INTERFACE:
            return (
                f"{self._place(at)}: found a packet of an interface that is not described, "
                f"expected one of {len(self.interfaces)}"
            )
        return f"{self._place(at)}: found a packet longer than its block or than {SNAP_BYTES} bytes"

    def _described(self, data: bytes, at: int) -> tuple[int, str]:
        """Take in a block that holds no packet; return where the next one begins, and trouble.

        Where more of the block is needed first, that is where it begins itself.
        """
        if data[at : at + 4] == PCAPNG_MAGIC:
            if len(data) < at + BODY + 4:
                return at, ""
            magic = data[at + BODY : at + BODY + 4]
            if magic not in (BYTE_ORDER_MAGIC.to_bytes(4, "little"),
                             BYTE_ORDER_MAGIC.to_bytes(4, "big")):  # fmt: skip
                return at, (
                    f"{self._place(at + BODY)}: found {magic.hex(' ')}, expected the byte order "
                    f"magic of a pcapng, {BYTE_ORDER_MAGIC:x}"
                )
            self.order = "big" if magic[0] == BYTE_ORDER_MAGIC >> 24 else "little"
        kind, size = self._word(data, at), self._word(data, at + 4)
        if kind not in (SECTION_HEADER, INTERFACE):
            return at + size, ""
        least = SECTION_BYTES if kind == SECTION_HEADER else INTERFACE_BYTES
        if not least <= size <= MOST_BYTES or size % 4:
            return at, self._told(data, at, BAD_LENGTH)
        if len(data) < at + size:
            return at, ""
        if self._word(data, at + size - 4) != size:
            return at, self._told(data, at, BAD_END)
        trouble = self._section(data, at) if kind == SECTION_HEADER else self._interface(data, at)
        return at + size, trouble

    def _section(self, data: bytes, at: int) -> str:
        self.interfaces.clear()
        version = self._word(data, at + BODY + 4, 2)
        if version == VERSION:
            return ""
        return f"{self._place(at)}: found version {version} of pcapng, expected {VERSION}"

    def _interface(self, data: bytes, at: int) -> str:
        link, snap = self._word(data, at + BODY, 2), self._word(data, at + BODY + 4)
        if link != LINK_ETHERNET:  # its packets are passed over: no one asks for their times
            self.interfaces.append((snap, 1, 1, 0, link))
            return ""
        options = dict(self._options(data, at))
        resolution = options.get(TIME_RESOLUTION, bytes([MICROSECONDS]))
        offset = int.from_bytes(options.get(TIME_OFFSET, b""), self.order, signed=True)
        clock = _clock(resolution[0], offset) if resolution else None
        if clock is None or abs(offset) >> 32:
            return f"{self._place(at)}: found a clock finer or farther off than times are kept"
        self.interfaces.append((snap, clock.coarse, clock.fine, clock.offset_s, link))
        return ""

    def _options(self, data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """Yield code and value of the options of an interface."""
        end = at + self._word(data, at + 4) - 4
        place = at + BODY + 8
        while place + 4 <= end:
            code, size = self._word(data, place, 2), self._word(data, place + 2, 2)
            if code == END_OF_OPTIONS or place + 4 + size > end:
                return
            yield code, data[place + 4 : place + 4 + size]
            place += 4 + size + -size % 4


def read_pcapng(
    source: Source, report: ReadReport, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[FrameTable]:
    """Yield the frames of a pcapng, a chunk at a time.

    Blocks without packets are passed over. A simple packet has no time: it gets that of the packet
    before it. Packets of other links than Ethernet are passed over, and one line of damage counts
    them; a capture that begins with one is refused. Where a block cannot be followed reading ends,
    and the damage is noted; if no packet came before it, `MarketError` says what it is.
    """
    yield from _Blocks(source, report, chunk_bytes).walk()
