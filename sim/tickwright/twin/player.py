"""Card time passes and a market is played, in slices between which a bus can be served."""

from __future__ import annotations

import time
from typing import Any

from tickwright.feed.regs import FeedRegs
from tickwright.market.report import Line
from tickwright.top.memory_map import base
from tickwright.twin.card import NEVER_NS, Conversation, FrameQueue, TwinCard
from tickwright.twin.clock import CardClock
from tickwright.twin.market_pipe import MarketPipe
from tickwright.twin.session_venue import SessionVenue
from tickwright.twin.telemetry import Telemetry

__all__ = ["PlayError", "Player"]

SLICE_NS = 1_000_000  # of the wall clock
IDLE_NS = 1_000_000  # of the wall clock, between two looks at a card where nothing is played
FRAMES = 2  # at once: a full packet takes a few hundred cycles
LEAD_NS = 100_000  # card time before the first frame
SETTLE_NS = 1_000_000  # card time behind the last, and four hold times
PIECE_NS = 10_000  # card time simulated at once where the card may be busy all along
FEW_CYCLES = 256
SHOWN_CYCLES = 4  # for what compares card time, behind a leap
MAX_PACE = "max"


class PlayError(ValueError):
    """A play that cannot begin."""


class Player:
    """Owns the time of a card: that of the wall clock, or of what is played.

    A capture's times are shifted as a whole so that its first frame comes at once: card time never
    leaps ahead, for the watchdog would run out. With a pace, card time goes as `CardClock` grants
    it; with ``max`` as fast as it can be simulated, and the watchdog with it.
    """

    def __init__(
        self, card: TwinCard, venue: SessionVenue | None, telemetry: Telemetry | None
    ) -> None:
        self._card = card
        self._venue = venue
        self._telemetry = telemetry
        self._feed = FeedRegs(card, base("feed"))
        self._conversation = Conversation(card, venue)
        self._clock = CardClock(time.monotonic_ns, card.now_ns)
        self._queue: FrameQueue | None = None
        self._end_ns: int | None = None
        self._pace: float | None = 1.0  # None: as fast as can be
        self._begun = (time.monotonic(), 0, 0)  # wall clock, cycle and messages at the beginning
        self._told: dict[str, Any] = {"state": "idle", "frames": 0, "orders": 0}
        self._shift_ns: int | None = None
        self.pipe: MarketPipe | None = None
        self.busy = False  # whether `step` has more to do at once

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    @property
    def playing(self) -> bool:
        """Whether a play is under way."""
        return self._told["state"] == "playing"

    def play(self, request: dict[str, Any]) -> None:
        """Begin to play a capture. Raises PlayError: one is under way, or the request is wrong."""
        if self.playing:
            raise PlayError("play: found one under way, expected none")
        pace = request.get("pace")
        if pace != MAX_PACE and not (isinstance(pace, int | float) and 0 < pace <= 1000):
            raise PlayError(f"pace: found {pace!r}, expected max or a number up to 1000")
        limits = {name: request.get(name) for name in ("from_ns", "until_ns", "max_messages")}
        for name, limit in limits.items():
            if limit is not None and not (isinstance(limit, int) and limit >= 0):
                raise PlayError(f"{name}: found {limit!r}, expected a whole number")
        if not isinstance(request.get("path"), str):
            raise PlayError("path: found none, expected that of a capture")
        self._card.hold_ns = self._feed.hold_ns or self._card.hold_ns
        self.close()
        self.pipe = MarketPipe({"path": request["path"], "lines": self._lines(), **limits})
        self._pace = None if pace == MAX_PACE else float(pace)
        self._queue, self._end_ns, self._shift_ns = None, None, None
        self._begun = (time.monotonic(), self._card.cycle, self._feed.delivered)
        self._told = {"state": "playing", "frames": 0, "orders": 0}
        if self._venue is not None:
            self._venue.fault = None

    def stop(self) -> None:
        """Cut the market off. Raises PlayError if none is played."""
        if not self.playing:
            raise PlayError("play: found none, expected one under way")
        self._end("stopped")

    def status(self) -> dict[str, Any]:
        """Return how far the play is."""
        return {**self._told, **self._measured()} if self.playing else dict(self._told)

    def step(self) -> None:
        """Let time pass and play what is due, for a slice at most."""
        if not self.playing and self._clock.waiting_ns < IDLE_NS:
            return
        deadline = time.monotonic_ns() + SLICE_NS
        self.busy = False
        pace = self._pace if self.playing else 1.0
        target = self._clock.target_ns(self._card.now_ns, 1.0 if pace is None else pace)
        if self.playing:
            self._play(NEVER_NS if pace is None else target, deadline)
        if pace is not None:
            queue = self._queue
            self._pass(min(target, queue.next_ns) if queue and queue.left else target, deadline)
        self.busy = self.playing and time.monotonic_ns() >= deadline
        self._count_orders()
        tapped = self._card.collected()
        if self._telemetry is not None:
            self._telemetry.emit(tapped)
        if self.playing and self._venue is not None and self._venue.fault is not None:
            self._end("failed", self._venue.fault)

    def _play(self, until_ns: int, deadline: int) -> None:
        while time.monotonic_ns() < deadline and self._next():
            queue = self._queue
            assert queue is not None
            if queue.next_ns > until_ns:
                return
            at = queue.at
            self._card.play_some(queue, self._conversation, most=FRAMES, until_ns=until_ns)
            self._told["frames"] += queue.at - at
        if self._queue is None and self._end_ns is None and self.pipe and self.pipe.ended:
            if self.pipe.error is not None:
                self._end("failed", self.pipe.error)
                return
            self._end_ns = self._card.now_ns + 4 * self._card.hold_ns + SETTLE_NS
        if self._end_ns is not None:
            if self._conversation.due_ns < NEVER_NS:
                self._end_ns = max(self._end_ns, self._conversation.due_ns + SETTLE_NS)
            self._pass(min(until_ns, self._end_ns), deadline)
            if self._card.now_ns >= self._end_ns and self._conversation.due_ns == NEVER_NS:
                self._end("done")

    def _next(self) -> bool:
        """Take the next chunk if there is none; return whether there is one."""
        if self._queue is not None and not self._queue.left:
            self._queue = None
        if self._queue is None and self.pipe is not None and self.pipe.chunks:
            chunk = self.pipe.chunks.popleft()
            if self._shift_ns is None:
                self._shift_ns = self._card.now_ns + LEAD_NS - int(chunk.time_ns[0])
            self._queue = FrameQueue(chunk, self._shift_ns)
        return self._queue is not None

    def _pass(self, until_ns: int, deadline: int) -> None:
        """Let time pass, in pieces: a busy card takes long for them, one that is still does not."""
        card, conversation = self._card, self._conversation
        piece = PIECE_NS
        while card.now_ns < until_ns and time.monotonic_ns() < deadline:
            cycle = card.cycle
            end = min(until_ns, card.now_ns + piece)
            if conversation.due_ns <= end:
                conversation.speak()
            else:
                card.advance(end)
            conversation.listen()
            piece = PIECE_NS if card.cycle - cycle > FEW_CYCLES else 4 * piece
        card.step(SHOWN_CYCLES)

    def _end(self, state: str, reason: str | None = None) -> None:
        self._count_orders()
        self._told |= self._measured()
        self._told["state"] = state
        if reason is not None:
            self._told["reason"] = reason
        self.close()
        self._queue = None

    def _count_orders(self) -> None:
        self._told["orders"] += len(self._conversation.sent)
        self._conversation.sent.clear()

    def _measured(self) -> dict[str, Any]:
        wall, cycle, messages = self._begun
        return {
            "messages": (self._feed.delivered - messages) % (1 << 32),
            "messages_in_all": self.pipe.messages if self.pipe else None,
            "cycles": self._card.cycle - cycle,
            "wall_s": round(time.monotonic() - wall, 6),
            "shift_ns": self._shift_ns,
            "damage": self.pipe.damage if self.pipe else [],
        }

    def _lines(self) -> list[str]:
        """Return the lines that the card listens to; of a card without, those of the capture."""
        found = [
            Line(getattr(self._feed, f"line_{line}_destination"), port)
            for line in "ab"
            if (port := getattr(self._feed, f"line_{line}_port"))
        ]
        return [str(line) for line in found]
