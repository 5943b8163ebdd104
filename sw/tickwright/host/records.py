"""What the card tells of a run: one table a kind, filled by the twin and by the model alike.

Columns are named as in the types of the gateware; so are the numbers of the enumerations, and a
test compares both. Prices are in 1/10000 dollar, times in nanoseconds since midnight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from functools import partial

import numpy as np

__all__ = [
    "APPLIED",
    "BBO_ROW",
    "CAPACITY",
    "COALESCED",
    "CONTROL",
    "FRAME_MODULUS",
    "INTENT",
    "LEGS",
    "ORDER",
    "OVERFLOW",
    "QUOTE",
    "RESPONSE",
    "TABLES",
    "TRADING",
    "TRUST",
    "VERDICT",
    "BookOp",
    "Difference",
    "GateState",
    "IntentKind",
    "Journal",
    "ResponseKind",
    "Side",
]

LEGS = 2
TRADING = ord("T")  # the one status in which a symbol trades
FRAME_MODULUS = 1 << 16  # a cause has 16 bits for the number of its frame


class Side(IntEnum):
    """Side of the book an order rests on, or of the trade an order seeks."""

    BUY = 0
    SELL = 1


class BookOp(IntEnum):
    """What happens to an order."""

    ADD = 0
    EXECUTE = 1
    CANCEL = 2
    DELETE = 3
    REPLACE = 4


class IntentKind(IntEnum):
    """Why the strategy wishes to trade."""

    ENTER_SHORT = 0
    ENTER_LONG = 1
    EXIT = 2
    STOP = 3
    UNBALANCED = 4


class GateState(IntEnum):
    """How much the gate lets through."""

    KILLED = 0
    CLOSE_ONLY = 1
    ARMED = 2


class ResponseKind(IntEnum):
    """What the venue says of an order."""

    ACCEPTED = 0
    DEAD = 1
    EXECUTED = 2
    CANCELED = 3
    REJECTED = 4
    UNHANDLED = 5


# The message a record came from, as its `Cause` says.
_CAUSE = [("sequence", "u8"), ("feed_ns", "u8")]

QUOTE = np.dtype(
    [
        *_CAUSE,
        ("symbol", "u4"),
        ("bid", "u4"),
        ("bid_shares", "u4"),
        ("ask", "u4"),
        ("ask_shares", "u4"),
        ("status", "u1"),
        ("reasons", "u2"),
    ]
)
"""The quotes the book published, in their order."""

TRUST = np.dtype(
    [
        ("all", "u1"),
        ("symbol", "u4"),
        ("reasons", "u2"),
        ("first", "u8"),
        ("last", "u8"),
        ("sequence", "u8"),
    ]
)
"""The Trust records that the book passed on among its quotes: those of scope all.

`sequence` is that of the next delivered message; for reason `overflow`, that of the event dropped.
"""

OVERFLOW = np.dtype([("sequence", "u8"), ("marked", "u1")])
"""The events that met a full queue; `marked` where a Trust record took the place of one."""

CAPACITY = np.dtype([("sequence", "u8")])
"""The orders that found no free way."""

COALESCED = np.dtype([("sequence", "u8"), ("quotes", "u4"), ("evaluations", "u1")])
"""The quotes that were kept without their evaluations, as too many waited.

`quotes` were published before it (modulo 2^32); `evaluations` were left out.
"""

CONTROL = np.dtype([("quotes", "u4"), ("epoch", "u2"), ("checksum", "u4"), ("flatten", "u1")])
"""What the host put in force while quotes came: a set of parameters, or flatten.

`quotes` were published before it (modulo 2^32).
"""

INTENT = np.dtype(
    [
        ("id", "u4"),
        ("pair", "u4"),
        ("kind", "u1"),
        ("epoch", "u2"),
        *_CAUSE,
        *(
            (f"leg{leg}_{name}", kind)
            for leg in range(LEGS)
            for name, kind in (
                ("valid", "u1"),
                ("symbol", "u4"),
                ("side", "u1"),
                ("shares", "u4"),
                ("price", "u8"),
            )
        ),
    ]
)
"""What the strategy wished; the fields of a leg that is not valid are 0."""

VERDICT = np.dtype(
    [
        ("id", "u4"),
        ("passed", "u1"),
        ("checks", "u8"),
        ("quotes_seen", "u4"),
        ("responses_applied", "u4"),
        ("state", "u1"),
        ("feed_ok", "u1"),
        ("session_ok", "u1"),
    ]
)
"""The gate's word on each intent, with what the card decided by cycles."""

ORDER = np.dtype(
    [
        ("user_ref", "u4"),
        ("intent_id", "u4"),
        ("leg", "u1"),
        ("symbol", "u4"),
        ("side", "u1"),
        ("short", "u1"),
        ("shares", "u4"),
        ("price", "u4"),
        *_CAUSE,
        ("frame", "u4"),
        ("line", "u1"),
    ]
)
"""The orders that left the gate; `frame` counts the frames of the feed modulo `FRAME_MODULUS`."""

APPLIED = np.dtype(
    [
        ("pair", "u4"),
        ("refused", "u1"),
        ("leg", "u1"),
        ("side", "u1"),
        ("filled", "u4"),
        ("done", "u1"),
        ("evaluations", "u4"),
    ]
)
"""The outcomes that the strategy applied, each with the count of evaluations before it."""

RESPONSE = np.dtype(
    [
        ("kind", "u1"),
        ("user_ref", "u4"),
        ("shares", "u4"),
        ("price", "u4"),
        ("match", "u8"),
        ("card_ns", "u8"),
    ]
)
"""What the venue answered, in the order the ledger took it."""

BBO_ROW = np.dtype(
    [
        ("message", "u8"),
        ("timestamp_ns", "u8"),
        ("locate", "u2"),
        ("symbol", "u4"),
        ("bid", "u4"),
        ("bid_shares", "u4"),
        ("ask", "u4"),
        ("ask_shares", "u4"),
        ("trusted", "u1"),
        ("sequence", "u8"),
        ("reasons", "u2"),
    ]
)
"""A row of the file of best prices; `symbol` is an index, `locate` 0 where it is not known."""

TABLES = {
    "quotes": QUOTE,
    "trusts": TRUST,
    "overflows": OVERFLOW,
    "capacities": CAPACITY,
    "coalesced": COALESCED,
    "controls": CONTROL,
    "intents": INTENT,
    "verdicts": VERDICT,
    "orders": ORDER,
    "applied": APPLIED,
    "responses": RESPONSE,
}
"""The kind of each table of a journal, in the order in which one follows from another."""


@dataclass(frozen=True)
class Difference:
    """The first place where two journals differ.

    `ours` and `theirs` are the rows, None where a journal has ended; `columns` are those that
    differ; `sequence` is that of the message concerned, None where the table does not say.
    """

    table: str
    row: int
    columns: tuple[str, ...]
    ours: dict[str, int] | None
    theirs: dict[str, int] | None
    sequence: int | None

    def __str__(self) -> str:
        place = f"{self.table} row {self.row}"
        if self.sequence is not None:
            place += f" (message sequence {self.sequence})"
        if self.ours is None or self.theirs is None:
            one, row = ("ours", self.ours) if self.theirs is None else ("theirs", self.theirs)
            return f"{place}: only {one} has {row}"
        found = ", ".join(
            f"{name} {self.ours[name]} != {self.theirs[name]}" for name in self.columns
        )
        return f"{place}: {found}"


@dataclass(eq=False)
class Journal:
    """All that a card recorded of one run."""

    quotes: np.ndarray = field(default_factory=partial(np.zeros, 0, QUOTE))
    trusts: np.ndarray = field(default_factory=partial(np.zeros, 0, TRUST))
    overflows: np.ndarray = field(default_factory=partial(np.zeros, 0, OVERFLOW))
    capacities: np.ndarray = field(default_factory=partial(np.zeros, 0, CAPACITY))
    coalesced: np.ndarray = field(default_factory=partial(np.zeros, 0, COALESCED))
    controls: np.ndarray = field(default_factory=partial(np.zeros, 0, CONTROL))
    intents: np.ndarray = field(default_factory=partial(np.zeros, 0, INTENT))
    verdicts: np.ndarray = field(default_factory=partial(np.zeros, 0, VERDICT))
    orders: np.ndarray = field(default_factory=partial(np.zeros, 0, ORDER))
    applied: np.ndarray = field(default_factory=partial(np.zeros, 0, APPLIED))
    responses: np.ndarray = field(default_factory=partial(np.zeros, 0, RESPONSE))

    def __post_init__(self) -> None:
        for column in fields(self):
            found, expected = getattr(self, column.name).dtype, TABLES[column.name]
            if found != expected:
                raise TypeError(f"journal.{column.name}: found {found}, expected {expected}")

    def equal(self, other: Journal, tables: Iterable[str] = tuple(TABLES)) -> bool:
        """Say whether the tables named hold the same rows."""
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in tables)

    def first_difference(
        self, other: Journal, tables: Iterable[str] = tuple(TABLES)
    ) -> Difference | None:
        """Return the earliest difference by message, in the tables named; None if there is none.

        Where messages do not tell, the table that others follow from comes first.
        """
        found = [
            difference
            for name in TABLES
            if name in tuple(tables) and (difference := self._difference(other, name)) is not None
        ]
        return min(
            found,
            key=lambda difference: (difference.sequence is None, difference.sequence or 0),
            default=None,
        )

    def _difference(self, other: Journal, name: str) -> Difference | None:
        ours, theirs = getattr(self, name), getattr(other, name)
        common = min(len(ours), len(theirs))
        unequal = np.flatnonzero(ours[:common] != theirs[:common])
        if not len(unequal) and len(ours) == len(theirs):
            return None
        row = int(unequal[0]) if len(unequal) else common
        mine, its = _row(ours, row), _row(theirs, row)
        columns = tuple(
            column
            for column in TABLES[name].names or ()
            if mine and its and mine[column] != its[column]
        )
        sequences = [
            sequence
            for journal, values in ((self, mine), (other, its))
            if values and (sequence := journal._sequence(name, values)) is not None
        ]
        return Difference(name, row, columns, mine, its, min(sequences, default=None))

    def _sequence(self, name: str, values: dict[str, int]) -> int | None:
        """Return the sequence of the message of a row; that of a verdict is its intent's."""
        if name != "verdicts":
            return values.get("sequence")
        intents = self.intents[self.intents["id"] == values["id"]]
        return int(intents["sequence"][0]) if len(intents) else None


def _row(table: np.ndarray, row: int) -> dict[str, int] | None:
    if row >= len(table):
        return None
    return {name: int(table[name][row]) for name in table.dtype.names or ()}
