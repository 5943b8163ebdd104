"""Hand-made runs to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tickwright.host.records import TABLES, IntentKind, Journal, ResponseKind, Side
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome
from tickwright.risk.checks import CHECKS

FEE = 30_000  # 0.0030 dollars a share
SECOND_NS = 1_000_000_000


@pytest.fixture
def setup() -> CardSetup:
    """Return a card of two pairs over three symbols; one pair never trades."""

    def pair(name: str, b: int) -> PairSetup:
        return PairSetup(
            name=name, symbol_a=0, symbol_b=b, hedge=1 << 16, mean=0, entry_deviation=102_400,
            exit_deviation=0, stop_deviation=(1 << 31) - 1, min_edge=0, shares_a=100, shares_b=100,
            max_spread_a=1000, max_spread_b=1000, aggression_a=0, aggression_b=0, retry_ns=0,
        )  # fmt: skip

    return CardSetup(
        window=1024,
        symbols=(
            SymbolSetup(name="KO"), SymbolSetup(name="PEP", position=-10), SymbolSetup(name="MNST")
        ),
        pairs=(pair("cola", 1), pair("idle", 2)),
        gate=GateSetup(state="armed"),
    )  # fmt: skip


def rows(table: str, *found: dict[str, Any]) -> np.ndarray:
    """Return rows of a table of the journal; columns left out are 0."""
    made = np.zeros(len(found), TABLES[table])
    for row, values in zip(made, found, strict=True):
        for name, value in values.items():
            row[name] = value
    return made


@pytest.fixture
def table() -> Callable[..., np.ndarray]:
    return rows


def _quote(sequence: int, symbol: int, bid: int, ask: int, **more: int) -> dict[str, int]:
    return {
        "sequence": sequence, "feed_ns": sequence * SECOND_NS, "symbol": symbol, "bid": bid,
        "bid_shares": 300 if bid else 0, "ask": ask, "ask_shares": 400 if ask else 0,
        "status": ord("T"), **more,
    }  # fmt: skip


def _intent(number: int, kind: IntentKind, sequence: int, a: tuple, b: tuple) -> dict[str, int]:
    found = {
        "id": number, "pair": 0, "kind": kind, "epoch": 1, "sequence": sequence,
        "feed_ns": sequence * SECOND_NS,
    }  # fmt: skip
    for leg, (side, shares, price) in enumerate((a, b)):
        values = {"valid": 1, "symbol": leg, "side": side, "shares": shares, "price": price}
        found |= {f"leg{leg}_{name}": value for name, value in values.items()}
    return found


def _order(ref: int, intent: int, leg: int, side: Side, price: int, short: int = 0) -> dict:
    sequence = 4 if intent == 1 else 9
    return {
        "user_ref": ref, "intent_id": intent, "leg": leg, "symbol": leg, "side": side,
        "short": short, "shares": 100, "price": price, "sequence": sequence,
        "feed_ns": sequence * SECOND_NS,
    }  # fmt: skip


def _fill(ref: int, shares: int, price: int, at_s: int) -> dict[str, int]:
    return {
        "kind": ResponseKind.EXECUTED, "user_ref": ref, "shares": shares, "price": price,
        "match": ref * 10, "card_ns": at_s * SECOND_NS,
    }  # fmt: skip


@pytest.fixture
def journal() -> Journal:
    """Return a run: KO shorted against PEP, a wish refused, both closed; messages 6, 7 are lost."""
    accepted = [{"kind": ResponseKind.ACCEPTED, "user_ref": ref} for ref in (7, 8)]
    refused = 1 << CHECKS.index("trust") | 1 << CHECKS.index("collar")
    sell, buy = Side.SELL, Side.BUY
    return Journal(
        quotes=rows(
            "quotes",
            _quote(1, 0, 10_000, 10_200),
            _quote(2, 1, 10_000, 10_200),
            _quote(3, 2, 0, 50_000),
            _quote(4, 0, 10_600, 10_800),
            _quote(8, 1, 10_400, 10_600, reasons=1),
            _quote(9, 0, 10_400, 10_500),
        ),
        trusts=rows("trusts", {"all": 1, "reasons": 1, "first": 6, "last": 7, "sequence": 8}),
        intents=rows(
            "intents",
            _intent(1, IntentKind.ENTER_SHORT, 4, (sell, 100, 10_600), (buy, 100, 10_200)),
            _intent(2, IntentKind.EXIT, 8, (buy, 100, 10_800), (sell, 100, 10_400)),
            _intent(3, IntentKind.EXIT, 9, (buy, 100, 10_500), (sell, 100, 10_400)),
        ),
        verdicts=rows(
            "verdicts",
            {"id": 1, "passed": 1, "quotes_seen": 4, "state": 2, "feed_ok": 1, "session_ok": 1},
            {"id": 2, "passed": 0, "checks": refused, "quotes_seen": 6, "state": 2},
            {"id": 3, "passed": 1, "quotes_seen": 7, "responses_applied": 4, "state": 2},
        ),
        orders=rows(
            "orders",
            _order(7, 1, 0, sell, 10_600, short=1),
            _order(8, 1, 1, buy, 10_200),
            _order(9, 3, 0, buy, 10_500),
            _order(10, 3, 1, sell, 10_400),
        ),
        responses=rows(
            "responses",
            *accepted,
            _fill(7, 100, 10_600, 5),
            _fill(8, 60, 10_200, 5),
            _fill(8, 40, 10_100, 6),
            {"kind": ResponseKind.REJECTED, "user_ref": 10},
            _fill(9, 100, 10_500, 10),
        ),
        applied=rows("applied", {"pair": 0, "refused": 1}),
    )


@pytest.fixture
def outcome(setup: CardSetup, journal: Journal) -> Outcome:
    return Outcome(
        setup=setup,
        journal=journal,
        numbering=Numbering.of(journal, 1),
        fee=FEE,
        frames=[bytes([number]) * 104 for number in range(4)],
        latencies={7: 21, 8: 38, 9: 23, 10: 40},
    )
