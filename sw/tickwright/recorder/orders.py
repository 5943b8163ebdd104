"""Orders and what became of them: responses joined to orders, and the money and shares they moved.

The newest `REMEMBERED` orders are known. References grow one by one, so an order lies in the slot
of its reference modulo `REMEMBERED`, as in the card's own ledger.
"""

from __future__ import annotations

import numpy as np

from tickwright.host.records import ResponseKind, Side
from tickwright.recorder.snapshot import Holding, NewestOrder

__all__ = ["REMEMBERED", "OrderBook"]

REMEMBERED = 1 << 16
HALF = np.uint64(32)
LOW = np.uint64((1 << 32) - 1)
STATES = ("sent", "accepted", "partial", "filled", "canceled", "rejected")
SENT, ACCEPTED, PARTIAL, FILLED, CANCELED, REJECTED = range(len(STATES))

_SLOT = np.dtype(
    [
        ("known", "?"),
        ("user_ref", "u4"),
        ("intent", "u4"),
        ("symbol", "u4"),
        ("side", "u1"),
        ("short", "u1"),
        ("shares", "i8"),
        ("price", "u4"),
        ("decided_ns", "u8"),
        ("accepted", "?"),
        ("rejected", "?"),
        ("ended", "?"),  # dead or canceled
        ("filled", "i8"),
    ]
)


class OrderBook:
    """Follows orders and responses, a batch after the other; each batch in whole columns.

    A fill of an order that was not seen moves nothing and is counted in ``unjoined``: holdings and
    cash are then wrong by it, and whoever shows them can tell.
    """

    def __init__(self, symbols: int) -> None:
        self._slots = np.zeros(REMEMBERED, _SLOT)
        self._newest: int | None = None  # reference
        self._bought = np.zeros(symbols, np.int64)
        self._sold = np.zeros(symbols, np.int64)
        self._cash: dict[int, int] = {}  # by symbol; whole numbers of any size
        self.unjoined = 0

    @property
    def cash(self) -> int:
        """What all fills brought in less what they cost, in 1/10000 dollar, before fees."""
        return sum(self._cash.values())

    def begin(self) -> None:
        """Forget the orders: another card's references mean others. Holdings and cash stay."""
        self._slots[:] = np.zeros(1, _SLOT)
        self._newest = None

    def sent(self, orders: np.ndarray, decided_ns: np.ndarray) -> None:
        """Take orders, as rows of their table."""
        if not len(orders):
            return
        rows = np.zeros(len(orders), _SLOT)
        rows["known"] = True
        rows["intent"] = orders["intent_id"]
        rows["decided_ns"] = decided_ns
        for name in ("user_ref", "symbol", "side", "short", "shares", "price"):
            rows[name] = orders[name]
        self._slots[orders["user_ref"] % REMEMBERED] = rows  # of two in one slot the later stays
        self._newest = int(orders["user_ref"][-1])

    def answered(self, responses: np.ndarray) -> None:
        """Take responses, as rows of their table; their orders were taken before."""
        slots = responses["user_ref"] % REMEMBERED
        known = self._slots["known"][slots]
        known &= self._slots["user_ref"][slots] == responses["user_ref"]
        kinds = responses["kind"]
        for name, which in (
            ("accepted", (ResponseKind.ACCEPTED, ResponseKind.DEAD)),
            ("rejected", (ResponseKind.REJECTED,)),
            ("ended", (ResponseKind.DEAD, ResponseKind.CANCELED)),
        ):
            self._slots[name][slots[known & np.isin(kinds, which)]] = True
        executed = kinds == ResponseKind.EXECUTED
        self.unjoined += int(np.count_nonzero(executed & ~known))
        if (fills := executed & known).any():
            self._filled(slots[fills], responses[fills])

    def holdings(self) -> list[Holding]:
        """Return the symbols that were ever traded."""
        traded = np.flatnonzero(self._bought | self._sold)
        return [
            Holding(
                symbol=int(symbol),
                position=int(self._bought[symbol] - self._sold[symbol]),
                bought=int(self._bought[symbol]),
                sold=int(self._sold[symbol]),
                cash=self._cash.get(int(symbol), 0),
            )
            for symbol in traded
        ]

    def newest(self, most: int) -> list[NewestOrder]:
        """Return the newest orders, the newest last."""
        if self._newest is None:
            return []
        slots = (self._newest - np.arange(min(most, REMEMBERED))[::-1]) % REMEMBERED
        rows = self._slots[slots]
        keep = rows["known"]
        states = _states(rows)
        return [
            NewestOrder(
                user_ref=int(row["user_ref"]),
                intent=int(row["intent"]),
                symbol=int(row["symbol"]),
                side="B" if row["side"] == Side.BUY else "T" if row["short"] else "S",
                shares=int(row["shares"]),
                price=int(row["price"]),
                filled=int(row["filled"]),
                state=STATES[state],
                decided_ns=int(row["decided_ns"]),
            )
            for row, state in zip(rows[keep], states[keep], strict=True)
        ]

    def by_state(self) -> dict[str, int]:
        """Return how many of the orders that are remembered are in each state."""
        rows = self._slots[self._slots["known"]]
        counts = np.bincount(_states(rows), minlength=len(STATES))
        return {name: int(count) for name, count in zip(STATES, counts, strict=True) if count}

    def _filled(self, slots: np.ndarray, fills: np.ndarray) -> None:
        np.add.at(self._slots["filled"], slots, fills["shares"].astype(np.int64))
        symbols, sides = self._slots["symbol"][slots], self._slots["side"][slots]
        for side, shares, sign in ((Side.BUY, self._bought, -1), (Side.SELL, self._sold, 1)):
            rows = sides == side
            if not rows.any():
                continue
            np.add.at(shares, symbols[rows], fills["shares"][rows].astype(np.int64))
            money = fills["shares"][rows].astype(np.uint64) * fills["price"][rows]
            for symbol, amount in _sums(symbols[rows], money):
                self._cash[symbol] = self._cash.get(symbol, 0) + sign * amount


def _sums(symbols: np.ndarray, money: np.ndarray) -> list[tuple[int, int]]:
    """Return the sum of each symbol's money; in halves, so that no sum of a batch can overflow."""
    found, place = np.unique(symbols, return_inverse=True)
    high, low = (np.zeros(len(found), np.uint64) for _ in range(2))
    np.add.at(high, place, money >> HALF)
    np.add.at(low, place, money & LOW)
    return [
        (int(symbol), (int(above) << 32) + int(below))
        for symbol, above, below in zip(found, high, low, strict=True)
    ]


def _states(rows: np.ndarray) -> np.ndarray:
    states = np.full(len(rows), SENT)
    states[rows["accepted"]] = ACCEPTED
    states[rows["filled"] > 0] = PARTIAL
    states[rows["ended"]] = CANCELED
    states[rows["rejected"]] = REJECTED
    states[(rows["filled"] >= rows["shares"]) & (rows["filled"] > 0)] = FILLED
    return states
