"""The running summary of a card's records: pure, a batch at a time, in whole columns."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import LEGS, QUOTE, IntentKind, Side
from tickwright.recorder.numbering import Numbering
from tickwright.recorder.orders import OrderBook
from tickwright.recorder.records import column, split, unpack
from tickwright.recorder.snapshot import HeldPair, Latency, NewestQuote, Snapshot
from tickwright.risk.checks import CHECKS, STATES
from tickwright.telemetry.messages import RECORDS

__all__ = ["SHOWN_ORDERS", "Summary", "Surroundings"]

SHOWN_ORDERS = 200
INDICES = 1 << 8 * RECORDS["quotes"].field("symbol").size
PAIRS = 1 << 8 * RECORDS["intents"].field("pair").size
POWERS = np.uint64(1) << np.arange(64, dtype=np.uint64)
SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Surroundings:
    """What the recorder knows beside the records; named as in `Snapshot`."""

    ring_lost: int = 0
    ring_waiting: int = 0
    disk_records: int = 0
    disk_lost: int = 0
    disk_error: str = ""
    forgotten: int = 0


ALONE = Surroundings()


class Summary:
    """Follows all records of a card; `snapshot` tells where they led.

    `update` takes batches in the order of the ring, each of one ``generation``; another generation
    is another card, whose quotes, pairs and orders begin anew. Counts, holdings and cash go on.
    """

    def __init__(self) -> None:
        self._generation: int | None = None
        self._numbering = Numbering()
        self._book = OrderBook(INDICES)
        self._records = self._unknown = self._restarts = self._newest_ns = 0
        self._kinds = dict.fromkeys(RECORDS, 0)
        self._intents = np.zeros(len(IntentKind), np.int64)
        self._refusals = np.zeros(len(CHECKS), np.int64)
        self._passed = self._refused = self._evaluations_dropped = 0
        self._verdict: np.void | None = None
        self._ages = np.zeros(len(POWERS) + 1, np.int64)
        self._negative_ages = 0
        self._before = (0, 0)  # time and records of the snapshot before
        self._begin()

    def update(self, records: np.ndarray, generation: int) -> None:
        """Take a batch of records."""
        if not len(records):
            return
        if generation != self._generation:
            if self._generation is not None:
                self._restarts += 1
            self._generation = generation
            self._numbering.begin()
            self._begin()
        numbers = column(records, "number")
        for part in np.split(records, np.flatnonzero(numbers[1:] <= numbers[:-1]) + 1):
            self._take(part)

    def snapshot(self, now_ns: int, around: Surroundings = ALONE) -> Snapshot:
        """Return where the records led; the rate is that since the snapshot before."""
        then, records = self._before
        self._before = (now_ns, self._records)
        passed_ns = now_ns - then
        rate = (self._records - records) * SECOND_NS / passed_ns if then and passed_ns > 0 else 0.0
        verdict = self._verdict
        return Snapshot(
            time_ns=now_ns,
            records=self._records,
            records_per_second=rate,
            missing=self._numbering.missing,
            unknown=self._unknown,
            restarts=self._restarts + self._numbering.restarts,
            kinds=dict(self._kinds),
            newest_ns=self._newest_ns,
            quotes=self._newest_quotes(),
            holdings=self._book.holdings(),
            cash=self._book.cash,
            unjoined=self._book.unjoined,
            pairs=self._held_pairs(),
            orders=self._book.newest(SHOWN_ORDERS),
            orders_by_state=self._book.by_state(),
            intents={kind.name.lower(): int(self._intents[kind]) for kind in IntentKind},
            passed=self._passed,
            refused=self._refused,
            refusals={
                name: int(count)
                for name, count in zip(CHECKS, self._refusals, strict=True)
                if count
            },
            gate="" if verdict is None else _state(int(verdict["state"])),
            feed_ok=verdict is not None and bool(verdict["feed_ok"]),
            session_ok=verdict is not None and bool(verdict["session_ok"]),
            overflows=self._kinds["overflows"],
            capacities=self._kinds["capacities"],
            evaluations_dropped=self._evaluations_dropped,
            latency=Latency(np.trim_zeros(self._ages, "b").tolist(), self._negative_ages),
            **asdict(around),
        )

    def _take(self, records: np.ndarray) -> None:
        """Take records of one card, from one reset to the next."""
        restarts = self._numbering.restarts
        self._numbering.follow(column(records, "number"))
        if self._numbering.restarts > restarts:
            self._begin()
        self._records += len(records)
        self._newest_ns = int(column(records[-1:], "decided_ns")[0])
        kinds, unknown = split(records)
        self._unknown += unknown
        for name in RECORDS:  # in the order in which one follows from another
            if (found := kinds.get(name)) is not None:
                self._kinds[name] += len(found)
                if (take := getattr(self, f"_take_{name}", None)) is not None:
                    take(unpack(name, found), found)

    def _begin(self) -> None:
        """Forget what another card knew."""
        self._quotes = np.zeros(INDICES, QUOTE)
        self._quoted = np.zeros(INDICES, bool)
        self._reasons_of_all = 0
        self._held = np.zeros((PAIRS, LEGS), np.int64)
        self._verdict = None
        self._book.begin()

    def _take_quotes(self, rows: np.ndarray, records: np.ndarray) -> None:
        self._quotes[rows["symbol"]] = rows  # of two of one symbol the later stays
        self._quoted[rows["symbol"]] = True

    def _take_trusts(self, rows: np.ndarray, records: np.ndarray) -> None:
        of_all = rows["all"] == 1
        self._reasons_of_all |= int(np.bitwise_or.reduce(rows["reasons"][of_all], initial=0))

    def _take_coalesced(self, rows: np.ndarray, records: np.ndarray) -> None:
        self._evaluations_dropped += int(rows["evaluations"].sum())

    def _take_intents(self, rows: np.ndarray, records: np.ndarray) -> None:
        counts = np.bincount(rows["kind"], minlength=len(self._intents))
        self._intents += counts[: len(self._intents)]

    def _take_verdicts(self, rows: np.ndarray, records: np.ndarray) -> None:
        self._verdict = rows[-1]
        refused = rows["checks"][rows["passed"] == 0]
        self._passed += len(rows) - len(refused)
        self._refused += len(refused)
        for bit in range(len(CHECKS)):
            self._refusals[bit] += int(np.count_nonzero(refused >> np.uint64(bit) & np.uint64(1)))

    def _take_orders(self, rows: np.ndarray, records: np.ndarray) -> None:
        decided_ns = column(records, "decided_ns")
        self._book.sent(rows, decided_ns)
        forward = decided_ns >= rows["feed_ns"]
        ages = (decided_ns - rows["feed_ns"])[forward]
        places = np.searchsorted(POWERS, ages, side="right")
        self._ages += np.bincount(places, minlength=len(self._ages))
        self._negative_ages += len(rows) - len(ages)

    def _take_applied(self, rows: np.ndarray, records: np.ndarray) -> None:
        signs = np.where(rows["side"] == Side.BUY, 1, -1)
        legs = rows["leg"] % LEGS
        np.add.at(self._held, (rows["pair"], legs), signs * rows["filled"].astype(np.int64))

    def _take_responses(self, rows: np.ndarray, records: np.ndarray) -> None:
        self._book.answered(rows)

    def _newest_quotes(self) -> list[NewestQuote]:
        return [
            NewestQuote(
                symbol=int(row["symbol"]),
                bid=int(row["bid"]),
                bid_shares=int(row["bid_shares"]),
                ask=int(row["ask"]),
                ask_shares=int(row["ask_shares"]),
                status=chr(int(row["status"])) if row["status"] else "-",
                reasons=_names(int(row["reasons"]) | self._reasons_of_all),
                sequence=int(row["sequence"]),
                feed_ns=int(row["feed_ns"]),
            )
            for row in self._quotes[self._quoted]
        ]

    def _held_pairs(self) -> list[HeldPair]:
        return [
            HeldPair(pair=int(pair), held=self._held[pair].tolist())
            for pair in np.flatnonzero(self._held.any(axis=1))
        ]


def _names(reasons: int) -> list[str]:
    return [name for bit, name in enumerate(REASONS) if reasons >> bit & 1]


def _state(state: int) -> str:
    return STATES[state] if state < len(STATES) else f"unknown ({state})"
