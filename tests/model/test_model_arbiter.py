"""The software arbiter gives each message once, in order, and says what was lost."""

import random
from itertools import pairwise

import numpy as np
import pytest

from tickwright.feed.reasons import REASONS
from tickwright.host.setup import CardSetup, FeedSetup, SymbolSetup
from tickwright.market.messages_table import FAULT_ROW, HEARTBEAT_ROW, MessageTable
from tickwright.model.arbiter import Arbiter

GAP = 1 << REASONS.index("gap")
FAULT = 1 << REASONS.index("fault")
HOLD_NS = 100
RING = 8
HEARTBEAT, LOST_FRAMING = "heartbeat", "fault"


def arrivals(*rows):
    """Make a table of (time, sequence[, "heartbeat" or "fault"])."""
    kinds = {HEARTBEAT: HEARTBEAT_ROW, LOST_FRAMING: FAULT_ROW}
    length = [kinds[row[2]] if len(row) > 2 else 12 for row in rows]
    data = np.frombuffer(b"".join(row[1].to_bytes(12, "big") for row in rows), np.uint8)
    return MessageTable(
        data=data,
        offset=12 * np.arange(len(rows)),
        length=np.array(length, np.uint16),
        sequence=np.array([row[1] for row in rows], np.uint64),
        arrival_ns=np.array([row[0] for row in rows], np.uint64),
        frame=np.arange(len(rows), dtype=np.uint32),
        line=np.zeros(len(rows), np.uint8),
    )


def arbiter_of(start=1):
    feed = FeedSetup(start_sequence=start, hold_ns=HOLD_NS)
    return Arbiter(CardSetup(window=64, symbols=(SymbolSetup(name="A"),), feed=feed, hold=RING))


def merged(rows, *, cuts=(), start=1):
    """Return what leaves in order: sequences, and (reason, first, last) of Trust records."""
    bounds = [0, *cuts, len(rows)]
    tables = [arrivals(*rows[a:b]) for a, b in pairwise(bounds)]
    arbiter, found = arbiter_of(start), []
    for messages, trusts in arbiter.deliver(tables):
        for row in range(len(messages)):
            assert int.from_bytes(messages.message(row), "big") == messages.sequence[row]
        places = np.searchsorted(messages.sequence, trusts["sequence"])
        marks = [
            *(
                (int(place), 0, tuple(int(item) for item in trust))
                for place, trust in zip(places, trusts[["reasons", "first", "last"]], strict=True)
            ),
            *((row, 1, int(sequence)) for row, sequence in enumerate(messages.sequence)),
        ]
        found += [what for _, _, what in sorted(marks, key=lambda mark: mark[:2])]
    return found, arbiter


def gap(first, last):
    return (GAP, first, last)


NO_FRAMING = (FAULT, 0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(0, 1), (0, 2)], [1, 2], id="in-order"),
        pytest.param([(0, 1), (0, 1), (1, 2), (2, 1)], [1, 2], id="duplicates"),
        pytest.param([(0, 1), (0, 3), (50, 2), (60, 4)], [1, 2, 3, 4], id="late-repair"),
        pytest.param([(0, 1), (0, 3), (99, 2), (200, 4)], [1, 2, 3, 4], id="repair-just-in-time"),
        pytest.param(
            [(0, 1), (0, 3), (100, 2), (101, 4)], [1, gap(2, 2), 3, 4], id="repair-too-late"
        ),
        pytest.param([(0, 1), (0, 3)], [1, gap(2, 2), 3], id="never-repaired"),
        pytest.param([(0, 1), (0, 9)], [1, gap(2, 8), 9], id="within-the-ring"),
        pytest.param([(0, 1), (0, 10), (1, 2)], [1, gap(2, 9), 10], id="beyond-the-ring"),
        pytest.param(
            [(0, 1), (0, 3), (1, 10), (2, 11)],
            [1, gap(2, 2), 3, gap(4, 10), 11],
            id="beyond-while-held-is-dropped",
        ),
        pytest.param(
            [(0, 1), (0, 4, HEARTBEAT), (150, 4)], [1, gap(2, 3), 4], id="heartbeat-tells"
        ),
        pytest.param([(0, 1), (0, 2, HEARTBEAT), (500, 2)], [1, 2], id="heartbeat-in-step"),
        pytest.param([(0, 1), (0, 4, HEARTBEAT)], [1, gap(2, 3)], id="gap-at-the-end"),
        pytest.param(
            [(0, 1), (0, 3), (0, 5), (150, 6), (250, 7)],
            [1, gap(2, 2), 3, gap(4, 4), 5, 6, 7],
            id="time-starts-anew",
        ),
        pytest.param(
            [(0, 1), (0, 3), (0, 5), (199, 4), (250, 6)],
            [1, gap(2, 2), 3, 4, 5, 6],
            id="time-starts-anew-repaired",
        ),
        pytest.param(
            [(0, 1), (5, 2, LOST_FRAMING), (6, 2)], [1, NO_FRAMING, 2], id="fault-in-its-place"
        ),
        pytest.param([(0, 1), (5, 2, LOST_FRAMING)], [1, NO_FRAMING], id="fault-at-the-end"),
        pytest.param(
            [(0, 1), (0, 3), (5, 4, LOST_FRAMING), (6, 2)],
            [1, NO_FRAMING, 2, 3],
            id="fault-while-held",
        ),
    ],
)
def test_merges(rows, expected):
    for cuts in ((), range(1, len(rows))):
        assert merged(rows, cuts=cuts)[0] == expected


def test_starts_where_it_is_told():
    assert merged([(0, 1), (0, 5), (0, 6)], start=5)[0] == [5, 6]


def test_counts():
    _, arbiter = merged([(0, 1), (0, 1), (0, 3), (0, 3), (1, 12), (2, 13), (3, 2)])
    assert (arbiter.duplicates, arbiter.hold_overflow) == (3, 1)
    assert (arbiter.gaps, arbiter.lost, arbiter.expected) == (2, 10, 14)


class Mirror:
    """The arbiter once more, with a dictionary for the ring."""

    def __init__(self):
        self.expected = self.known = 1
        self.held, self.out = {}, []
        self.opened = None  # (expected, time)

    def drain(self):
        while self.expected in self.held:
            self.held.pop(self.expected)
            self.out.append(self.expected)
            self.expected += 1

    def declare(self, last):
        self.out.append(gap(self.expected, last))
        self.expected = last + 1
        self.drain()

    def declare_open(self):
        self.declare(min(self.held, default=self.known) - 1)

    def watch(self, now):
        if self.known <= self.expected:
            self.opened = None
        elif self.opened is None or self.opened[0] != self.expected:
            self.opened = (self.expected, now)

    def expire(self, now):
        while self.opened and now >= self.opened[1] + HOLD_NS:
            due = self.opened[1] + HOLD_NS
            self.declare_open()
            self.watch(due)

    def take(self, now, sequence, kind=None):
        self.expire(now)
        if kind == LOST_FRAMING:
            self.out.append(NO_FRAMING)
        elif kind == HEARTBEAT:
            self.known = max(self.known, sequence)
        else:
            self.known = max(self.known, sequence + 1)
            if sequence == self.expected:
                self.held[sequence] = True
                self.drain()
            elif self.expected < sequence < self.expected + RING:
                self.held[sequence] = True
            elif sequence > self.expected and not self.held:
                self.declare(sequence - 1)
                self.held[sequence] = True
                self.drain()
            elif sequence > self.expected:
                self.declare_open()
        self.watch(now)


@pytest.mark.parametrize("seed", range(30))
def test_merges_as_the_mirror(seed):
    rng = random.Random(seed)
    now, rows, mirror = 0, [], Mirror()
    sent = 1
    for _ in range(300):
        now += rng.choice((0, 1, 20, 70, 150))
        sent += rng.choice((0, 1, 1, 1, 2, 4 if seed % 3 else 14))
        sequence = max(1, sent - rng.choice((0, 0, 1, 2, 5)))
        kind = rng.choices((None, HEARTBEAT, LOST_FRAMING), (30, 2, 1))[0]
        rows.append((now, sequence, kind) if kind else (now, sequence))
    for row in rows:
        mirror.take(*row)
    while mirror.opened:
        mirror.declare_open()
        mirror.watch(now)
    cuts = sorted(rng.sample(range(1, 300), rng.choice((0, 5, 60))))
    assert merged(rows, cuts=cuts)[0] == mirror.out
