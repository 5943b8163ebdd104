"""What the card decided by cycles, and how messages are delivered around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import (
    APPLIED,
    CAPACITY,
    COALESCED,
    CONTROL,
    OVERFLOW,
    RESPONSE,
    TRUST,
    VERDICT,
    Journal,
)
from tickwright.host.setup import CardSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model.arbiter import Delivered, declared_gaps
from tickwright.model.book import PUBLICATION, Books

__all__ = ["CardInputs", "Delivery", "InputsError", "Messages", "bbo_rows"]

OVERFLOW_REASON = 1 << REASONS.index("overflow")

_NO_TRUSTS = np.zeros(0, TRUST)
_NO_MESSAGES = MessageTable.from_messages([])

Messages = MessageTable | Iterable[MessageTable | Delivered]
"""Messages in the order of their delivery, in one table or in many; or as the arbiter has them."""


def _table(kind: np.dtype) -> partial[np.ndarray]:
    return partial(np.zeros, 0, kind)


class InputsError(ValueError):
    """A record of a card that contradicts the rest; `row` is its place in its `table`."""

    def __init__(self, table: str, row: int, found: str, expected: str) -> None:
        super().__init__(f"{table} row {row}: found {found}, expected {expected}")
        self.table = table
        self.row = row


@dataclass(eq=False)
class CardInputs:
    """What a card decided by cycles, each with the message or the count it was decided at.

    `trusts` are the Trust records of scope all; that of an overflow alone follows from `overflows`.
    Without `decided`, the gate and the strategy decide at once (see `ModelCard`), and the last
    four tables are left alone. Raises InputsError where the rows of a table do not ascend.
    """

    trusts: np.ndarray = field(default_factory=_table(TRUST))
    overflows: np.ndarray = field(default_factory=_table(OVERFLOW))
    capacities: np.ndarray = field(default_factory=_table(CAPACITY))
    coalesced: np.ndarray = field(default_factory=_table(COALESCED))
    decided: bool = False
    controls: np.ndarray = field(default_factory=_table(CONTROL))
    verdicts: np.ndarray = field(default_factory=_table(VERDICT))
    applied: np.ndarray = field(default_factory=_table(APPLIED))
    responses: np.ndarray = field(default_factory=_table(RESPONSE))

    @classmethod
    def of(cls, journal: Journal) -> CardInputs:
        """Return what the card of this journal decided."""
        return cls(
            trusts=journal.trusts,
            overflows=journal.overflows,
            capacities=journal.capacities,
            coalesced=journal.coalesced,
            decided=True,
            controls=journal.controls,
            verdicts=journal.verdicts,
            applied=journal.applied,
            responses=journal.responses,
        )

    def __post_init__(self) -> None:
        by_itself = self.trusts["reasons"] & ~np.uint16(OVERFLOW_REASON)
        self.trusts = self.trusts[(self.trusts["all"] == 1) & (by_itself != 0)]
        self._check_ascending("trusts", self.trusts["sequence"])
        for name in ("overflows", "capacities", "coalesced"):
            self._check_ascending(name, getattr(self, name)["sequence"])
        self._check_ascending("controls", self.controls["quotes"], "quotes")

    @staticmethod
    def _check_ascending(name: str, places: np.ndarray, what: str = "sequence") -> None:
        back = np.flatnonzero(places[1:] < places[:-1])
        if len(back):
            row = int(back[0]) + 1
            found = f"{what} {places[row]} behind {places[row - 1]}"
            raise InputsError(name, row, found, "ascending ones")

    def check_coalesced(self, quotes: np.ndarray, listed: Callable[[int], np.ndarray]) -> None:
        """Raise InputsError where a quote kept without its evaluations is none of ``quotes``.

        ``listed`` says how many pairs list each symbol behind so many quotes. The count of quotes
        before one is taken as it is: no memory holds so many that it would have begun anew.
        """
        before = -1
        for row, (sequence, place, evaluations) in enumerate(self.coalesced.tolist()):
            where = f"sequence {sequence} behind {place} quotes"
            if place <= before:
                raise InputsError("coalesced", row, where, f"more than {before}")
            if place >= len(quotes):
                raise InputsError("coalesced", row, where, f"one of the {len(quotes)} published")
            quote, before = quotes[place], place
            if quote["sequence"] != sequence:
                raise InputsError("coalesced", row, where, f"sequence {quote['sequence']}")
            if evaluations != (asked := listed(place)[quote["symbol"]]):
                found = f"{evaluations} evaluations of symbol {quote['symbol']}"
                raise InputsError("coalesced", row, found, f"{asked}, the pairs that list it")

    @property
    def gaps(self) -> np.ndarray:
        """The Trust records of declared gaps."""
        return declared_gaps(self.trusts)


class Delivery:
    """Takes messages into books, each with what is recorded of it and of what precedes it.

    Iterating yields, in order, what the book publishes (of kind PUBLICATION, with the row of its
    message in `table`) and the rows of the file of best prices. What is yielded is overwritten by
    the next. With inputs, messages that the card did not deliver are left out: those before the
    first expected, those in declared gaps, and all from a hole on that was never declared.
    """

    def __init__(
        self,
        books: Books,
        messages: Messages,
        inputs: CardInputs | None = None,
        *,
        start_sequence: int = 1,
    ) -> None:
        self._books = books
        self._messages = [messages] if isinstance(messages, MessageTable) else messages
        self._inputs = CardInputs() if inputs is None else inputs
        self._expected = None if inputs is None else start_sequence
        self._waiting = self._inputs.trusts  # records still to be passed on
        self.trusts: list[np.void] = []  # passed on, in order
        self._merged = False  # the last of these is also that of an overflow still to come
        self.overflows: list[np.void] = []  # the events dropped
        self.capacities: list[int] = []  # sequences of the orders that found no way
        self.table = _NO_MESSAGES

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for item in self._messages:
            table, trusts = item if isinstance(item, Delivered) else (item, _NO_TRUSTS)
            self._waiting = np.concatenate([self._waiting, trusts])
            table = self._delivered(table)
            if len(table):
                self.table = table
                yield from self._follow(table)
        for record in self._waiting:
            number, sequence = self._books.delivered + 1, int(record["sequence"])
            row = max(0, len(self.table) - 1)
            yield self._trust(record, row, number, sequence, self._books.last_ns)
        self._waiting = _NO_TRUSTS

    def _delivered(self, table: MessageTable) -> MessageTable:
        """Leave out what the card did not deliver."""
        if self._expected is None or not len(table):
            return table
        gaps, sequence = self._inputs.gaps, table.sequence
        kept = sequence >= np.uint64(self._expected)
        # The last gap that starts at or below a sequence is the only one that may cover it.
        place = np.searchsorted(gaps["first"], sequence, side="right")
        lasts = np.concatenate([np.zeros(1, np.uint64), gaps["last"]])
        kept &= (place == 0) | (sequence > lasts[place])
        rows = np.flatnonzero(kept)
        sizes = np.concatenate(
            [np.zeros(1, np.uint64), gaps["last"] - gaps["first"] + np.uint64(1)]
        )
        missing = np.cumsum(sizes, dtype=np.uint64)
        # Less what gaps took, sequences count up from the first expected; else there is a hole.
        before = missing[np.searchsorted(gaps["first"], np.uint64(self._expected), side="left")]
        ranks = sequence[rows] - (missing[place[rows]] - before)
        expected = np.uint64(self._expected) + np.arange(len(rows), dtype=np.uint64)
        holes = np.flatnonzero(ranks != expected)
        if len(holes):
            rows = rows[: holes[0]]
        if len(rows):
            self._expected = int(sequence[rows[-1]]) + 1
        return table if len(rows) == len(table) else table.select(rows)

    def _follow(self, table: MessageTable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        books, done = self._books, 0
        for row, kind, record in self._marks(table):
            if row < done:  # the row had its event dropped already
                continue
            yield from books.follow(table, done, row)
            done = row
            sequence = int(table.sequence[row])
            if kind == "trust":
                at_ns = books.time_of(table, row)
                yield self._trust(record, row, books.delivered + 1, sequence, at_ns)
                self._waiting = self._waiting[1:]
                self._merged = bool(record["reasons"] & OVERFLOW_REASON)
                continue
            done += 1
            if kind == "overflow":
                books.drop(table, row)
                self.overflows.append(record)
                if record["marked"] and not self._merged:
                    dropped = np.zeros(1, TRUST)[0]
                    dropped["all"], dropped["reasons"] = 1, OVERFLOW_REASON
                    dropped["sequence"] = sequence
                    yield self._trust(dropped, row, books.delivered, sequence, books.last_ns)
                self._merged = False
            else:
                before = books.no_ways
                yield from books.follow(table, row, done, no_way=True)
                if books.no_ways > before:
                    self.capacities.append(sequence)
        yield from books.follow(table, done)

    def _marks(self, table: MessageTable) -> list[tuple[int, str, np.void]]:
        """Return what was recorded of the messages of a table, by row, trust first."""
        marks = []
        inputs = self._inputs
        for order, (kind, records) in enumerate(
            (
                ("trust", self._waiting),
                ("overflow", inputs.overflows),
                ("capacity", inputs.capacities),
            )
        ):
            rows = np.searchsorted(table.sequence, records["sequence"])
            for row, record in zip(rows.tolist(), records, strict=True):
                there = row < len(table)
                if there and (kind == "trust" or table.sequence[row] == record["sequence"]):
                    marks.append((row, order, kind, record))
        marks.sort(key=lambda mark: mark[:2])
        return [(row, kind, record) for row, _, kind, record in marks]

    def _trust(
        self, record: np.void, row: int, number: int, sequence: int, at_ns: int
    ) -> tuple[np.ndarray, np.ndarray]:
        reasons = int(record["reasons"])
        self.trusts.append(record)
        publication = np.zeros(1, PUBLICATION)
        publication["trust"], publication["reasons"], publication["message"] = 1, reasons, row
        publication["sequence"], publication["feed_ns"] = sequence, at_ns
        return publication, self._books.taint(reasons, number, sequence, at_ns)


def bbo_rows(
    setup: CardSetup,
    messages: Messages,
    inputs: CardInputs | None = None,
) -> Iterator[np.ndarray]:
    """Yield the rows of the file of best prices (of kind BBO_ROW), a chunk at a time.

    Many tables instead of one bound the memory. ``inputs`` are those of a card, if there was one.
    """
    books = Books(setup, quotes=False)
    delivery = Delivery(books, messages, inputs, start_sequence=setup.feed.start_sequence)
    for _, rows in delivery:
        if len(rows):
            yield rows.copy()
