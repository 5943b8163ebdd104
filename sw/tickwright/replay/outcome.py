"""One replay as people ask about it: orders with their verdicts, fills, positions, profit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np

from tickwright.core.fixed import PRICE
from tickwright.host.desk import FEE_SCALE
from tickwright.host.records import LEGS, IntentKind, Journal, ResponseKind, Side
from tickwright.host.setup import CardSetup
from tickwright.replay.numbering import Numbering
from tickwright.risk.checks import CHECKS

__all__ = ["Fill", "OrderRow", "Outcome", "SymbolResult", "Wish", "two_sided", "worth"]

PRICE_SCALE = PRICE.scale  # price units in a dollar

Amount = TypeVar("Amount", int, np.ndarray)


def worth(shares: Amount, price: Amount) -> Amount:
    """Return what shares are worth, in 1/10000 dollar times 1000: numbers, or columns of them."""
    return shares * price * FEE_SCALE


def two_sided(quotes: np.ndarray, symbol: int | None = None) -> np.ndarray:
    """Return the quotes that show both sides, of one symbol or of all."""
    shown = (quotes["bid"] > 0) & (quotes["ask"] > 0)
    return quotes[shown if symbol is None else shown & (quotes["symbol"] == symbol)]


@dataclass(frozen=True)
class OrderRow:
    """One leg the strategy wished; prices in 1/10000 dollar."""

    message: int
    timestamp_ns: int
    intent_id: int
    epoch: int
    latency_cycles: int | None
    pair: str
    leg: int
    symbol: str
    side: str  # B, S, or T for a short sale
    shares: int
    price: int
    user_ref: int | None
    verdict: str  # `sent`, or the checks that refused, joined by +
    kind: IntentKind


@dataclass(frozen=True)
class Fill:
    """One execution; price in 1/10000 dollar, fee in 1/1000 of that."""

    timestamp_ns: int
    user_ref: int
    match: int
    pair: str
    leg: int
    symbol: str
    side: str
    shares: int
    price: int
    fee: int

    @property
    def signed_shares(self) -> int:
        """Shares bought, or minus the shares sold."""
        return self.shares if self.side == "B" else -self.shares

    @property
    def cost(self) -> int:
        """What was paid, less what was got, and the fee, in 1/10000 dollar times 1000."""
        return worth(self.signed_shares, self.price) + self.fee


@dataclass(frozen=True)
class SymbolResult:
    """Where a symbol ended. Cash and value in 1/10000 dollar times 1000, fees taken off."""

    symbol: str
    position: int
    cash: int
    mark: int  # price the position is valued at, in 1/10000 dollar; 0 if there is none

    @property
    def profit(self) -> int:
        """Cash and the position at its mark, in 1/10000 dollar times 1000."""
        return self.cash + worth(self.position, self.mark)


@dataclass(frozen=True)
class Wish:
    """What a pair wished at a time."""

    intent_id: int
    pair: str
    kind: IntentKind
    timestamp_ns: int
    sent: bool


@dataclass(frozen=True, eq=False)
class Outcome:
    """A replay on one card, from its journal.

    ``fee`` is that of one share, in 1/10000 dollar times 1000; ``latencies`` has the cycles of each
    user reference, where they were measured; ``coalesced`` is the card's own count of the
    evaluations it left out, where there is one; ``ledger`` has the position of each symbol as the
    gate itself kept it, ``counted`` the registers that count what the card dropped or refused.
    """

    setup: CardSetup
    journal: Journal
    numbering: Numbering
    fee: int
    frames: list[bytes] = field(default_factory=list)
    latencies: dict[int, int] = field(default_factory=dict)
    coalesced: int | None = None
    ledger: list[int] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

    @cached_property
    def order_rows(self) -> list[OrderRow]:
        """A row for each valid leg of each intent, in order."""
        verdicts = {int(row["id"]): row for row in self.journal.verdicts}
        orders = {(int(row["intent_id"]), int(row["leg"])): row for row in self.journal.orders}
        rows = []
        for intent in self.journal.intents:
            number = int(intent["id"])
            verdict = verdicts.get(number)
            for leg in range(LEGS):
                if not intent[f"leg{leg}_valid"]:
                    continue
                order = orders.get((number, leg))
                user_ref = int(order["user_ref"]) if order is not None else None
                rows.append(
                    OrderRow(
                        message=self.numbering.number(int(intent["sequence"])),
                        timestamp_ns=int(intent["feed_ns"]),
                        intent_id=number,
                        epoch=int(intent["epoch"]),
                        latency_cycles=None if user_ref is None else self.latencies.get(user_ref),
                        pair=self.setup.pairs[int(intent["pair"])].name,
                        leg=leg,
                        symbol=self.setup.symbols[int(intent[f"leg{leg}_symbol"])].name,
                        side=_side(int(intent[f"leg{leg}_side"]), order),
                        shares=int(intent[f"leg{leg}_shares"]),
                        price=int(intent[f"leg{leg}_price"]),
                        user_ref=user_ref,
                        verdict=_told(verdict),
                        kind=IntentKind(int(intent["kind"])),
                    )
                )
        return rows

    @cached_property
    def wishes(self) -> list[Wish]:
        """Every intent, with whether it left."""
        passed = {int(row["id"]): bool(row["passed"]) for row in self.journal.verdicts}
        return [
            Wish(
                intent_id=int(row["id"]),
                pair=self.setup.pairs[int(row["pair"])].name,
                kind=IntentKind(int(row["kind"])),
                timestamp_ns=int(row["feed_ns"]),
                sent=passed.get(int(row["id"]), False),
            )
            for row in self.journal.intents
        ]

    @cached_property
    def fills(self) -> list[Fill]:
        """Every execution of our orders, in the order the venue told them."""
        orders = {int(row["user_ref"]): row for row in self.journal.orders}
        pairs = {int(row["id"]): int(row["pair"]) for row in self.journal.intents}
        fills = []
        for response in self.journal.responses:
            if int(response["kind"]) != ResponseKind.EXECUTED:
                continue
            order = orders[int(response["user_ref"])]
            shares = int(response["shares"])
            fills.append(
                Fill(
                    timestamp_ns=int(response["card_ns"]),
                    user_ref=int(response["user_ref"]),
                    match=int(response["match"]),
                    pair=self.setup.pairs[pairs[int(order["intent_id"])]].name,
                    leg=int(order["leg"]),
                    symbol=self.setup.symbols[int(order["symbol"])].name,
                    side=_side(int(order["side"]), order),
                    shares=shares,
                    price=int(response["price"]),
                    fee=shares * self.fee,
                )
            )
        return fills

    @cached_property
    def results(self) -> list[SymbolResult]:
        """Position, cash and mark of each symbol that traded or was held, in the setup's order."""
        marks = self._marks()
        found = []
        for index, symbol in enumerate(self.setup.symbols):
            own = [fill for fill in self.fills if fill.symbol == symbol.name]
            position = symbol.position + sum(fill.signed_shares for fill in own)
            if own or position:
                mark = marks.get(index, 0)
                cash = -sum(fill.cost for fill in own) - worth(symbol.position, mark)
                found.append(SymbolResult(symbol.name, position, cash, mark))
        return found

    @property
    def profit(self) -> int:
        """Profit of all symbols, fees taken off, in 1/10000 dollar times 1000."""
        return sum(result.profit for result in self.results)

    @property
    def left_out(self) -> int:
        """How many evaluations were left out, as too many quotes waited."""
        return int(self.journal.coalesced["evaluations"].sum())

    @property
    def refused_by(self) -> dict[str, int]:
        """How many intents each check refused; one intent may be refused by several."""
        checks = self.journal.verdicts["checks"]
        counts = {
            name: int(np.count_nonzero(checks >> np.uint64(bit) & np.uint64(1)))
            for bit, name in enumerate(CHECKS)
        }
        return {name: count for name, count in counts.items() if count}

    def _marks(self) -> dict[int, int]:
        """Return the last mid price of each symbol that showed both sides, rounded down."""
        both = two_sided(self.journal.quotes)
        return {
            int(row["symbol"]): (int(row["bid"]) + int(row["ask"])) // 2
            for row in both[_last_of_each(both["symbol"])]
        }


def _last_of_each(symbols: np.ndarray) -> np.ndarray:
    """Return the row of the last occurrence of each value."""
    _, first = np.unique(symbols[::-1], return_index=True)
    return len(symbols) - 1 - first


def _side(side: int, order: np.void | None) -> str:
    if side == Side.BUY:
        return "B"
    return "T" if order is not None and order["short"] else "S"


def _told(verdict: np.void | None) -> str:
    if verdict is None:
        return "unjudged"
    if verdict["passed"]:
        return "sent"
    checks = int(verdict["checks"])
    return "+".join(name for bit, name in enumerate(CHECKS) if checks >> bit & 1)
