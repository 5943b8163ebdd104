"""What is in a file: counts, times, gaps, bursts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tickwright.market.big_endian import get_u16, get_u48
from tickwright.market.compiled import compiled
from tickwright.market.directory import Directory, DirectorySurvey
from tickwright.market.itch_files import MIN_MESSAGE, SIZES
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import stamps_of

__all__ = ["Burst", "Gaps", "Inspection", "Inspector"]

LINES = 2
LEEWAY = 1 << 16  # sequences before the first one seen that may still come
FARTHEST = 1 << 26  # sequences ahead that are believed
PER_BYTE = 4  # two bits a sequence: seen on line A, seen on line B
SHOWN_GAPS = 10
BINS = 1 << 16
SPANS_NS = (1_000, 1_000_000)

FIRST_NS, LAST_NS, UNIQUE, FAR = range(4)


@dataclass(frozen=True)
class Burst:
    """The busiest stretch of a length: when it began and how many messages it holds."""

    span_ns: int
    at_ns: int
    messages: int


@dataclass(frozen=True)
class Gaps:
    """What is missing; ``ranges`` are the first of them, as first and last sequence."""

    gaps: int
    missing: int
    ranges: tuple[tuple[int, int], ...]


@dataclass
class Inspection:
    """What an `Inspector` has found; messages that came twice count once."""

    messages: int
    by_type: dict[str, int]
    skipped: int
    first_ns: int | None
    last_ns: int | None
    first_sequence: int | None
    last_sequence: int | None
    line_messages: list[int]
    duplicates: list[int]
    lines: list[Gaps]
    merged: Gaps
    far_sequences: int
    bursts: list[Burst]
    directory: Directory
    busiest: list[tuple[int, int]] = field(default_factory=list)  # locate, messages


@compiled
def _account(
    data, offset, length, sequence, line, base, seen, totals, copies, types, locates, skipped, fresh
):
    """Count messages, each sequence once; ``fresh`` tells which rows came first."""
    for row in range(len(offset)):
        fresh[row] = False
        place = np.int64(sequence[row] - base)
        byte, shift = place // PER_BYTE, 2 * (place % PER_BYTE)
        bit = 1 << (shift + line[row])
        both = 3 << shift
        totals[line[row]] += 1
        if seen[byte] & bit:
            copies[line[row]] += 1
        elif not seen[byte] & both:
            fresh[row] = True
            at = offset[row]
            types[data[at]] += 1
            locates[get_u16(data, at + 1)] += 1
            if SIZES[data[at]] != length[row]:
                skipped[0] += 1
        seen[byte] |= bit


@compiled
def _burst(data, offset, fresh, span_ns, tags, counts, best):
    """Count messages by stretches of time; ``best`` holds the busiest one's start and count."""
    for row in range(len(offset)):
        if not fresh[row]:
            continue
        stretch = get_u48(data, offset[row] + 5) // span_ns
        place = stretch % BINS
        if tags[place] != stretch:
            tags[place] = stretch
            counts[place] = 0
        counts[place] += 1
        if counts[place] > best[1]:
            best[0] = stretch * span_ns
            best[1] = counts[place]


@compiled
def _find_gaps(seen, mask, first, last, ranges):
    """Count runs of sequences that no line of the mask has; places count from the base."""
    gaps = missing = 0
    inside = False
    for place in range(first, last + 1):
        here = (seen[place // PER_BYTE] >> (2 * (place % PER_BYTE))) & mask
        if here:
            inside = False
            continue
        missing += 1
        if not inside:
            gaps += 1
            inside = True
            if gaps <= len(ranges):
                ranges[gaps - 1, 0] = place
        if gaps <= len(ranges):
            ranges[gaps - 1, 1] = place
    return gaps, missing


class Inspector:
    """Takes tables of messages in order of arrival, control rows too, and counts."""

    def __init__(self) -> None:
        self._survey = DirectorySurvey()
        self._base: int | None = None
        self._seen = np.zeros(0, dtype=np.uint8)
        self._first: int | None = None
        self._last: int | None = None
        self._totals = np.zeros(LINES, dtype=np.int64)
        self._copies = np.zeros(LINES, dtype=np.int64)
        self._types = np.zeros(256, dtype=np.int64)
        self._locates = np.zeros(1 << 16, dtype=np.int64)
        self._skipped = np.zeros(1, dtype=np.int64)
        self._far = 0
        self._times: list[int] = []
        self._tags = np.full((len(SPANS_NS), BINS), -1, dtype=np.int64)
        self._counts = np.zeros((len(SPANS_NS), BINS), dtype=np.int64)
        self._best = np.zeros((len(SPANS_NS), 2), dtype=np.int64)

    def add(self, table: MessageTable) -> None:
        """Take in more messages."""
        table = self._believed(table)
        if not len(table):
            return
        self._reach(table.sequence)
        messages = table.select(table.length >= MIN_MESSAGE)
        if not len(messages):
            return
        fresh = np.empty(len(messages), dtype=np.bool_)
        _account(
            messages.data, messages.offset, messages.length, messages.sequence, messages.line,
            np.uint64(self._base or 0), self._seen, self._totals, self._copies, self._types,
            self._locates, self._skipped, fresh,
        )  # fmt: skip
        for index, span_ns in enumerate(SPANS_NS):
            _burst(
                messages.data, messages.offset, fresh, span_ns,
                self._tags[index], self._counts[index], self._best[index],
            )  # fmt: skip
        if fresh.any():
            new = messages.select(fresh)
            stamps = stamps_of(new)
            spans = [*self._times, int(stamps.min()), int(stamps.max())]
            self._times = [min(spans), max(spans)]
            self._survey.add(new)

    def _believed(self, table: MessageTable) -> MessageTable:
        """Leave out sequences too far from what was seen to be true."""
        if not len(table):
            return table
        if self._base is None:
            self._base = max(0, int(table.sequence[0]) - LEEWAY)
        known = self._base if self._last is None else self._last
        low, high = np.uint64(self._base), np.uint64(min(known + FARTHEST, (1 << 64) - 1))
        believed = (table.sequence >= low) & (table.sequence <= high)
        self._far += int(np.count_nonzero(~believed))
        return table.select(believed)

    def _reach(self, sequence: npt.NDArray[np.uint64]) -> None:
        first, last = int(sequence.min()), int(sequence.max())
        self._first = first if self._first is None else min(self._first, first)
        self._last = last if self._last is None else max(self._last, last)
        need = (self._last - (self._base or 0)) // PER_BYTE + 1
        if need > len(self._seen):
            grown = np.zeros(max(need, 2 * len(self._seen)), dtype=np.uint8)
            grown[: len(self._seen)] = self._seen
            self._seen = grown

    def _gaps(self, mask: int, end: int) -> Gaps:
        if self._first is None or self._base is None:
            return Gaps(0, 0, ())
        ranges = np.zeros((SHOWN_GAPS, 2), dtype=np.int64)
        gaps, missing = _find_gaps(
            self._seen, mask, self._first - self._base, end - self._base, ranges
        )
        shown = [(int(low) + self._base, int(high) + self._base) for low, high in ranges[:gaps]]
        return Gaps(int(gaps), int(missing), tuple(shown))

    def _end(self) -> int:
        """Return the last sequence that was seen or promised: a heartbeat names the next one."""
        last = self._last or 0
        place = last - (self._base or 0)
        if len(self._seen) and not (self._seen[place // PER_BYTE] >> 2 * (place % PER_BYTE)) & 3:
            return last - 1
        return last

    def inspection(self, *, busiest: int = 10) -> Inspection:
        """Return what has been found."""
        end = self._end()
        order = np.argsort(-self._locates, kind="stable")[:busiest]
        kinds = np.flatnonzero(self._types)
        ranked = sorted(kinds, key=lambda kind: -int(self._types[kind]))
        return Inspection(
            messages=int(self._types.sum()),
            by_type={_name(int(kind)): int(self._types[kind]) for kind in ranked},
            skipped=int(self._skipped[0]),
            first_ns=self._times[0] if self._times else None,
            last_ns=self._times[1] if self._times else None,
            first_sequence=self._first,
            last_sequence=None if self._first is None else end,
            line_messages=[int(total) for total in self._totals],
            duplicates=[int(copies) for copies in self._copies],
            lines=[self._gaps(1 << line, end) for line in range(LINES)],
            merged=self._gaps((1 << LINES) - 1, end),
            far_sequences=self._far,
            bursts=[
                Burst(span_ns, int(best[0]), int(best[1]))
                for span_ns, best in zip(SPANS_NS, self._best, strict=True)
            ],
            directory=self._survey.directory(),
            busiest=[(int(at), int(self._locates[at])) for at in order if self._locates[at]],
        )


def _name(kind: int) -> str:
    return chr(kind) if 0x21 <= kind < 0x7F else f"0x{kind:02x}"
