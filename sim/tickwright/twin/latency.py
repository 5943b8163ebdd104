"""The card's latency by kind of message, whole and by stage, measured on isolated messages."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tickwright.core.streams import WORD_BYTES
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.feed.messages import (
    AddOrder,
    BrokenTrade,
    ItchMessage,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderReplace,
)
from tickwright.host.setup import (
    CardSetup,
    FeedSetup,
    GateSetup,
    LineSetup,
    PairSetup,
    SessionSetup,
    SymbolSetup,
)
from tickwright.market.datagrams import DatagramSplitter
from tickwright.market.frames_table import FrameTable
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.market.report import Line, ReadReport
from tickwright.top.presets import Preset
from tickwright.twin.card import Run
from tickwright.twin.replay import TwinReplay, replay
from tickwright.twin.top import SHOWN

__all__ = ["KINDS", "Measured", "isolated", "measure", "stage_cycles", "waits"]

LOCATES = {"AAA": 1, "BBB": 2}
UNWATCHED = 9
LOW, NEAR, HIGH, ASK = 100_000, 100_100, 101_000, 102_000  # bids that matter, and the ask; prices
SHARES = 1_000
START_NS = 1_000_000_000  # the card has cleared its tables by then
SPACING_NS = 100_000  # between messages: long after the venue has answered
ENTRY = 102_400  # 2 cents, in the card's units of deviation
STOP = (1 << 31) - 1
LINE = Line(address=0xE9360C6F, port=26477)
KINDS = {"A": "add", "D": "delete", "E": "execute", "X": "cancel", "U": "replace"}
FILLER = "B"  # broken trade: no event, 21 bytes with its length
ALIGNMENTS = 8
TABLES = ("quotes", "intents", "orders")
STAGES = (*SHOWN, "order", "pipeline")


@dataclass(frozen=True)
class Measured:
    """Cycles of one kind of message over all its alignments."""

    count: int
    least: int
    mean: float
    p99: int
    p999: int
    most: int

    @classmethod
    def of(cls, cycles: Iterable[int]) -> Measured:
        """Return the figures of a sample."""
        found = np.array(list(cycles))
        p99, p999 = (int(np.percentile(found, p, method="higher")) for p in (99, 99.9))
        least, most = int(found.min()), int(found.max())
        return cls(len(found), least, float(found.mean()), p99, p999, most)

    def as_json(self) -> dict[str, float]:
        """Return the figures as `bench latency --json` has them."""
        return {
            "min": self.least,
            "mean": self.mean,
            "p99": self.p99,
            "p999": self.p999,
            "max": self.most,
            "count": self.count,
        }


def measure(preset: Preset, rounds: int = 64) -> dict[str, object]:
    """Return what `bench latency` prints: cycles by kind, by stage, and the waits in bursts."""
    found = isolated(preset, rounds)
    kinds = {kind: Measured.of(path["frames"] for path in paths) for kind, paths in found.items()}
    stages = {
        kind: {
            name: Measured.of(path[name] for path in paths).as_json()
            for name in (*TABLES, "frames")
        }
        for kind, paths in found.items()
    }
    base = {kind: stage["quotes"]["max"] for kind, stage in stages.items()}
    return {
        "cycles": {kind: cycles.as_json() for kind, cycles in kinds.items()},
        "stages": stages,
        "stage_cycles": stage_cycles(found),
        "waits": waits(preset, {kind: int(cycles) for kind, cycles in base.items()}),
        "preset": preset.name,
    }


def isolated(preset: Preset, rounds: int) -> dict[str, list[dict[str, int]]]:
    """Return, for each kind, what each order it caused took: cycles to tables, and in stages.

    Under the name of a table of the journal the cycles until its row passed, under ``frames`` those
    to word 0 of the frame; under the name of a stage those from what it was shown to what it shows,
    under ``pipeline`` their sum.

    Every message stands alone: the card is still when it comes. Over the rounds it is preceded by
    messages of no interest so that it ends at every place of a word.
    """
    messages = list(_rounds(rounds))
    kinds = {sequence: KINDS.get(message.type, "") for sequence, _, message in messages}
    result = replay(
        [_frames(messages)], _setup(preset), preset, ScriptedVenue("none", SPACING_NS // 4)
    )
    found: dict[str, list[dict[str, int]]] = {}
    for sequence, path in _paths(result):
        found.setdefault(kinds[sequence], []).append(path)
    return found


def stage_cycles(found: dict[str, list[dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Return, of what `isolated` found, the most cycles of each stage and the card, by kind."""
    return {
        stage: {kind: max(path[stage] for path in paths) for kind, paths in found.items()}
        for stage in STAGES
    }


def waits(preset: Preset, isolated_cycles: dict[str, int], seed: int = 1) -> dict[str, int]:
    """Return a histogram: how many cycles quotes in full packets came later than isolated ones."""
    messages = list(_burst(random.Random(seed), 4_000))
    table = MessageTable.from_messages([message.pack() for message in messages])
    frames = pack_datagrams(table, line=LINE)
    result = replay([frames], _setup(preset), preset, ScriptedVenue("none"))
    last = _last_cycles(frames, result.run.frame_cycles)
    late: Counter[int] = Counter()
    for row, cycle in zip(result.run.journal.quotes, result.run.passed["quotes"], strict=True):
        sequence = int(row["sequence"])
        kind = KINDS[messages[sequence - 1].type]
        late[int(cycle) - last[sequence] - isolated_cycles[kind]] += 1
    return {str(wait): late[wait] for wait in sorted(late)}


def _last_cycles(frames: FrameTable, cycles: np.ndarray) -> dict[int, int]:
    """Return the cycle of the last byte of each message, by sequence."""
    split = DatagramSplitter(ReadReport(), lines=[LINE]).split(frames).messages
    rows = split.frame.astype(np.int64)
    ends = split.offset + split.length - 1 - frames.offset[rows]
    found = cycles[rows].astype(np.int64) + ends // WORD_BYTES
    return dict(zip(split.sequence.tolist(), found.tolist(), strict=True))


def _paths(result: TwinReplay) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield the sequence behind each first leg, and the cycles to each stage's output."""
    run = result.run
    at = {
        name: dict(zip(getattr(run.journal, name)["sequence"], run.passed[name], strict=True))
        for name in TABLES[:2]
    }
    orders = zip(run.journal.orders, run.passed["orders"], run.cause_cycles, run.sent, strict=True)
    for order, cycle, cause, frame in orders:
        if order["leg"] == 0 and cause is not None:
            sequence = order["sequence"]
            yield (
                int(sequence),
                {
                    **{name: int(at[name][sequence]) - cause for name in at},
                    "orders": int(cycle) - cause,
                    "frames": frame.cycle - cause,
                    **_by_stage(run, cause, frame.cycle),
                },
            )


def _by_stage(run: Run, cause: int, end: int) -> dict[str, int]:
    """Return the cycles in each stage of what came in the cycle `cause` and left in `end`."""
    first, last = np.searchsorted(run.shown[:, 0], [cause, end])
    cycles, bits = run.shown[first:last].astype(np.int64).T
    at = [cause, *(int(cycles[bits >> n & 1 == 1][0]) for n in range(len(SHOWN))), end]
    return dict(zip(STAGES, [*np.diff(at).tolist(), end - cause], strict=True))


def _rounds(rounds: int) -> Iterator[tuple[int, int, ItchMessage]]:
    """Yield sequence, arrival and message: the steady book, then rounds that cause orders.

    In a round each kind of message moves the spread by 5 cents once, and the next brings it back.
    """
    sequence, reference = 0, 0
    now_ns = START_NS

    def at(message: ItchMessage) -> tuple[int, int, ItchMessage]:
        nonlocal sequence, now_ns
        sequence, now_ns = sequence + 1, now_ns + SPACING_NS
        return sequence, now_ns, message.replace(timestamp_ns=now_ns)

    def add(stock: str, side: str, price: int) -> AddOrder:
        nonlocal reference
        reference += 1
        return AddOrder(locate=LOCATES[stock], reference=reference, side=side, shares=SHARES,
                        stock=stock, price=price)  # fmt: skip

    for stock in LOCATES:
        yield at(add(stock, "B", LOW))
        yield at(add(stock, "S", ASK))
    for number in range(rounds):
        for _ in range(number % ALIGNMENTS):  # 21 bytes each: every alignment in turn
            yield at(BrokenTrade(locate=UNWATCHED))
        a, b = (LOCATES[stock] for stock in LOCATES)
        yield at(add("AAA", "B", HIGH))
        first = reference
        for ending in ("D", "E", "X"):
            yield at(add("BBB", "B", HIGH))
            yield at(
                {
                    "D": OrderDelete(locate=b, reference=reference),
                    "E": OrderExecuted(locate=b, reference=reference, shares=SHARES),
                    "X": OrderCancel(locate=b, reference=reference, shares=SHARES),
                }[ending]
            )
        yield at(OrderDelete(locate=a, reference=first))
        yield at(add("AAA", "B", NEAR))
        reference += 1
        yield at(OrderReplace(locate=a, reference=reference - 1, new_reference=reference,
                              shares=SHARES, price=HIGH))  # fmt: skip
        yield at(OrderDelete(locate=a, reference=reference))


def _burst(draw: random.Random, count: int) -> Iterator[ItchMessage]:
    """Yield adds, deletes and replaces of two symbols, none of which causes an order."""
    live: list[tuple[int, int]] = []
    for reference in range(1, count + 1):
        kind = draw.choice("AADU") if live else "A"
        if kind == "A":
            stock = draw.choice(list(LOCATES))
            live.append((LOCATES[stock], reference))
            side, step = draw.choice("BS"), draw.randrange(100)
            price = LOW - 100 * step if side == "B" else ASK + 100 * step
            yield AddOrder(locate=LOCATES[stock], timestamp_ns=SPACING_NS, reference=reference,
                           side=side, shares=SHARES, stock=stock, price=price)  # fmt: skip
            continue
        locate, old = live.pop(draw.randrange(len(live)))
        if kind == "D":
            yield OrderDelete(locate=locate, timestamp_ns=SPACING_NS, reference=old)
        else:
            live.append((locate, reference))
            yield OrderReplace(locate=locate, timestamp_ns=SPACING_NS, reference=old,
                               new_reference=reference, shares=SHARES, price=LOW)  # fmt: skip


def _frames(messages: list[tuple[int, int, ItchMessage]]) -> FrameTable:
    """Put every message of interest into a packet of its own, with the fillers before it."""
    table = MessageTable.from_messages([message.pack() for _, _, message in messages])
    due = np.array([at for _, at, _ in messages], np.uint64)
    fillers = np.array([message.type == FILLER for _, _, message in messages])
    for row in np.flatnonzero(fillers)[::-1]:
        due[row] = due[row + 1]
    return pack_datagrams(replace(table, arrival_ns=due), line=LINE, window_ns=1)


def _setup(preset: Preset) -> CardSetup:
    """Return a card that trades AAA against BBB at two cents from equal, whatever the edge."""
    free = (1 << 31) - 1
    symbols = tuple(
        SymbolSetup(
            name=name,
            locate=locate,
            base_tick=LOW // 100 - preset.window // 2,
            status=ord("T"),
            max_shares=SHARES,
            max_notional=1 << 40,
            max_position=free,
            collar=ASK,
        )
        for name, locate in LOCATES.items()
    )
    pair = PairSetup(
        name="AAA-BBB",
        symbol_a=0,
        symbol_b=1,
        hedge=1 << 16,
        mean=0,
        entry_deviation=ENTRY,
        exit_deviation=0,
        stop_deviation=STOP,
        min_edge=-(1 << 47),
        shares_a=100,
        shares_b=100,
        max_spread_a=ASK,
        max_spread_b=ASK,
        aggression_a=0,
        aggression_b=0,
        retry_ns=0,
    )
    return CardSetup(
        window=preset.window,
        slots=preset.slots,
        hold=preset.hold,
        symbols=symbols,
        pairs=(pair,),
        gate=GateSetup(max_shares=SHARES, max_notional=1 << 40, state="armed"),
        feed=FeedSetup(
            line_a=LineSetup(destination=LINE.address, port=LINE.port), max_age_ns=1 << 39
        ),
        session=SessionSetup(
            local_mac=0x020000000001,
            peer_mac=0x020000000002,
            local_address=0xC0000201,
            peer_address=0xC0000202,
            local_port=40_001,
            peer_port=15_000,
            start_seq=1,
            start_ack=1,
        ),
    )
