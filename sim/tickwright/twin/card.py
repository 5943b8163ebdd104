"""The twin: a Verilated card, its wires and its bus."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tickwright.core.closing import Closing
from tickwright.core.regs import WORD_BYTES as REGISTER_BYTES
from tickwright.core.streams import WORD_BYTES
from tickwright.host.records import TABLES, Journal
from tickwright.top.presets import Preset
from tickwright.twin.frames import Frames
from tickwright.twin.library import library
from tickwright.twin.stamps import Stamps
from tickwright.twin.taps import TAPS, layouts, table
from tickwright.twin.venue import Arrival, Venue

__all__ = ["NEVER_NS", "Conversation", "FrameQueue", "Run", "Tapped", "TwinCard", "TxFrame"]

NEVER_NS = (1 << 63) - 1
PERIOD_PS = 6400  # of the card's clock, as in the harness


@dataclass(frozen=True)
class TxFrame:
    """A frame the card sent to the venue; ``cycle`` is that of its first word."""

    cycle: int
    at_ns: int  # card time when it was complete
    frame: bytes


@dataclass(frozen=True, eq=False)
class Tapped:
    """Rows that one record stream told, with the cycle and card time in which each passed."""

    name: str
    cycles: np.ndarray
    decided_ns: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Run:
    """All that came out of one run of the twin."""

    journal: Journal
    sent: list[TxFrame]
    passed: dict[str, np.ndarray]  # cycle in which each row of each table of the journal passed
    cause_cycles: list[int | None]  # cycle of the last byte of the message behind each order
    frame_cycles: np.ndarray  # cycle of the first word of each frame of the feed
    shown: np.ndarray  # cycle, and which stages had something to hand on, as `TwinTop.shown`
    cycles: int  # simulated, start-up left out

    @property
    def latencies(self) -> dict[int, int]:
        """Cycles from the last byte of the message to word 0 of the frame, by user reference."""
        return {
            int(order["user_ref"]): frame.cycle - cause
            for order, cause, frame in zip(
                self.journal.orders, self.cause_cycles, self.sent, strict=True
            )
            if cause is not None
        }


class TwinCard(Closing):
    """A card made of its own Verilog, driven a frame at a time.

    It is a bus, so that the host's own code loads it (`Bus`: read and write). Time passes as the
    capture says: cycle by cycle while anything moves, in one leap while all is still.

    With ``tracing`` it is built so that `trace` works, and is several times slower.

    Raises `BuildError` if a tool fails on the first use of a preset.
    """

    def __init__(self, preset: Preset, *, hold_ns: int, tracing: bool = False) -> None:
        self.preset = preset
        self.hold_ns = hold_ns
        self._layouts = layouts(preset)
        self._lib = _declare(library(preset, tracing=tracing))
        self._card = ctypes.c_void_p(self._lib.card_new())
        self._lib.card_reset(self._card)

    def close(self) -> None:
        """Free the card; a waveform is complete only then."""
        if self._card:
            self._lib.card_delete(self._card)
            self._card = ctypes.c_void_p()

    @property
    def cycle(self) -> int:
        """Cycles simulated so far."""
        return self._lib.card_cycle(self._card)

    @property
    def now_ns(self) -> int:
        """Card time."""
        return self._lib.card_now_ns(self._card)

    def read(self, addr: int) -> int:
        """Read the word at byte address ``addr``."""
        return self._lib.card_read(self._card, addr // REGISTER_BYTES)

    def write(self, addr: int, value: int) -> None:
        """Write the word at byte address ``addr``."""
        self._lib.card_write(self._card, addr // REGISTER_BYTES, value)

    def trace(self, path: Path) -> None:
        """Write a waveform from now on; it is complete when the card is closed."""
        if not self._lib.card_trace(self._card, str(path).encode()):
            raise RuntimeError("the twin was made without tracing")

    def step(self, cycles: int) -> None:
        """Let the clock run."""
        self._lib.card_step(self._card, cycles)

    def play(self, frames: Iterable[Frames], venue: Venue | None = None) -> Run:
        """Play frames, and the venue's answers to what the card sends meanwhile."""
        start = self.cycle
        conversation = Conversation(self, venue)
        record = _Record()
        self._lib.card_clear(self._card)
        for chunk in frames:
            self._play_chunk(chunk, conversation)
            record.play(chunk, self._frame_cycles())
            self._collect(record)
        self._settle(conversation)
        self._collect(record)
        return Run(
            journal=record.journal(),
            sent=conversation.sent,
            passed=record.passed(),
            cause_cycles=record.cause_cycles,
            frame_cycles=np.concatenate([*record.frame_cycles, np.zeros(0, np.uint64)]),
            shown=np.concatenate([*record.shown, np.zeros((0, 2), np.uint64)]),
            cycles=self.cycle - start,
        )

    def _play_chunk(self, chunk: Frames, conversation: Conversation) -> None:
        queue = FrameQueue(chunk)
        while queue.left:
            self.play_some(queue, conversation)

    def play_some(
        self,
        queue: FrameQueue,
        conversation: Conversation,
        *,
        most: int | None = None,
        until_ns: int = NEVER_NS,
    ) -> None:
        """Play frames of a queue, ``most`` at most and none after card time ``until_ns``.

        It ends early behind a frame to the venue, and when an answer is due, which it then plays;
        so it is to be called again until the queue is as short as it should be.
        """
        left = queue.left if most is None else min(most, queue.left)
        at = queue.at
        queue.at += self._lib.card_play(
            self._card,
            queue.data.ctypes.data,
            queue.offset.ctypes.data + at * queue.offset.itemsize,
            queue.length.ctypes.data + at * queue.length.itemsize,
            queue.time_ns.ctypes.data + at * queue.time_ns.itemsize,
            queue.good.ctypes.data + at * queue.good.itemsize,
            left,
            min(conversation.due_ns, until_ns),
            self.hold_ns,
        )
        conversation.listen()
        if conversation.due_ns <= until_ns and conversation.due_ns < queue.next_ns:
            conversation.speak()

    def _settle(self, conversation: Conversation) -> None:
        """Let all that is under way end: answers, an open gap, the card's own queues."""
        end_ns = self.now_ns + 4 * self.hold_ns + 1_000_000
        while conversation.due_ns < NEVER_NS or self.now_ns < end_ns:
            if conversation.due_ns < NEVER_NS:
                conversation.speak()
                end_ns = max(end_ns, self.now_ns + 1_000_000)
            else:
                self._lib.card_advance(self._card, end_ns, self.hold_ns)
            conversation.listen()

    def advance(self, until_ns: int) -> None:
        """Let time pass until card time ``until_ns``, or until a frame has left to the venue."""
        self._lib.card_advance(self._card, until_ns, self.hold_ns)

    def respond(self, frame: bytes) -> None:
        """Play one frame on the order session's receive port."""
        self._lib.card_respond(self._card, frame, len(frame))

    def words_sent(self) -> np.ndarray:
        """Return the words of frames to the venue not yet forgotten: cycle, data, marks."""
        return self._rows(len(TAPS))

    def forget_sent(self) -> None:
        """Forget the words of frames to the venue; to be called between two frames only."""
        self._lib.card_clear_sent(self._card)

    def _collect(self, record: _Record) -> None:
        if len(shown := self._rows(len(TAPS) + 1)):
            record.shown.append(shown.copy())
        for tapped in self.collected():
            record.add(tapped.name, tapped.cycles, tapped.rows)

    def collected(self) -> list[Tapped]:
        """Return and forget all records since the last call, by stream."""
        found = []
        for index, name in enumerate(TAPS):
            words = self._rows(index)
            if len(words):
                rows = table(name, self._layouts[name], words[:, 1:])
                cycles = words[:, 0].copy()
                found.append(Tapped(name, cycles, self._times_ns(cycles), rows))
        self._lib.card_clear(self._card)
        return found

    def _times_ns(self, cycles: np.ndarray) -> np.ndarray:
        """Return the card time of cycles since the last collection."""
        count = ctypes.c_uint64()
        place = self._lib.card_leaps(self._card, ctypes.byref(count))
        leaps = np.ctypeslib.as_array(place, (count.value, 2))
        last = np.searchsorted(leaps[:, 0], cycles, side="right") - 1
        return (leaps[last, 1] + (cycles - leaps[last, 0]) * np.uint64(PERIOD_PS)) // np.uint64(
            1000
        )

    def _frame_cycles(self) -> np.ndarray:
        """Return the cycles of the first words of the frames played since the last collection."""
        count = ctypes.c_uint64()
        place = self._lib.card_frame_cycles(self._card, ctypes.byref(count))
        if not count.value:
            return np.zeros(0, np.uint64)
        return np.ctypeslib.as_array(place, (count.value,)).copy()

    def _rows(self, tap: int) -> np.ndarray:
        count, width = ctypes.c_uint64(), ctypes.c_uint64()
        place = self._lib.card_rows(self._card, tap, ctypes.byref(count), ctypes.byref(width))
        if not count.value:
            return np.zeros((0, 1), np.uint64)
        return np.ctypeslib.as_array(place, (count.value, width.value))


class FrameQueue:
    """Frames as the harness takes them, and the place ``at`` of the next one to be played."""

    def __init__(self, frames: Frames, shift_ns: int = 0) -> None:
        self.data = np.ascontiguousarray(frames.data, np.uint8)
        self.offset = np.ascontiguousarray(frames.offset, np.uint64)
        self.length = np.ascontiguousarray(frames.length, np.uint32)
        times = np.ascontiguousarray(frames.time_ns, np.uint64)
        self.time_ns = (times.astype(np.int64) + shift_ns).astype(np.uint64) if shift_ns else times
        self.good = np.ones(len(self.length), np.uint8)
        self.at = 0

    @property
    def left(self) -> int:
        """Frames not yet played."""
        return len(self.length) - self.at

    @property
    def next_ns(self) -> int:
        """Card time of the next frame, that of the beginning if there is none."""
        return int(self.time_ns[self.at]) if self.left else 0


class _Record:
    """What was collected of a run so far."""

    def __init__(self) -> None:
        self._rows: dict[str, list[np.ndarray]] = {name: [] for name in TAPS}
        self._cycles: dict[str, list[np.ndarray]] = {name: [] for name in TAPS}
        self._stamps = Stamps()
        self.frame_cycles: list[np.ndarray] = []
        self.shown: list[np.ndarray] = []
        self.cause_cycles: list[int | None] = []

    def play(self, chunk: Frames, cycles: np.ndarray) -> None:
        """Take frames that were played, and the cycles of their first words."""
        self._stamps.add(chunk, cycles)
        self.frame_cycles.append(cycles)

    def add(self, name: str, cycles: np.ndarray, rows: np.ndarray) -> None:
        """Take the rows of one record stream, and the cycles in which they passed."""
        self._rows[name].append(rows)
        self._cycles[name].append(cycles)
        if name == "orders":
            self.cause_cycles += [
                self._stamps.cycle(int(row["frame"]), int(row["sequence"]), int(cycle))
                for row, cycle in zip(rows, cycles, strict=True)
            ]

    def passed(self) -> dict[str, np.ndarray]:
        """Return the cycle of each row, by table of the journal."""
        return {
            journal: np.concatenate([*self._cycles[name], np.zeros(0, np.uint64)])
            for name, journal in TAPS.items()
        }

    def journal(self) -> Journal:
        """Return all rows as a journal."""
        return Journal(
            **{
                journal: np.concatenate([*self._rows[name], np.zeros(0, TABLES[journal])])
                for name, journal in TAPS.items()
            }
        )


class Conversation:
    """The card's frames to the venue and the venue's answers, in their order in time."""

    def __init__(self, card: TwinCard, venue: Venue | None) -> None:
        self._card = card
        self._venue = venue
        self._answers: deque[Arrival] = deque()
        self._heard = 0
        self.sent: list[TxFrame] = []

    @property
    def due_ns(self) -> int:
        """Time of the next answer; far away if there is none."""
        return self._answers[0].at_ns if self._answers else NEVER_NS

    def listen(self) -> None:
        """Hand the frames that were completed since the last call to the venue.

        A venue may read registers, whereby time passes and words come: it is asked at last.
        """
        words = self._card.words_sent()
        begin, frames = self._heard, []
        for at in range(self._heard, len(words)):
            if int(words[at, 2]) >> 5 & 1:  # last
                frames.append(_frame(words[begin : at + 1], self._card.now_ns))
                begin = at + 1
        self._heard = begin
        if begin and begin == len(words):
            self._card.forget_sent()
            self._heard = 0
        for sent in frames:
            self.sent.append(sent)
            if self._venue is not None:
                self._answers.extend(self._venue.take(sent.frame, sent.at_ns))

    def speak(self) -> None:
        """Let time pass until the next answer is due, and play it unless the card spoke first."""
        self._card.advance(self.due_ns)
        if self._card.now_ns >= self.due_ns:
            self._card.respond(self._answers.popleft().frame)


def _frame(words: np.ndarray, now_ns: int) -> TxFrame:
    """Return the frame of some words."""
    last = int(words[-1, 2]) & 0xF
    size = WORD_BYTES * (len(words) - 1) + last
    return TxFrame(int(words[0, 0]), now_ns, words[:, 1].astype("<u8").tobytes()[:size])


def _declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    """Say what the functions of the harness take and return."""
    card, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    array, words = ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64)
    signatures = {
        "card_new": ([], card),
        "card_delete": ([card], None),
        "card_trace": ([card, ctypes.c_char_p], ctypes.c_int),
        "card_reset": ([card], None),
        "card_step": ([card, u64], None),
        "card_advance": ([card, u64, u64], None),
        "card_now_ns": ([card], u64),
        "card_cycle": ([card], u64),
        "card_write": ([card, u32, u32], None),
        "card_read": ([card, u32], u32),
        "card_play": ([card, *[array] * 5, u64, u64, u64], u64),
        "card_respond": ([card, ctypes.c_char_p, u32], None),
        "card_frames_sent": ([card], u64),
        "card_rows": ([card, u32, ctypes.POINTER(u64), ctypes.POINTER(u64)], words),
        "card_frame_cycles": ([card, ctypes.POINTER(u64)], words),
        "card_leaps": ([card, ctypes.POINTER(u64)], words),
        "card_clear": ([card], None),
        "card_clear_sent": ([card], None),
    }
    for name, (arguments, result) in signatures.items():
        function = getattr(lib, name)
        function.argtypes, function.restype = arguments, result
    return lib
