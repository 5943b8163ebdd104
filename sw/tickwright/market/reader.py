"""Market data from a file, whatever its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tickwright.market.big_endian import read_stamps
from tickwright.market.captures import looks_like_pcap, read_capture
from tickwright.market.datagrams import DatagramSplitter, Split
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import MIN_MESSAGE, SIZES, looks_like_itch, read_records
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import DEFAULT_LINE, cut_datagram, pack_datagrams
from tickwright.market.pcapng import looks_like_pcapng, read_pcapng
from tickwright.market.report import Line, ReadReport
from tickwright.market.source import Source

__all__ = ["CAPTURE", "ITCH_FILE", "read_frames", "read_messages", "recognise", "stamps_of"]

CAPTURE = "pcap"
ITCH_FILE = "itch"
HEAD_BYTES = 4096
NO_STAMP = np.int64(-1)


def recognise(path: Path) -> str:
    """Return what a file is, by its content: ``CAPTURE`` or ``ITCH_FILE``."""
    with Source(path) as source:
        head = source.read(HEAD_BYTES)
        if not head and not source.damage:
            raise MarketError(
                f"{path}: the file is empty; expected a pcap, a pcapng or an ITCH BinaryFILE"
            )
        if looks_like_pcap(head) or looks_like_pcapng(head):
            return CAPTURE
        if looks_like_itch(head):
            return ITCH_FILE
        if source.damage:
            raise MarketError(source.damage)
        raise MarketError(
            f"{path}, byte 0: found {head[:4].hex(' ')}, expected the magic of a pcap or pcapng, "
            f"or the length and type of an ITCH message (plain or gzip)"
        )


def stamps_of(table: MessageTable) -> npt.NDArray[np.int64]:
    """Return the time stamp of each message, in nanoseconds since midnight."""
    stamps = np.empty(len(table), dtype=np.int64)
    read_stamps(table.data, table.offset, stamps)
    return stamps


class _Limits:
    """Keeps what lies between two feed times, and so many messages of it."""

    def __init__(self, from_ns: int | None, until_ns: int | None, max_messages: int | None) -> None:
        if from_ns is not None and until_ns is not None and until_ns < from_ns:
            raise MarketError(
                f"until: found {until_ns} ns, expected no less than from, {from_ns} ns"
            )
        if max_messages is not None and max_messages < 0:
            raise MarketError(f"max_messages: found {max_messages}, expected 0 or more")
        self.from_ns = from_ns
        self.until_ns = until_ns
        self.max_messages = max_messages
        self.end: int | None = None  # first sequence beyond the messages wanted
        self.stamp = NO_STAMP
        self.finished = max_messages == 0

    @property
    def absent(self) -> bool:
        return self.from_ns is None and self.until_ns is None and self.max_messages is None

    def within(self, stamps: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which feed times are wanted."""
        wanted = np.ones(len(stamps), dtype=np.bool_)
        if self.from_ns is not None:
            wanted &= stamps >= self.from_ns
        if self.until_ns is not None:
            wanted &= stamps < self.until_ns
            if len(stamps) and bool((stamps >= self.until_ns).all()):
                self.finished = True
        return wanted

    def records(self, table: MessageTable) -> MessageTable:
        """Return the wanted part of a BinaryFILE's table."""
        if self.absent:
            return table
        table = table.select(self.within(stamps_of(table)))
        if self.max_messages is not None and len(table):
            if self.end is None:
                self.end = int(table.sequence[0]) + self.max_messages
            table = table.select(table.sequence < np.uint64(self.end))
            self.finished |= int(table.sequence[-1]) + 1 >= self.end if len(table) else True
        return table

    def frames(self, frames: FrameTable, split: Split) -> FrameTable:
        """Return the wanted part of a capture's table: whole frames, the last one cut to fit.

        A frame has the time stamp of its first message, or of the last message before it.
        """
        stamps = self._frame_stamps(frames, split)
        kept = np.flatnonzero(self.within(stamps))
        accepted = split.verdict == 0
        if self.max_messages is not None:
            carrying = kept[accepted[kept] & (split.count[kept] > 0)]
            if self.end is None and len(carrying):
                self.end = int(split.sequence[carrying].min()) + self.max_messages
            if self.end is not None:
                end = np.uint64(self.end)
                kept = kept[~accepted[kept] | (split.sequence[kept] < end)]
                late = accepted & (split.count > 0) & (split.sequence >= end)
                lines = np.unique(split.line[accepted])
                done = [bool((late & (split.line == line)).any()) for line in lines]
                self.finished |= bool(done) and all(done)
        data, offset = frames.data, frames.offset[kept]
        length, rows = frames.length[kept], kept
        if self.end is not None and self.max_messages is not None:
            data, offset, length = self._cut_last(frames, split, rows, self.end)
        return FrameTable(data, offset, length, frames.time_ns[kept], frames.number)

    def _frame_stamps(self, frames: FrameTable, split: Split) -> npt.NDArray[np.int64]:
        firsts = np.full(len(frames), NO_STAMP)
        rows, starts = np.unique(split.messages.frame, return_index=True)
        firsts[rows.astype(np.int64) - frames.number] = stamps_of(split.messages.select(starts))
        stamps = np.maximum.accumulate(np.maximum(firsts, self.stamp))
        self.stamp = stamps[-1]
        return np.where(firsts >= 0, firsts, stamps)

    @staticmethod
    def _cut_last(
        frames: FrameTable, split: Split, rows: npt.NDArray[np.int64], end: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
        """Shorten the datagrams that reach beyond the last message wanted."""
        offset, length = frames.offset[rows], frames.length[rows]
        last = split.sequence[rows] + split.count[rows]
        beyond = np.flatnonzero((split.verdict[rows] == 0) & (last > np.uint64(end)))
        pieces = [frames.data]
        size = len(frames.data)
        for place in beyond:
            row = int(rows[place])
            cut = cut_datagram(frames.frame(row), end - int(split.sequence[row]))
            offset[place], length[place] = size, len(cut)
            pieces.append(np.frombuffer(cut, dtype=np.uint8))
            size += len(cut)
        return (np.concatenate(pieces) if len(beyond) else frames.data), offset, length


def _finish(source: Source, report: ReadReport, *, strict: bool) -> None:
    if source.damage:
        report.damage.append(source.damage)
    if report.kind == CAPTURE and not report.lines and not report.damage:
        raise MarketError(
            f"{source.path}: found {report.frames} frames, none of them MoldUDP64 in UDP"
        )
    if strict and report.damage:
        raise MarketError(report.damage[0])


def _open(path: Path, report: ReadReport) -> Source:
    report.kind = recognise(path)
    source = Source(path)
    report.compressed, report.size = source.compressed, source.size
    return source


def _record_chunks(source: Source, report: ReadReport, limits: _Limits) -> Iterator[MessageTable]:
    for table in read_records(source, report):
        kept = limits.records(table)
        report.messages += len(kept)
        report.skipped_messages += int(
            np.count_nonzero(SIZES[kept.data[kept.offset]] != kept.length)
        )
        if len(kept):
            yield kept
        if limits.finished:
            return


def _capture_chunks(source: Source, report: ReadReport) -> Iterator[FrameTable]:
    """Yield the frames of a capture, whichever form it has."""
    with Source(source.path) as again:
        report.pcapng = looks_like_pcapng(again.read(HEAD_BYTES))
    return (read_pcapng if report.pcapng else read_capture)(source, report)


def _frame_chunks(
    source: Source, report: ReadReport, limits: _Limits, lines: Iterable[Line] | None
) -> Iterator[FrameTable]:
    if limits.absent:
        yield from _capture_chunks(source, report)
        return
    scout = DatagramSplitter(ReadReport(), lines=lines)
    for frames in _capture_chunks(source, report):
        kept = limits.frames(frames, scout.split(frames))
        report.lines = report.lines or scout.report.lines
        if len(kept):
            yield kept
        if limits.finished:
            return


def read_messages(
    path: Path,
    *,
    from_ns: int | None = None,
    until_ns: int | None = None,
    max_messages: int | None = None,
    lines: Iterable[Line] | None = None,
    controls: bool = False,
    report: ReadReport | None = None,
) -> Iterator[MessageTable]:
    """Yield the messages of a file in order of arrival, a chunk at a time.

    ``from_ns`` (included) and ``until_ns`` (excluded) are feed times; ``max_messages`` counts
    sequence numbers from the first one kept, so that both lines of a capture end alike. With a
    ``report`` damage is noted there and what can be read is; without one it raises `MarketError`
    once all that can be read has been.
    """
    limits = _Limits(from_ns, until_ns, max_messages)
    notes = ReadReport() if report is None else report
    lines = None if lines is None else list(lines)
    with _open(path, notes) as source:
        if limits.finished:
            return
        if notes.kind == ITCH_FILE:
            yield from _record_chunks(source, notes, limits)
        else:
            splitter = DatagramSplitter(notes, lines=lines, controls=controls)
            for frames in _frame_chunks(source, notes, limits, lines):
                table = splitter.split(frames).messages
                if len(table):
                    yield table
        _finish(source, notes, strict=report is None)


def read_frames(
    path: Path,
    *,
    from_ns: int | None = None,
    until_ns: int | None = None,
    max_messages: int | None = None,
    lines: Iterable[Line] | None = None,
    report: ReadReport | None = None,
) -> Iterator[FrameTable]:
    """Yield the frames of a file, a chunk at a time; the limits are those of `read_messages`.

    A BinaryFILE is packed into datagrams on line A, the first of ``lines``.
    """
    limits = _Limits(from_ns, until_ns, max_messages)
    notes = ReadReport() if report is None else report
    lines = None if lines is None else list(lines)
    with _open(path, notes) as source:
        if limits.finished:
            return
        if notes.kind == ITCH_FILE:
            line = lines[0] if lines else DEFAULT_LINE
            notes.lines, notes.lines_assumed = [line], not lines
            not_before = 0
            for table in _record_chunks(source, notes, limits):
                frames = pack_datagrams(
                    table.select(table.length >= MIN_MESSAGE), line=line, not_before_ns=not_before
                )
                not_before = int(frames.time_ns[-1])
                yield frames
        else:
            splitter = DatagramSplitter(notes, lines=lines)
            for frames in _frame_chunks(source, notes, limits, lines):
                splitter.split(frames)
                yield frames
        _finish(source, notes, strict=report is None)
