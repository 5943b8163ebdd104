"""From the lines of a capture to one sequence, where no card arbitrates: time is the capture's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import TRUST
from tickwright.host.setup import CardSetup
from tickwright.market.messages_table import FAULT_ROW, HEARTBEAT_ROW, MessageTable
from tickwright.model.compiled import compiled

__all__ = ["GAP", "Arbiter", "Delivered", "declared_gaps"]

GAP = 1 << REASONS.index("gap")
FAULT = 1 << REASONS.index("fault")
EMPTY = -1
FOREVER_NS = (1 << 63) - 1

STATE = np.dtype(
    [
        ("expected", "i8"),
        ("known", "i8"),  # one more than the highest sequence heard of
        ("held", "i8"),  # messages in the ring
        ("hold_ns", "i8"),
        ("open", "i8"),  # whether a gap is
        ("open_at", "i8"),  # sequence expected when it opened
        ("opened_ns", "i8"),
        ("delivered", "i8"),  # rows written
        ("trusts", "i8"),  # records written
        ("duplicates", "i8"),
        ("hold_overflow", "i8"),
    ]
)

# A Trust record and how many rows were delivered before it.
PLACED = np.dtype([("place", "i8"), ("reasons", "i8"), ("first", "i8"), ("last", "i8")])


class Tables(NamedTuple):
    """All that the arbiter knows."""

    state: np.ndarray  # one STATE
    ring: np.ndarray  # sequence of each entry, EMPTY where none
    ring_row: np.ndarray  # its row
    rows: np.ndarray  # delivered
    placed: np.ndarray  # of PLACED


class Delivered(NamedTuple):
    """Messages in the order of their delivery, and the Trust records between them."""

    messages: MessageTable
    trusts: np.ndarray  # of TRUST


def declared_gaps(trusts: np.ndarray) -> np.ndarray:
    """Return those Trust records, of kind TRUST, that say which messages were lost.

    They are those with reason `gap`, whatever else they say. A range 0 to 0 is none, unless message
    1 comes next: then message 0 was expected and lost.
    """
    gaps = trusts[(trusts["reasons"] & GAP) != 0]
    return gaps[(gaps["last"] != 0) | (gaps["sequence"] == 1)]


@compiled
def _deliver(tables, row):
    state = tables.state[0]
    tables.rows[state.delivered] = row
    state.delivered += 1
    state.expected += 1


@compiled
def _drain(tables):
    """Deliver what is held and comes next."""
    state, ring = tables.state[0], tables.ring
    while ring[state.expected % len(ring)] == state.expected:
        entry = state.expected % len(ring)
        ring[entry] = EMPTY
        state.held -= 1
        _deliver(tables, tables.ring_row[entry])


@compiled
def _place(tables, reasons, first, last):
    state = tables.state[0]
    placed = tables.placed[state.trusts]
    state.trusts += 1
    placed.place = state.delivered
    placed.reasons, placed.first, placed.last = reasons, first, last


@compiled
def _declare(tables, last):
    """Declare lost what is expected up to ``last``."""
    state = tables.state[0]
    _place(tables, GAP, state.expected, last)
    state.expected = last + 1


@compiled
def _declare_open(tables):
    """Declare the open gap."""
    state, ring = tables.state[0], tables.ring
    last = state.known - 1
    if state.held:
        last = state.expected
        while ring[(last + 1) % len(ring)] != last + 1:
            last += 1
    _declare(tables, last)
    _drain(tables)


@compiled
def _watch(tables, now_ns):
    """Note whether a gap is open; the time of another one starts now."""
    state = tables.state[0]
    still = state.known > state.expected
    if still and not (state.open and state.open_at == state.expected):
        state.open_at, state.opened_ns = state.expected, now_ns
    state.open = still


@compiled
def _expire(tables, now_ns):
    """Declare the gaps whose time has come."""
    state = tables.state[0]
    while state.open and now_ns - state.opened_ns >= state.hold_ns:
        due_ns = state.opened_ns + state.hold_ns
        _declare_open(tables)
        _watch(tables, due_ns)


@compiled
def _take_message(tables, sequence, row):
    state, ring = tables.state[0], tables.ring
    state.known = max(state.known, sequence + 1)
    if sequence < state.expected:
        state.duplicates += 1
    elif sequence == state.expected:
        _deliver(tables, row)
        _drain(tables)
    elif sequence < state.expected + len(ring):
        entry = sequence % len(ring)
        if ring[entry] == sequence:
            state.duplicates += 1
        else:
            ring[entry], tables.ring_row[entry] = sequence, row
            state.held += 1
    elif state.held == 0:
        _declare(tables, sequence - 1)
        _deliver(tables, row)
    else:
        state.hold_overflow += 1
        _declare_open(tables)


@compiled
def _take(tables, length, sequence, arrival_ns, start, stop):
    """Take rows in the order of their arrival; stop early where a trust record has no room."""
    state = tables.state[0]
    for row in range(start, stop):
        if state.trusts + 2 * len(tables.ring) + 2 > len(tables.placed):
            return row
        now_ns = np.int64(arrival_ns[row])
        _expire(tables, now_ns)
        if length[row] == HEARTBEAT_ROW:
            state.known = max(state.known, np.int64(sequence[row]))
        elif length[row] == FAULT_ROW:
            _place(tables, FAULT, 0, 0)
        else:
            _take_message(tables, np.int64(sequence[row]), row)
        _watch(tables, now_ns)
    return stop


class Arbiter:
    """Merges the lines of a feed into one sequence, by message.

    `deliver` takes messages of all lines in the order of their arrival, with rows for heartbeats
    and framing faults. When they end, every gap still open is declared. Counters are those of the
    feed stage. Messages that wait for a lost one keep the data they came with until they leave.
    """

    def __init__(self, setup: CardSetup) -> None:
        self._state = np.zeros(1, STATE)
        self._state["expected"] = self._state["known"] = setup.feed.start_sequence
        self._state["hold_ns"] = setup.feed.hold_ns
        self._ring = np.full(setup.hold, EMPTY, np.int64)
        self._ring_row = np.zeros(setup.hold, np.int64)
        self._waiting: MessageTable | None = None  # messages in the ring, from earlier tables
        self._unplaced: list[np.ndarray] = []  # trust records that no delivery has followed yet
        self.gaps = 0
        self.lost = 0

    @property
    def duplicates(self) -> int:
        """Messages that had come before."""
        return int(self._state[0]["duplicates"])

    @property
    def hold_overflow(self) -> int:
        """Messages too far ahead of a gap to be held."""
        return int(self._state[0]["hold_overflow"])

    @property
    def expected(self) -> int:
        """The sequence that comes next."""
        return int(self._state[0]["expected"])

    def deliver(self, tables: Iterable[MessageTable]) -> Iterator[Delivered]:
        """Yield what each table lets be delivered, and at the end what was still held."""
        for table in tables:
            yield self._take(table)
        if self._waiting is not None or self._state[0]["open"] or self._unplaced:
            yield self._finish()

    def _take(self, table: MessageTable) -> Delivered:
        table = self._joined(table)
        work = self._work(len(table))
        done = 0 if self._waiting is None else len(self._waiting)
        # Messages that waited come first in the table; they are in the ring already.
        trusts, at = [], done
        while at < len(table):
            at = _take(work, table.length, table.sequence, table.arrival_ns, at, len(table))
            trusts.append(self._emptied(work))
        return self._result(table, work, trusts)

    def _finish(self) -> Delivered:
        none = _NO_MESSAGES if self._waiting is None else self._waiting
        work = self._work(len(none))
        trusts = []
        while self._state[0]["open"]:
            _declare_open(work)
            _watch(work, FOREVER_NS)
            trusts.append(self._emptied(work))
        delivered = self._result(none, work, trusts)
        left = np.array([*self._unplaced], TRUST)
        left["sequence"] = self.expected
        self._unplaced = []
        return Delivered(delivered.messages, np.concatenate([delivered.trusts, left]))

    def _joined(self, table: MessageTable) -> MessageTable:
        """Put the messages that wait before those of a table."""
        waiting = self._waiting
        if waiting is None:
            return table
        columns = {
            name: np.concatenate([getattr(waiting, name), getattr(table, name)])
            for name in ("data", "length", "sequence", "arrival_ns", "frame", "line")
        }
        offset = np.concatenate([waiting.offset, table.offset + len(waiting.data)])
        return MessageTable(offset=offset, **columns)

    def _work(self, rows: int) -> Tables:
        self._state["delivered"] = 0
        return Tables(
            self._state,
            self._ring,
            self._ring_row,
            np.zeros(rows, np.int64),
            np.zeros(4 * len(self._ring) + rows // 16 + 4, PLACED),
        )

    def _emptied(self, work: Tables) -> np.ndarray:
        placed = work.placed[: int(self._state[0]["trusts"])].copy()
        self._state["trusts"] = 0
        gaps = placed[placed["reasons"] == GAP]
        self.gaps += len(gaps)
        self.lost += int((gaps["last"] - gaps["first"] + 1).sum())
        return placed

    def _result(self, table: MessageTable, work: Tables, parts: list[np.ndarray]) -> Delivered:
        messages = table.select(work.rows[: int(self._state[0]["delivered"])])
        placed = np.concatenate([np.zeros(0, PLACED), *parts])
        trusts = np.zeros(len(placed), TRUST)
        trusts["all"] = 1
        for name in ("reasons", "first", "last"):
            trusts[name] = placed[name]
        followed = placed["place"] < len(messages)
        trusts["sequence"][followed] = messages.sequence[placed["place"][followed]]
        earlier = np.array(self._unplaced, TRUST)
        self._unplaced = list(trusts[~followed])
        if len(messages):
            earlier["sequence"] = messages.sequence[0]
        else:
            self._unplaced, earlier = [*earlier, *self._unplaced], earlier[:0]
        self._keep_waiting(table)
        return Delivered(messages, np.concatenate([earlier, trusts[followed]]))

    def _keep_waiting(self, table: MessageTable) -> None:
        entries = np.flatnonzero(self._ring != EMPTY)
        self._waiting = None
        if len(entries):
            held = table.select(self._ring_row[entries])
            bounds = zip(held.offset.tolist(), held.length.tolist(), strict=True)
            data = np.concatenate([held.data[at : at + size] for at, size in bounds])
            ends = np.cumsum(held.length, dtype=np.int64)
            self._waiting = replace(held, data=data, offset=ends - held.length)
            self._ring_row[entries] = np.arange(len(entries))


_NO_MESSAGES = MessageTable.from_messages([])
