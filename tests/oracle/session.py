"""Sessions made by hand, as frames and as messages, and what a card made of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from oracle.card import CardRun
from oracle.tape import Tape
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.feed.messages import MoldUdp64Block, MoldUdp64Header
from tickwright.host.records import Journal
from tickwright.host.setup import CardSetup, FeedSetup, LineSetup, SessionSetup
from tickwright.market.frames_table import FrameTable
from tickwright.market.messages_table import MessageTable
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    PROTOCOL_UDP,
    Ethernet,
    Ipv4,
    Udp,
    internet_checksum,
)
from tickwright.top.presets import PRESETS

__all__ = [
    "FEED",
    "ORDER_SESSION",
    "PRESET",
    "Played",
    "Session",
    "datagram",
    "frame_table",
    "one_by_one",
]

PRESET = PRESETS["twin"]
LINE_A = LineSetup(destination=0xE9FC_0001, port=26_477)  # 233.252.0.1
LINE_B = LineSetup(destination=0xE9FC_0002, port=26_477)
FEED = FeedSetup(line_a=LINE_A, line_b=LINE_B)
ORDER_SESSION = SessionSetup(
    local_mac=0x0200_0000_0001,
    peer_mac=0x0200_0000_0002,
    local_address=0xC000_0201,  # 192.0.2.1
    peer_address=0xC633_6401,  # 198.51.100.1
    local_port=40_000,
    peer_port=26_400,
    start_seq=0xFFFF_FF00,  # wraps after a few orders
    start_ack=7_000,
)


@dataclass(frozen=True, eq=False)
class Session:
    """What is played: all messages by sequence, the frames that carry them, who answers.

    ``early``: the feed is opened before the book has cleared its tables, which it does behind the
    first table of frames.
    """

    messages: MessageTable
    frames: tuple[FrameTable, ...]
    setup: CardSetup
    venue: ScriptedVenue = field(default_factory=ScriptedVenue)
    early: bool = False

    @classmethod
    def of(cls, tape: Tape, setup: CardSetup, frames: FrameTable | None = None) -> Self:
        """Return a tape as a session; without frames, in a frame for each message."""
        if frames is None:
            return cls.grouped(tape, setup, [1] * len(tape.messages))
        return cls(MessageTable.from_messages(tape.messages), (frames,), setup)

    @classmethod
    def grouped(cls, tape: Tape, setup: CardSetup, sizes: Sequence[int]) -> Self:
        """Return a tape as a session in frames of so many messages."""
        messages = MessageTable.from_messages(tape.messages)
        frame = np.repeat(np.arange(len(sizes), dtype=np.uint32), sizes)
        return cls(replace(messages, frame=frame), (grouped(tape.messages, sizes),), setup)


@dataclass(frozen=True, eq=False)
class Played:
    """What a card made of a session, and the oracle of the same with the card's own records.

    ``counters`` are the card's status registers by stage and name; a model has none.
    """

    journal: Journal
    rows: np.ndarray
    positions: list[int]
    oracle: CardRun
    counters: dict[str, dict[str, int]] = field(default_factory=dict)


def datagram(
    sequence: int,
    messages: Iterable[bytes],
    *,
    count: int | None = None,
    tail: bytes = b"",
    line: LineSetup = LINE_A,
) -> bytes:
    """Return a frame of the feed; ``count`` where it is not that of the messages."""
    blocks = [MoldUdp64Block(message=message).pack() for message in messages]
    count = len(blocks) if count is None else count
    head = MoldUdp64Header(session="TW00000001", sequence=sequence, count=count)
    payload = head.pack() + b"".join(blocks) + tail
    udp = Udp(source_port=1, destination_port=line.port, length=Udp.size + len(payload))
    ip = Ipv4(
        version_ihl=0x45,
        total_length=Ipv4.size + Udp.size + len(payload),
        ttl=16,
        protocol=PROTOCOL_UDP,
        source=0xC000_0202,
        destination=line.destination,
    )
    ip = ip.replace(checksum=internet_checksum(ip.pack()))
    ethernet = Ethernet(ethertype=ETHERTYPE_IPV4)
    return (ethernet.pack() + ip.pack() + udp.pack() + payload).ljust(60, b"\0")


def frame_table(frames: Sequence[tuple[int, bytes]]) -> FrameTable:
    """Return frames, (time, bytes) each, as a capture would have them."""
    lengths = np.array([len(frame) for _, frame in frames], dtype=np.int64)
    return FrameTable(
        data=np.frombuffer(b"".join(frame for _, frame in frames), dtype=np.uint8),
        offset=(np.cumsum(lengths) - lengths).astype(np.int64),
        length=lengths.astype(np.uint32),
        time_ns=np.array([at_ns for at_ns, _ in frames], dtype=np.uint64),
    )


def grouped(messages: Sequence[bytes], sizes: Iterable[int]) -> FrameTable:
    """Return frames of so many messages, at the time stamp of their first; the first is sequence 1.

    A frame whose time has passed while others were played follows them without a pause.
    """
    frames, place = [], 0
    for size in sizes:
        group = messages[place : place + size]
        frames.append((int.from_bytes(group[0][5:11], "big"), datagram(1 + place, group)))
        place += size
    return frame_table(frames)


def one_by_one(messages: Sequence[bytes]) -> FrameTable:
    """Return a frame for each message, at its own time stamp; the first has sequence 1."""
    return grouped(messages, [1] * len(messages))
