"""A file of market data to be replayed, and the part of it that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import MIN_MESSAGE
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import DEFAULT_LINE
from tickwright.market.reader import CAPTURE, read_frames, read_messages, recognise
from tickwright.market.report import Line, ReadReport
from tickwright.replay.survey import Survey, survey

__all__ = ["Recording"]

PIECE_FRAMES = 8192  # at once: so that progress shows

Watch = Callable[[Iterator, str, int | None], Iterator]


def _unwatched(items: Iterator, what: str, total: int | None) -> Iterator:
    return items


@dataclass(eq=False)
class Recording:
    """One file, between two feed times, and so many messages of it.

    Without ``lines``, those of the file are taken. ``watch`` may show the progress of each pass
    over the file: it gets the pieces, what is done with them, and the number of messages if known.
    """

    path: Path
    from_ns: int | None = None
    until_ns: int | None = None
    max_messages: int | None = None
    lines: Sequence[Line] | None = None
    watch: Watch = _unwatched
    report: ReadReport = field(default_factory=ReadReport)  # of the first pass

    @cached_property
    def is_capture(self) -> bool:
        """Whether it is a pcap."""
        return recognise(self.path) == CAPTURE

    @property
    def day(self) -> date | None:
        """The day (UTC) of the first packet of a capture; a BinaryFILE does not tell."""
        _ = self.survey
        return self.report.day

    @cached_property
    def survey(self) -> Survey:
        """What the file holds; the first pass. Raises MarketError where it holds no message."""
        found = survey(self.watch(self._messages(self.report), "looking through", None))
        if not found.messages:
            raise MarketError(f"{self.path}: found no message{self._where()}")
        return found

    @property
    def found_lines(self) -> list[Line]:
        """Lines that the messages come on, A first; a BinaryFILE is put on one."""
        _ = self.survey
        return list(self.lines or self.report.lines or [DEFAULT_LINE])

    def messages(self) -> Iterator[MessageTable]:
        """Yield messages in order of arrival, with rows for heartbeats and framing faults."""
        total = self.survey.messages
        tables = self._messages(ReadReport(), controls=True)
        yield from self.watch(tables, "the model", self.report.messages or total)

    def frames(self) -> Iterator[FrameTable]:
        """Yield frames in order of arrival; those of a BinaryFILE are packed for it."""
        _ = self.survey
        tables = read_frames(self.path, report=ReadReport(), **self._limits(self.found_lines))
        yield from self.watch(_pieces(tables), "the twin", self.report.frames or None)

    def by_sequence(self) -> MessageTable:
        """Return all messages in one table, each sequence once: of its copies the first to come."""
        tables = list(self._messages(ReadReport()))
        data = np.concatenate([table.data for table in tables])
        starts = np.cumsum([0, *(len(table.data) for table in tables[:-1])])
        columns = {
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in ("length", "sequence", "arrival_ns", "frame", "line")
        }
        offset = np.concatenate(
            [table.offset + start for table, start in zip(tables, starts, strict=True)]
        )
        _, first = np.unique(columns["sequence"], return_index=True)
        return MessageTable(data=data, offset=offset, **columns).select(first)

    def _messages(self, report: ReadReport, *, controls: bool = False) -> Iterator[MessageTable]:
        tables = read_messages(
            self.path, report=report, controls=controls, **self._limits(self.lines)
        )
        for table in tables:
            # A BinaryFILE may hold records too short for a message, which no datagram carries.
            yield table if self.is_capture else table.select(table.length >= MIN_MESSAGE)

    def _limits(self, lines: Sequence[Line] | None) -> dict:
        return {
            "from_ns": self.from_ns,
            "until_ns": self.until_ns,
            "max_messages": self.max_messages,
            "lines": lines,
        }

    def _where(self) -> str:
        if self.report.damage:
            return f" ({self.report.damage[0]})"
        if self.lines and self.is_capture:
            found = ReadReport()
            for _ in read_messages(self.path, report=found, max_messages=1):
                break
            if not set(found.lines) & set(self.lines):
                there = ", ".join(map(str, found.lines))
                asked = ", ".join(map(str, self.lines))
                return f" on lines {asked}, expected those of the capture: {there}"
        if (self.from_ns, self.until_ns, self.max_messages) != (None, None, None):
            return " within --from, --until and --max-messages"
        return ""


def _pieces(tables: Iterator[FrameTable]) -> Iterator[FrameTable]:
    """Cut tables of frames into small ones."""
    for table in tables:
        for first in range(0, len(table), PIECE_FRAMES):
            rows = slice(first, first + PIECE_FRAMES)
            yield FrameTable(
                data=table.data,
                offset=table.offset[rows],
                length=table.length[rows],
                time_ns=table.time_ns[rows],
                number=table.number + first,
            )
