"""The two lines of a feed: packed apart, late apart, lossy apart."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

import numpy as np
import numpy.typing as npt

from tickwright.feed.messages import MOLD_END_OF_SESSION, MOLD_HEARTBEAT
from tickwright.market.dice import chances
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import (
    DEFAULT_LINE,
    DEFAULT_SESSION,
    MAX_PAYLOAD,
    build_frames,
    group_messages,
    pace,
)
from tickwright.market.report import Line

__all__ = ["LINE_B", "Recording", "Sent", "record_lines"]

LINE_B = Line(int(IPv4Address("233.252.0.2")), DEFAULT_LINE.port)

HEARTBEAT_NS = 1_000_000_000
ENDS = 3  # times that the end of the session is told
TRANSIT_NS = 2_000  # from the exchange to the card, at least
DUPLICATE_NS = 100_000  # a copy comes within
CHANCE = 1 << 32
PART = 1 << 40  # apart enough for streams of random numbers of one seed

WINDOW_NS = (3_000, 800)  # how long line A and line B gather messages
PAYLOAD = (MAX_PAYLOAD, 1_000)


@dataclass(frozen=True)
class Sent:
    """What became of one line's packets."""

    packets: int
    lost: int
    duplicated: int
    heartbeats: int


@dataclass(frozen=True)
class Recording:
    """The capture of both lines, and what one knows of it; ranges are first and last sequence."""

    frames: FrameTable
    lines: tuple[Line, Line]
    sent: tuple[Sent, Sent]
    lost_on_both: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class _Packets:
    """The packets one line sends, in order; ``first`` and ``count`` are rows of the messages."""

    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]
    time_ns: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.first)


def _pack(messages: MessageTable, rows: npt.NDArray[np.int64], line: int, seed: int) -> _Packets:
    """Gather some messages, in order, into packets as one line does."""
    kept = messages.select(rows)
    stamp = kept.arrival_ns.astype(np.int64)
    most = (chances(seed, len(kept)) >> np.uint64(24)).astype(np.int64)
    most = 1 + most % np.int64(38 if line == 0 else 20)
    first = np.empty(len(kept), dtype=np.int64)
    count = np.empty(len(kept), dtype=np.int64)
    packets = group_messages(
        stamp, kept.length, kept.sequence, PAYLOAD[line], WINDOW_NS[line], most, first, count
    )
    first, count = first[:packets], count[:packets]
    return _Packets(rows[first], count.copy(), stamp[first + count - 1])


def _covered(rows: int, packets: _Packets, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which messages the chosen packets carry."""
    steps = np.zeros(rows + 1, dtype=np.int64)
    np.add.at(steps, packets.first[chosen], 1)
    np.add.at(steps, packets.first[chosen] + packets.count[chosen], -1)
    return np.cumsum(steps[:-1]) > 0


def _touches(packets: _Packets, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which packets carry one of these messages."""
    before = np.concatenate(([0], np.cumsum(rows.astype(np.int64))))
    return before[packets.first + packets.count] > before[packets.first]


def _chosen(seed: int, count: int, probability: float) -> npt.NDArray[np.bool_]:
    return chances(seed, count) < np.uint64(round(probability * CHANCE))


def _lost_on_both(packets: _Packets, rows: int, count: int, seed: int) -> npt.NDArray[np.bool_]:
    """Choose packets of the middle of the session, apart from one another."""
    chosen = np.zeros(len(packets), dtype=np.bool_)
    if not count:
        return chosen
    low = int(np.searchsorted(packets.first, rows * 3 // 10))
    high = int(np.searchsorted(packets.first, rows * 7 // 10))
    stride = (high - low) // count
    if stride < 3:
        raise MarketError(
            f"loss_both: found {count}, expected at most {(high - low) // 3} for a session of so "
            f"many packets"
        )
    picks = (chances(seed, count) % np.uint64(stride - 2)).astype(np.int64)
    chosen[low + stride * np.arange(count) + picks] = True
    return chosen


def _arrivals(packets: _Packets, late_ns: int, jitter_ns: int, seed: int) -> npt.NDArray[np.int64]:
    """Return when packets arrive; a line keeps their order."""
    jitter = (chances(seed, len(packets)) * np.uint64(jitter_ns) // np.uint64(CHANCE)).astype(
        np.int64
    )
    return np.maximum.accumulate(packets.time_ns + TRANSIT_NS + late_ns + jitter)


def _heartbeats(
    arrival: npt.NDArray[np.int64], packets: _Packets, messages: MessageTable, end_ns: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the times, sequences and counts of packets without messages: silence, and the end."""
    following = np.append(arrival[1:], max(end_ns, int(arrival[-1])))
    beats = np.maximum(0, (following - arrival - 1) // HEARTBEAT_NS)
    after = np.repeat(np.arange(len(packets)), beats)
    ordinal = np.arange(len(after)) - np.repeat(np.cumsum(beats) - beats, beats) + 1
    last = packets.first + packets.count - 1
    expected = messages.sequence[last].astype(np.int64) + 1
    times = arrival[after] + ordinal * HEARTBEAT_NS
    ends = following[-1] + HEARTBEAT_NS * np.arange(ENDS)
    count = np.concatenate(
        (np.full(len(after), MOLD_HEARTBEAT), np.full(ENDS, MOLD_END_OF_SESSION))
    )
    sequence = np.concatenate((expected[after], np.full(ENDS, expected[-1])))
    return np.concatenate((times, ends)), sequence, count


def _frames(
    messages: MessageTable,
    packets: _Packets,
    lost: npt.NDArray[np.bool_],
    *,
    line: Line,
    arrival: npt.NDArray[np.int64],
    duplicate: float,
    end_ns: int,
    seed: int,
) -> tuple[FrameTable, Sent]:
    """Return what one line shows, not in order of time yet."""
    times, sequence, count = _heartbeats(arrival, packets, messages, end_ns)
    again = _chosen(seed, len(packets), duplicate) & ~lost
    later = chances(seed + PART, len(packets)) * np.uint64(DUPLICATE_NS) // np.uint64(CHANCE)
    there = np.flatnonzero(~lost)
    copies = np.flatnonzero(again)
    rows = np.concatenate((there, copies))
    silent = np.zeros(len(times), dtype=np.int64)
    frames = build_frames(
        messages,
        line=line,
        session=DEFAULT_SESSION,
        first=np.concatenate((packets.first[rows], silent)),
        count=np.concatenate((packets.count[rows], silent)),
        count_field=np.concatenate((packets.count[rows], count)),
        sequence=np.concatenate(
            (messages.sequence[packets.first[rows]].astype(np.int64), sequence)
        ),
        time_ns=np.concatenate(
            (arrival[there], arrival[copies] + 1 + later[copies].astype(np.int64), times)
        ),
    )
    return frames, Sent(len(packets), int(lost.sum()), len(copies), len(times) - ENDS)


def _merge(a: FrameTable, b: FrameTable, gbps: float) -> FrameTable:
    """Return both lines as one wire shows them."""
    time_ns = np.concatenate((a.time_ns, b.time_ns)).astype(np.int64)
    order = np.argsort(time_ns, kind="stable")
    length = np.concatenate((a.length, b.length))[order]
    offset = np.concatenate((a.offset, b.offset + len(a.data)))[order]
    paced = pace(time_ns[order], length, gbps=gbps)
    return FrameTable(np.concatenate((a.data, b.data)), offset, length, paced.astype(np.uint64))


def record_lines(
    messages: MessageTable,
    *,
    seed: int,
    loss_a: float,
    loss_b: float,
    loss_both: int,
    duplicate: float,
    delay_us: float,
    gbps: float,
    end_ns: int,
) -> Recording:
    """Return the capture of a session's two lines.

    ``loss_a`` and ``loss_b`` are probabilities of losing a packet; what one line loses so the other
    has. ``loss_both`` packets of line A are missing on both. Line B is ``delay_us`` / 2 later on
    average, and each line's packets wait up to ``delay_us`` more, apart from one another.
    """
    rows = len(messages)
    everything = np.arange(rows)
    delay_ns = round(delay_us * 1000)
    packets_a = _pack(messages, everything, 0, seed + PART)
    both = _lost_on_both(packets_a, rows, loss_both, seed + 2 * PART)
    gone = _covered(rows, packets_a, both)
    packets_b = _pack(messages, everything[~gone], 1, seed + 3 * PART)
    lost_a = _chosen(seed + 4 * PART, len(packets_a), loss_a) | both
    missing = _covered(rows, packets_a, lost_a)
    lost_b = _chosen(seed + 5 * PART, len(packets_b), loss_b) & ~_touches(packets_b, missing)
    frames_a, sent_a = _frames(
        messages, packets_a, lost_a, line=DEFAULT_LINE,
        arrival=_arrivals(packets_a, 0, delay_ns, seed + 6 * PART),
        duplicate=duplicate, end_ns=end_ns, seed=seed + 8 * PART,
    )  # fmt: skip
    frames_b, sent_b = _frames(
        messages, packets_b, lost_b, line=LINE_B,
        arrival=_arrivals(packets_b, delay_ns // 2, delay_ns, seed + 7 * PART),
        duplicate=duplicate, end_ns=end_ns, seed=seed + 10 * PART,
    )  # fmt: skip
    first = messages.sequence[packets_a.first[both]].astype(np.int64)
    ranges = [
        (int(low), int(low + count) - 1)
        for low, count in zip(first, packets_a.count[both], strict=True)
    ]
    return Recording(
        frames=_merge(frames_a, frames_b, gbps),
        lines=(DEFAULT_LINE, LINE_B),
        sent=(sent_a, sent_b),
        lost_on_both=tuple(ranges),
    )
