"""Messages packed into MoldUDP64 datagrams in Ethernet frames."""

from __future__ import annotations

from ipaddress import IPv4Address

import numpy as np
import numpy.typing as npt

from tickwright.feed.messages import (
    MOLD_END_OF_SESSION,
    MoldUdp64Block,
    MoldUdp64Header,
)
from tickwright.market.big_endian import copy_bytes, get_u16, put
from tickwright.market.compiled import compiled
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import MAX_MESSAGE
from tickwright.market.messages_table import MessageTable
from tickwright.market.report import Line
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    ETHERTYPE_VLAN,
    PROTOCOL_UDP,
    Ethernet,
    Ipv4,
    Udp,
    VlanTag,
)

__all__ = [
    "DEFAULT_LINE",
    "DEFAULT_SESSION",
    "HEADER_BYTES",
    "MAX_PAYLOAD",
    "WIRE_OVERHEAD",
    "build_frames",
    "cut_datagram",
    "group_messages",
    "pack_datagrams",
    "wire_ns",
]

# RFC 6676 sets 233.252.0.0/24 apart for documentation and tests.
DEFAULT_LINE = Line(int(IPv4Address("233.252.0.1")), 26477)
DEFAULT_SESSION = "TW00000001"
SOURCE_MAC = bytes.fromhex("02000000f001")  # locally administered
SOURCE_ADDRESS = int(IPv4Address("192.0.2.1"))  # RFC 5737, for documentation
MULTICAST_MAC = bytes.fromhex("01005e")  # RFC 1112: and the low 23 bits of the address
MULTICAST_BITS = (1 << 23) - 1
TTL = 16  # hops

MAX_PAYLOAD = 1472  # bytes of UDP payload in an IPv4 packet of 1500
LENGTH_BYTES = MoldUdp64Block.field("length").size
MOLD_BYTES = MoldUdp64Header.size
IP = Ethernet.size
UDP = IP + Ipv4.size
MOLD = UDP + Udp.size
HEADER_BYTES = MOLD + MOLD_BYTES
TOTAL_LENGTH = IP + Ipv4.field("total_length").offset
IP_CHECKSUM = IP + Ipv4.field("checksum").offset
ADDRESSES = IP + Ipv4.field("source").offset
UDP_LENGTH = UDP + Udp.field("length").offset
UDP_CHECKSUM = UDP + Udp.field("checksum").offset
SEQUENCE = MOLD + MoldUdp64Header.field("sequence").offset
COUNT = MOLD + MoldUdp64Header.field("count").offset

MIN_FRAME = 60  # bytes, without the frame check sequence
WIRE_OVERHEAD = 24  # bytes a frame takes beside its own: preamble, check sequence, gap
MAX_DATAGRAM_MESSAGES = MOLD_END_OF_SESSION - 1


def wire_ns(frame_bytes: int, gbps: float) -> int:
    """Return how long a frame occupies the wire."""
    return int((max(frame_bytes, MIN_FRAME) + WIRE_OVERHEAD) * 8 / gbps)


def _template(line: Line, session: str) -> npt.NDArray[np.uint8]:
    """Return the headers of a datagram, lengths and checksums left open."""
    mac = MULTICAST_MAC + (line.address & MULTICAST_BITS).to_bytes(3, "big")
    headers = (
        Ethernet(destination=mac, source=SOURCE_MAC, ethertype=ETHERTYPE_IPV4),
        Ipv4(version_ihl=0x45, ttl=TTL, protocol=PROTOCOL_UDP, source=SOURCE_ADDRESS,
             destination=line.address),
        Udp(source_port=line.port, destination_port=line.port),
        MoldUdp64Header(session=session),
    )  # fmt: skip
    return np.frombuffer(b"".join(header.pack() for header in headers), dtype=np.uint8)


@compiled
def _sum_words(data, start, stop):
    """Return the sum of the 16-bit words; an odd last byte is the high half of one."""
    total = 0
    at = start
    while at + 1 < stop:
        total += get_u16(data, at)
        at += 2
    if at < stop:
        total += int(data[at]) << 8
    return total


@compiled
def _fold(total):
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


@compiled
def _fill_frame(out, start, stop):
    """Set the lengths and checksums of a frame whose other bytes are there."""
    put(out, start + TOTAL_LENGTH, 2, stop - start - IP)
    put(out, start + UDP_LENGTH, 2, stop - start - UDP)
    put(out, start + IP_CHECKSUM, 2, _fold(_sum_words(out, start + IP, start + UDP)))
    pseudo = _sum_words(out, start + ADDRESSES, start + UDP) + PROTOCOL_UDP + stop - start - UDP
    checksum = _fold(pseudo + _sum_words(out, start + UDP, stop))
    put(out, start + UDP_CHECKSUM, 2, 0xFFFF if checksum == 0 else checksum)


@compiled
def _build(data, offset, length, template, first, count, count_field, sequence, out, starts, sizes):
    at = 0
    for packet in range(len(first)):
        start = at
        copy_bytes(out, start, template, 0, HEADER_BYTES)
        put(out, start + SEQUENCE, 8, sequence[packet])
        put(out, start + COUNT, 2, count_field[packet])
        at += HEADER_BYTES
        for row in range(first[packet], first[packet] + count[packet]):
            size = np.int64(length[row])
            put(out, at, LENGTH_BYTES, size)
            at += LENGTH_BYTES
            copy_bytes(out, at, data, offset[row], size)
            at += size
        _fill_frame(out, start, at)
        starts[packet] = start
        sizes[packet] = at - start


def build_frames(
    messages: MessageTable,
    *,
    line: Line,
    session: str,
    first: npt.NDArray[np.int64],
    count: npt.NDArray[np.int64],
    count_field: npt.NDArray[np.int64],
    sequence: npt.NDArray[np.int64],
    time_ns: npt.NDArray[np.int64],
) -> FrameTable:
    """Return a frame for each packet: ``count`` messages from row ``first`` on.

    ``count_field`` is what the packet says of its count: the same, or the end of the session.
    """
    ends = np.concatenate(([0], np.cumsum(messages.length.astype(np.int64) + LENGTH_BYTES)))
    total = int((ends[first + count] - ends[first]).sum()) + HEADER_BYTES * len(first)
    out = np.empty(total, dtype=np.uint8)
    starts = np.empty(len(first), dtype=np.int64)
    sizes = np.empty(len(first), dtype=np.uint32)
    _build(
        messages.data, messages.offset, messages.length, _template(line, session),
        first, count, count_field, sequence, out, starts, sizes,
    )  # fmt: skip
    return FrameTable(out, starts, sizes, time_ns.astype(np.uint64))


@compiled
def group_messages(stamp, length, sequence, payload, window_ns, most, first, count):
    """Group messages into packets; return how many packets.

    A packet ends where the next message would not fit ``payload`` bytes, comes more than
    ``window_ns`` after the packet's first, is not the next in sequence, or is one more than
    ``most[packet]``.
    """
    packets = -1
    room = 0
    for row in range(len(stamp)):
        size = LENGTH_BYTES + np.int64(length[row])
        if (
            packets < 0
            or size > room
            or stamp[row] - stamp[first[packets]] > window_ns
            or sequence[row] != sequence[row - 1] + np.uint64(1)
            or count[packets] >= most[packets]
        ):
            packets += 1
            first[packets] = row
            count[packets] = 0
            room = payload - MOLD_BYTES
        count[packets] += 1
        room -= size
    return packets + 1


@compiled
def _pace(time_ns, sizes, not_before, ns_per_1024_bytes):
    """Let no frame begin before the one ahead of it has left the wire."""
    free = not_before
    for row in range(len(time_ns)):
        time_ns[row] = max(time_ns[row], free)
        size = max(np.int64(sizes[row]), MIN_FRAME) + WIRE_OVERHEAD
        free = time_ns[row] + (size * ns_per_1024_bytes + 1023) // 1024


def pace(
    time_ns: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.uint32],
    *,
    gbps: float,
    not_before_ns: int = 0,
) -> npt.NDArray[np.int64]:
    """Return the times at which frames begin on a wire that carries one at a time."""
    paced = time_ns.astype(np.int64)
    _pace(paced, sizes, np.int64(not_before_ns), np.int64(round(8 * 1024 / gbps)))
    return paced


def pack_datagrams(
    messages: MessageTable,
    *,
    line: Line = DEFAULT_LINE,
    session: str = DEFAULT_SESSION,
    payload: int = MAX_PAYLOAD,
    window_ns: int = 1000,
    gbps: float = 10.0,
    not_before_ns: int = 0,
) -> FrameTable:
    """Return frames that carry messages at their ``arrival_ns``, on one line.

    Messages within ``window_ns`` share a packet where their sequence has no gap. A packet begins
    when its last message is due, and not before the wire, of ``gbps``, is free.
    """
    if not MOLD_BYTES + LENGTH_BYTES + MAX_MESSAGE <= payload <= MAX_PAYLOAD:
        raise MarketError(
            f"payload: found {payload}, expected {MOLD_BYTES + LENGTH_BYTES + MAX_MESSAGE} to "
            f"{MAX_PAYLOAD} bytes"
        )
    stamp = messages.arrival_ns.astype(np.int64)
    first = np.empty(len(messages), dtype=np.int64)
    count = np.empty(len(messages), dtype=np.int64)
    most = np.full(len(messages), MAX_DATAGRAM_MESSAGES, dtype=np.int64)
    packets = group_messages(
        stamp, messages.length, messages.sequence, payload, window_ns, most, first, count
    )
    first, count = first[:packets], count[:packets]
    frames = build_frames(
        messages, line=line, session=session, first=first, count=count, count_field=count,
        sequence=messages.sequence[first].astype(np.int64), time_ns=stamp[first + count - 1],
    )  # fmt: skip
    time_ns = pace(
        frames.time_ns.astype(np.int64), frames.length, gbps=gbps, not_before_ns=not_before_ns
    )
    return FrameTable(frames.data, frames.offset, frames.length, time_ns.astype(np.uint64))


def cut_datagram(frame: bytes, messages: int) -> bytes:
    """Return the frame of a datagram shortened to its first messages; the tag stays."""
    tagged = int.from_bytes(frame[IP - 2 : IP], "big") == ETHERTYPE_VLAN
    tag = VlanTag.size if tagged else 0
    body = bytearray(frame[: IP - 2] + frame[IP - 2 + tag :])
    at = HEADER_BYTES
    for _ in range(messages):
        at += LENGTH_BYTES + int.from_bytes(body[at : at + LENGTH_BYTES], "big")
    body[COUNT : COUNT + 2] = messages.to_bytes(2, "big")
    for checksum in (IP_CHECKSUM, UDP_CHECKSUM):
        body[checksum : checksum + 2] = bytes(2)
    out = np.frombuffer(body, dtype=np.uint8)[:at].copy()
    _fill_frame(out, 0, at)
    cut = out.tobytes()
    return frame[: IP - 2] + frame[IP - 2 : IP - 2 + tag] + cut[IP - 2 :]
