"""The gate: what each order is judged by, and the ledger that its answers are kept in.

All of it fits 64-bit signed integers: the shares of a leg have 24 bits and its price 33, so that a
notional is below 2**57; positions have 32 bits, what is open of a symbol far less than 62.
"""

from __future__ import annotations

from collections import namedtuple
from typing import NamedTuple

import numpy as np

from tickwright.host.records import (
    APPLIED,
    LEGS,
    ORDER,
    TRADING,
    VERDICT,
    GateState,
    ResponseKind,
)
from tickwright.host.setup import CardSetup
from tickwright.model.compiled import compiled
from tickwright.model.strategy import NEWEST, take_quote
from tickwright.model.tables import BUY, SELL
from tickwright.risk.checks import CHECKS, STATES

__all__ = ["Gate"]

_Checks = namedtuple("_Checks", CHECKS)

CHECK = _Checks(*(1 << bit for bit in range(len(CHECKS))))
"""The bit of each check, by its name."""

SHARES_LIMIT = 1_000_000  # the venue takes fewer
PRICE_LIMIT = 1_999_999_900  # the venue takes no more: 199,999.99 dollars

LEG = np.dtype([(name, "i8") for name in ("valid", "symbol", "side", "shares", "price")])

ACCOUNT = np.dtype(
    [
        ("max_shares", "i8"),
        ("max_notional", "i8"),
        ("max_position", "i8"),
        ("collar", "i8"),
        ("position", "i8"),
        ("worst_long", "i8"),  # position + open buys
        ("worst_short", "i8"),  # open sells - position
    ]
)

SLOT = np.dtype(
    [
        ("remaining", "i8"),  # shares; the slot is free at 0
        ("user_ref", "i8"),
        ("symbol", "i8"),
        ("side", "i8"),
        ("pair", "i8"),
        ("leg", "i8"),
    ]
)

GATE = np.dtype(
    [
        ("max_shares", "i8"),
        ("max_notional", "i8"),
        ("user_ref", "i8"),  # of the next order
        ("state", "i8"),
        ("fault", "i8"),
        ("quotes_seen", "i8"),
        ("responses_applied", "i8"),
    ]
)


class Tables(NamedTuple):
    """All that the gate knows."""

    accounts: np.ndarray  # of ACCOUNT, by symbol
    newest: np.ndarray  # of NEWEST, by symbol
    slots: np.ndarray  # of SLOT
    gate: np.ndarray  # one GATE


@compiled
def _take_quotes(tables, publications, stop):
    """Take publications up to number ``stop``, as long as there are any."""
    gate = tables.gate[0]
    while gate.quotes_seen < min(stop, len(publications)):
        take_quote(tables.newest, publications[gate.quotes_seen])
        gate.quotes_seen += 1


@compiled
def _failed(gate, account, quote, leg):
    """Return the checks that a leg fails by its symbol, its limits and its own numbers."""
    failed = 0
    buying = leg.side == BUY
    worst = (account.worst_long if buying else account.worst_short) + leg.shares
    if gate.state == GateState.CLOSE_ONLY:
        if worst > 0:
            failed |= CHECK.close_only
    elif worst > account.max_position:
        failed |= CHECK.position
    if quote.reasons:
        failed |= CHECK.trust
    if quote.status != TRADING:
        failed |= CHECK.halted
    most = min(gate.max_shares, account.max_shares, SHARES_LIMIT - 1)
    if leg.shares == 0 or leg.shares > most:
        failed |= CHECK.shares
    if leg.shares * leg.price > min(gate.max_notional, account.max_notional):
        failed |= CHECK.notional
    if buying:
        if quote.ask == 0 or leg.price > quote.ask + account.collar:
            failed |= CHECK.collar
    elif quote.bid == 0 or leg.price + account.collar < quote.bid:
        failed |= CHECK.collar
    if leg.price == 0 or leg.price > PRICE_LIMIT:
        failed |= CHECK.price
    return failed


@compiled
def _judge(tables, legs, feed_ok, session_ok):
    """Return the checks that an intent fails."""
    gate = tables.gate[0]
    failed = 0
    if gate.state == GateState.KILLED:
        failed |= CHECK.killed
    if gate.fault:
        failed |= CHECK.ledger
    if not feed_ok:
        failed |= CHECK.feed
    if not session_ok:
        failed |= CHECK.session
    wanted = 0
    for index in range(len(legs)):
        leg = legs[index]
        if leg.valid:
            failed |= _failed(gate, tables.accounts[leg.symbol], tables.newest[leg.symbol], leg)
            slot = tables.slots[(gate.user_ref + wanted) % len(tables.slots)]
            wanted += 1
            if slot.remaining != 0 or wanted > len(tables.slots):
                failed |= CHECK.slots
    return failed


@compiled
def _send(tables, legs, pair, orders):
    """Reserve what an intent that passed may fill, and write its orders; return their number."""
    gate = tables.gate[0]
    sent = 0
    for index in range(len(legs)):
        leg = legs[index]
        if not leg.valid:
            continue
        account = tables.accounts[leg.symbol]
        order = orders[sent]
        sent += 1
        order.user_ref = gate.user_ref
        order.leg = index
        order.symbol = leg.symbol
        order.side = leg.side
        order.short = leg.side == SELL and account.worst_short + leg.shares > 0
        order.shares = leg.shares
        order.price = leg.price
        slot = tables.slots[gate.user_ref % len(tables.slots)]
        slot.remaining = leg.shares
        slot.user_ref = gate.user_ref
        slot.symbol = leg.symbol
        slot.side = leg.side
        slot.pair = pair
        slot.leg = index
        gate.user_ref = (gate.user_ref + 1) & 0xFFFFFFFF
        if leg.side == BUY:
            account.worst_long += leg.shares
        else:
            account.worst_short += leg.shares
    return sent


@compiled
def _respond(tables, kind, user_ref, shares, outcome):
    """Take a response into the ledger; return whether the strategy is told, and what."""
    gate = tables.gate[0]
    gate.responses_applied += 1
    slot = tables.slots[user_ref % len(tables.slots)]
    known = slot.remaining != 0 and slot.user_ref == user_ref
    if kind in (ResponseKind.DEAD, ResponseKind.REJECTED):
        shares = slot.remaining
    elif kind == ResponseKind.ACCEPTED:
        shares = 0
    if not known or kind == ResponseKind.UNHANDLED or shares > slot.remaining:
        gate.fault = 1
        gate.state = GateState.KILLED.value
        return False
    if kind == ResponseKind.ACCEPTED:
        return False
    account = tables.accounts[slot.symbol]
    slot.remaining -= shares
    executed = kind == ResponseKind.EXECUTED
    if executed and slot.side == BUY:
        account.position += shares
        account.worst_short -= shares
    elif executed:
        account.position -= shares
        account.worst_long -= shares
    elif slot.side == BUY:
        account.worst_long -= shares
    else:
        account.worst_short -= shares
    outcome.pair = slot.pair
    outcome.refused = 0
    outcome.leg = slot.leg
    outcome.side = slot.side
    outcome.filled = shares if executed else 0
    outcome.done = slot.remaining == 0
    return True


class Gate:
    """The gate of a card, with its ledger."""

    def __init__(self, setup: CardSetup) -> None:
        accounts = np.zeros(len(setup.symbols), ACCOUNT)
        for account, symbol in zip(accounts, setup.symbols, strict=True):
            for name in ("max_shares", "max_notional", "max_position", "collar", "position"):
                account[name] = getattr(symbol, name)
            account["worst_long"], account["worst_short"] = symbol.position, -symbol.position
        gate = np.zeros(1, GATE)
        gate["max_shares"], gate["max_notional"] = setup.gate.max_shares, setup.gate.max_notional
        gate["user_ref"] = setup.gate.first_user_ref
        gate["state"] = STATES.index(setup.gate.state)
        self._tables = Tables(
            accounts=accounts,
            newest=np.zeros(len(setup.symbols), NEWEST),
            slots=np.zeros(setup.slots, SLOT),
            gate=gate,
        )

    @property
    def responses_applied(self) -> int:
        """How many responses the ledger took."""
        return int(self._tables.gate[0]["responses_applied"])

    @property
    def positions(self) -> np.ndarray:
        """What is held of each symbol, in shares."""
        return self._tables.accounts["position"].copy()

    @property
    def fault(self) -> bool:
        """Whether a response did not fit the ledger."""
        return bool(self._tables.gate[0]["fault"])

    def take_quotes(self, publications: np.ndarray, stop: int) -> None:
        """Take what the book published, up to publication number ``stop``."""
        _take_quotes(self._tables, publications, stop)

    def judge(
        self,
        intent: np.void,
        *,
        state: int | None = None,
        feed_ok: int = 1,
        session_ok: int = 1,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Judge an intent now; return the verdict, a table of one row, and the orders that leave.

        ``state``, where given, is that which the host or the watchdogs had set by then.
        """
        gate = self._tables.gate[0]
        if state is not None and not gate["fault"]:
            gate["state"] = state
        legs = np.zeros(LEGS, LEG)
        for index, leg in enumerate(legs):
            for name in LEG.names or ():
                leg[name] = intent[f"leg{index}_{name}"]
        failed = _judge(self._tables, legs, feed_ok, session_ok)
        verdict, orders = np.zeros(1, VERDICT), np.zeros(LEGS, ORDER)
        verdict["id"], verdict["passed"], verdict["checks"] = intent["id"], failed == 0, failed
        for name in ("quotes_seen", "responses_applied", "state"):
            verdict[name] = gate[name]
        verdict["feed_ok"], verdict["session_ok"] = feed_ok, session_ok
        sent = 0 if failed else _send(self._tables, legs, int(intent["pair"]), orders)
        orders = orders[:sent]
        orders["intent_id"] = intent["id"]
        orders["sequence"], orders["feed_ns"] = intent["sequence"], intent["feed_ns"]
        return verdict, orders

    def respond(self, response: np.void) -> np.ndarray:
        """Take a response (a row of RESPONSE); return what the strategy is told, if anything."""
        outcome = np.zeros(1, APPLIED)
        told = _respond(
            self._tables,
            *(int(response[name]) for name in ("kind", "user_ref", "shares")),
            outcome[0],
        )
        return outcome[: int(told)]
