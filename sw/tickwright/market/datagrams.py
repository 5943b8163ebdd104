"""From frames to messages, as the card does it: specification, section 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tickwright.feed.messages import (
    MOLD_END_OF_SESSION,
    MoldUdp64Block,
    MoldUdp64Header,
)
from tickwright.market.big_endian import copy_bytes, get_u16, get_u32, get_u64
from tickwright.market.compiled import compiled
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import MIN_MESSAGE, SIZES
from tickwright.market.messages_table import FAULT_ROW, HEARTBEAT_ROW, MessageTable
from tickwright.market.report import DROP_REASONS, Line, ReadReport
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    ETHERTYPE_VLAN,
    PROTOCOL_UDP,
    Ethernet,
    Ipv4,
    Udp,
    VlanTag,
)

__all__ = ["DatagramSplitter", "Split", "frames_to_datagrams"]

ETHERTYPE = Ethernet.field("ethertype").offset
INNER_ETHERTYPE = Ethernet.size + VlanTag.field("ethertype").offset
ETHERNET_BYTES = Ethernet.size
TAG_BYTES = VlanTag.size
IPV4_BYTES = Ipv4.size
FRAGMENT = Ipv4.field("flags_fragment").offset
PROTOCOL = Ipv4.field("protocol").offset
DESTINATION = Ipv4.field("destination").offset
PORT = IPV4_BYTES + Udp.field("destination_port").offset
UDP_LENGTH = IPV4_BYTES + Udp.field("length").offset
UDP_BYTES = Udp.size
MOLD = IPV4_BYTES + Udp.size
MOLD_BYTES = MoldUdp64Header.size
SESSION_BYTES = MoldUdp64Header.field("session").size
SEQUENCE = MoldUdp64Header.field("sequence").offset
COUNT = MoldUdp64Header.field("count").offset
LENGTH_BYTES = MoldUdp64Block.field("length").size

IPV4_FIRST_BYTE = 0x45  # version 4, five words of header
MORE_FRAGMENTS_OR_OFFSET = 0x3FFF

ACCEPTED = 0
NOT_IPV4, IP_OPTIONS, BAD_CHECKSUM, FRAGMENTS, NOT_UDP, OTHER_LINE, RUNT, OTHER_SESSION = range(
    1, 9
)

HEARTBEATS, ENDS, SKIPPED, FAULTS, TRAILING, MESSAGES = range(6)
COUNTERS = 6

LINES = 2


@dataclass(frozen=True, eq=False)
class Split:
    """The messages of some frames, and what became of each frame.

    ``verdict`` is 0 for an accepted frame, else one more than the place of the reason in
    ``DROP_REASONS``. ``line``, ``sequence`` and ``count`` (of messages delivered) mean something
    for accepted frames only.
    """

    messages: MessageTable
    verdict: npt.NDArray[np.uint8]
    line: npt.NDArray[np.uint8]
    sequence: npt.NDArray[np.uint64]
    count: npt.NDArray[np.uint32]


@compiled
def _headers(data, start, stop):
    """Judge a frame up to `not_udp`; return the verdict and where its IPv4 header begins.

    A check whose bytes the frame does not have passes here; the frame is a runt.
    """
    if start + ETHERTYPE + 2 > stop:
        return NOT_IPV4, start
    ip = start + ETHERNET_BYTES
    kind = get_u16(data, start + ETHERTYPE)
    if kind == ETHERTYPE_VLAN:
        ip += TAG_BYTES
        if start + INNER_ETHERTYPE + 2 > stop:
            return NOT_IPV4, ip
        kind = get_u16(data, start + INNER_ETHERTYPE)
    if kind != ETHERTYPE_IPV4:
        return NOT_IPV4, ip
    if ip < stop and data[ip] != IPV4_FIRST_BYTE:
        return IP_OPTIONS, ip
    if ip + IPV4_BYTES <= stop:
        total = 0
        for at in range(ip, ip + IPV4_BYTES, 2):
            total += get_u16(data, at)
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        if total != 0xFFFF:
            return BAD_CHECKSUM, ip
    if ip + FRAGMENT + 2 <= stop and get_u16(data, ip + FRAGMENT) & MORE_FRAGMENTS_OR_OFFSET:
        return FRAGMENTS, ip
    if ip + PROTOCOL < stop and data[ip + PROTOCOL] != PROTOCOL_UDP:
        return NOT_UDP, ip
    return ACCEPTED, ip


@compiled
def _line_of(data, ip, addresses, ports):
    """Return which line a datagram belongs to, or -1."""
    address = get_u32(data, ip + DESTINATION)
    port = get_u16(data, ip + PORT)
    for line in range(LINES):
        if addresses[line] == address and ports[line] == port:
            return line
    return -1


@compiled
def _carries_messages(data, mold, stop):
    """Whether the bytes of a datagram can be a MoldUDP64 packet, all of it."""
    if mold + MOLD_BYTES > stop:
        return False
    for at in range(mold, mold + SESSION_BYTES):
        if data[at] < 0x20 or data[at] > 0x7E:
            return False
    count = get_u16(data, mold + COUNT)
    at = mold + MOLD_BYTES
    if count == MOLD_END_OF_SESSION:
        count = 0
    for _ in range(count):
        if at + LENGTH_BYTES > stop:
            return False
        size = get_u16(data, at)
        at += LENGTH_BYTES + size
        if size < MIN_MESSAGE or at > stop:
            return False
    return at == stop


@compiled
def _find_lines(data, offset, length, addresses, ports):
    """Fill in the first destinations that carry MoldUDP64, until there are two."""
    for row in range(len(offset)):
        if ports[LINES - 1] >= 0:
            return
        start, stop = offset[row], offset[row] + np.int64(length[row])
        verdict, ip = _headers(data, start, stop)
        if verdict != ACCEPTED or ip + MOLD > stop:
            continue
        end = ip + IPV4_BYTES + get_u16(data, ip + UDP_LENGTH)
        if end > stop or _line_of(data, ip, addresses, ports) >= 0:
            continue
        if _carries_messages(data, ip + MOLD, end):
            line = 0 if ports[0] < 0 else 1
            addresses[line] = get_u32(data, ip + DESTINATION)
            ports[line] = get_u16(data, ip + PORT)


@compiled
def _judge(data, start, stop, addresses, ports, session, opened):
    """Return the verdict on a frame, its line, its MoldUDP64 header, and the datagram's end."""
    verdict, ip = _headers(data, start, stop)
    if verdict != ACCEPTED:
        return verdict, 0, ip, stop
    line = 0
    if ip + PORT + 2 <= stop:
        line = _line_of(data, ip, addresses, ports)
        if line < 0:
            return OTHER_LINE, 0, ip, stop
    mold = ip + MOLD
    if mold + MOLD_BYTES > stop:
        return RUNT, line, mold, stop
    udp_length = get_u16(data, ip + UDP_LENGTH)
    if udp_length < UDP_BYTES + MOLD_BYTES:
        return RUNT, line, mold, stop
    if opened:
        for at in range(SESSION_BYTES):
            if data[mold + at] != session[at]:
                return OTHER_SESSION, line, mold, stop
    return ACCEPTED, line, mold, min(stop, ip + IPV4_BYTES + udp_length)


@compiled
def _split(
    data, offset, length, time_ns, number, addresses, ports, session, opened, controls,
    verdicts, lines, firsts, counts, drops, counters, by_line,
    m_offset, m_length, m_sequence, m_arrival, m_frame, m_line,
):  # fmt: skip
    """Fill the columns of the messages and of the frames; return the messages and the session."""
    found = 0
    for row in range(len(offset)):
        start, stop = offset[row], offset[row] + np.int64(length[row])
        verdict, line, mold, end = _judge(data, start, stop, addresses, ports, session, opened)
        verdicts[row] = verdict
        if verdict != ACCEPTED:
            drops[verdict - 1] += 1
            continue
        if not opened:
            copy_bytes(session, 0, data, mold, SESSION_BYTES)
            opened = True
        lines[row] = line
        by_line[line] += 1
        sequence = np.uint64(get_u64(data, mold + SEQUENCE))
        firsts[row] = sequence
        count = get_u16(data, mold + COUNT)
        at = mold + MOLD_BYTES
        fault = False
        control = count == 0 or count == MOLD_END_OF_SESSION
        if count == MOLD_END_OF_SESSION:
            counters[ENDS] += 1
            count = 0
        elif count == 0:
            counters[HEARTBEATS] += 1
        delivered = 0
        while delivered < count:
            if at + LENGTH_BYTES > end:
                fault = True
                break
            size = get_u16(data, at)
            if size < MIN_MESSAGE or at + LENGTH_BYTES + size > end:
                fault = True
                break
            if SIZES[data[at + LENGTH_BYTES]] != size:
                counters[SKIPPED] += 1
            m_offset[found] = at + LENGTH_BYTES
            m_length[found] = size
            m_sequence[found] = sequence + np.uint64(delivered)
            m_arrival[found] = time_ns[row]
            m_frame[found] = number + row
            m_line[found] = line
            found += 1
            delivered += 1
            at += LENGTH_BYTES + size
        counts[row] = delivered
        counters[MESSAGES] += delivered
        if fault:
            counters[FAULTS] += 1
        elif at < end:
            counters[TRAILING] += 1
        if controls and (fault or control):
            m_offset[found] = at
            m_length[found] = FAULT_ROW if fault else HEARTBEAT_ROW
            m_sequence[found] = sequence + np.uint64(delivered)
            m_arrival[found] = time_ns[row]
            m_frame[found] = number + row
            m_line[found] = line
            found += 1
    return found, opened


class DatagramSplitter:
    """Takes the frames of a capture, chunk after chunk, and gives their messages.

    Without ``lines`` the first two destinations that carry MoldUDP64 are lines A and B.
    """

    def __init__(
        self, report: ReadReport, *, lines: Iterable[Line] | None = None, controls: bool = False
    ) -> None:
        self.report = report
        self.controls = controls
        self._addresses = np.full(LINES, -1, dtype=np.int64)
        self._ports = np.full(LINES, -1, dtype=np.int64)
        self._session = np.zeros(SESSION_BYTES, dtype=np.uint8)
        self._opened = False
        given = list(lines or ())
        if len(given) > LINES:
            raise MarketError(f"lines: found {len(given)}, expected at most {LINES}")
        for index, line in enumerate(given):
            self._addresses[index], self._ports[index] = line.address, line.port
        report.lines_assumed = not given
        self._tell_lines()

    def _tell_lines(self) -> None:
        self.report.lines = [
            Line(int(address), int(port))
            for address, port in zip(self._addresses, self._ports, strict=True)
            if port >= 0
        ]

    def split(self, frames: FrameTable) -> Split:
        """Return the messages of the next frames, in order of arrival."""
        if self.report.lines_assumed and self._ports[LINES - 1] < 0:
            _find_lines(frames.data, frames.offset, frames.length, self._addresses, self._ports)
            self._tell_lines()
        size = len(frames)
        room = int(frames.length.sum(dtype=np.int64)) // (MIN_MESSAGE + LENGTH_BYTES) + size + 1
        verdict, line = np.zeros(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
        first, count = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint32)
        drops = np.zeros(len(DROP_REASONS), dtype=np.int64)
        counters = np.zeros(COUNTERS, dtype=np.int64)
        by_line = np.zeros(LINES, dtype=np.int64)
        offset, length = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.uint16)
        number, arrival = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.uint64)
        frame, lines = np.empty(room, dtype=np.uint32), np.empty(room, dtype=np.uint8)
        found, self._opened = _split(
            frames.data, frames.offset, frames.length, frames.time_ns, frames.number,
            self._addresses, self._ports, self._session, self._opened, self.controls,
            verdict, line, first, count, drops, counters, by_line,
            offset, length, number, arrival, frame, lines,
        )  # fmt: skip
        self._tell(drops, counters, by_line)
        messages = MessageTable(
            data=frames.data,
            offset=offset[:found].copy(),
            length=length[:found].copy(),
            sequence=number[:found].copy(),
            arrival_ns=arrival[:found].copy(),
            frame=frame[:found].copy(),
            line=lines[:found].copy(),
        )
        return Split(messages, verdict, line, first, count)

    def _tell(
        self,
        drops: npt.NDArray[np.int64],
        counters: npt.NDArray[np.int64],
        by_line: npt.NDArray[np.int64],
    ) -> None:
        report = self.report
        for reason, count in zip(DROP_REASONS, drops, strict=True):
            report.dropped[reason] += int(count)
        for line in range(LINES):
            report.frames_by_line[line] += int(by_line[line])
        report.heartbeats += int(counters[HEARTBEATS])
        report.ends_of_session += int(counters[ENDS])
        report.skipped_messages += int(counters[SKIPPED])
        report.faults += int(counters[FAULTS])
        report.trailing += int(counters[TRAILING])
        report.messages += int(counters[MESSAGES])
        if self._opened:
            report.session = self._session.tobytes().decode("ascii", "replace")


def frames_to_datagrams(
    frames: Iterable[FrameTable],
    *,
    lines: Iterable[Line] | None = None,
    report: ReadReport | None = None,
    controls: bool = False,
) -> Iterator[MessageTable]:
    """Yield the messages of frames, as the card would take them from the wire.

    With ``controls`` there is a row, too, for each heartbeat and end of session (length
    ``HEARTBEAT_ROW``) and for each framing fault (length ``FAULT_ROW``), in its place.
    """
    splitter = DatagramSplitter(report or ReadReport(), lines=lines, controls=controls)
    for table in frames:
        yield splitter.split(table).messages
