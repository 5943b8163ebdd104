"""The gate: section 8 of the specification, in integers without a width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from oracle.book import BUY, OracleError, Quote
from oracle.pairs import TRADING, Intent, Leg, Outcome
from tickwright.host.records import GateState, ResponseKind
from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.risk.checks import CHECKS, STATES

__all__ = ["Gate", "Order", "Response", "Verdict", "check"]

HIGHEST_PRICE = 1_999_999_900
SHARES_BOUND = 1_000_000


def check(*names: str) -> int:
    """Return the checks of these names as bits."""
    return sum(1 << CHECKS.index(name) for name in names)


class Order(NamedTuple):
    """An order that left the gate."""

    user_ref: int
    intent_id: int
    leg: int
    symbol: int
    side: int
    short: int
    shares: int
    price: int
    sequence: int
    feed_ns: int


class Verdict(NamedTuple):
    """The gate's word on an intent."""

    id: int
    passed: int
    checks: int
    quotes_seen: int
    responses_applied: int
    state: int
    feed_ok: int
    session_ok: int


class Response(NamedTuple):
    """What the venue says of an order."""

    kind: int
    user_ref: int
    shares: int = 0


@dataclass
class Open:
    """An order that may still trade, or die."""

    user_ref: int
    pair: int
    leg: int
    symbol: int
    side: int
    remaining: int


def of_symbol(row: SymbolSetup) -> list[int]:
    """Return the limits of a symbol."""
    return [row.max_shares, row.max_notional, row.max_position, row.collar]


class Gate:
    """Limits, ledger and state; `orders` are those that passed."""

    def __init__(self, setup: CardSetup, *, committed: bool = True) -> None:
        self.committed = committed  # the limits of the setup, by the host
        self.limits = list(setup.symbols)
        self.max_shares = setup.gate.max_shares
        self.max_notional = setup.gate.max_notional
        self.slots = setup.slots
        self.next_ref = setup.gate.first_user_ref
        self.state = GateState(STATES.index(setup.gate.state))
        self.newest = [
            Quote(0, 0, index, 0, 0, 0, 0, 0, 0) for index, _ in enumerate(setup.symbols)
        ]
        self.quotes_seen = 0
        self.responses_applied = 0
        self.position = [symbol.position for symbol in setup.symbols]
        self.worst_long = [symbol.position for symbol in setup.symbols]
        self.worst_short = [-symbol.position for symbol in setup.symbols]
        self.open: dict[int, Open] = {}  # by slot
        self.fault = False
        self.orders: list[Order] = []

    # The host.

    def kill(self) -> None:
        self.state = GateState.KILLED

    def close_only(self) -> None:
        if self.state == GateState.ARMED:
            self.state = GateState.CLOSE_ONLY

    def commit(self, limits: list[SymbolSetup], max_shares: int, max_notional: int) -> bool:
        """Take a whole set of limits; say whether it is in force.

        The host's checksum is that of the set as given. While not killed each limit is lowered to
        the one in force before it is summed, so a set that loosens any has another sum.
        """
        given = [of_symbol(row) for row in limits] + [[max_shares, max_notional]]
        before = [of_symbol(row) for row in self.limits] + [[self.max_shares, self.max_notional]]
        lowered = [
            [min(*pair) for pair in zip(*rows, strict=True)]
            for rows in zip(given, before, strict=True)
        ]
        if self.state != GateState.KILLED and lowered != given:
            return False
        self.limits = list(limits)
        self.max_shares, self.max_notional = max_shares, max_notional
        self.committed = True
        return True

    def arm(
        self,
        state: GateState,
        *,
        tables_ready: bool = True,
        confirmed: bool = True,
        watched: bool = True,
        committing: bool = False,
    ) -> bool:
        """Raise the state if all that it needs is there; say whether it was raised."""
        allowed = (
            self.state == GateState.KILLED
            and tables_ready
            and not self.open
            and not self.fault
            and self.committed
            and not committing
            and watched
            and confirmed
        )
        if allowed:
            self.state = state
        return allowed

    # The market.

    def quote(self, quote: Quote) -> None:
        self.quotes_seen += 1
        self.newest[quote.symbol] = quote

    def trust(self, reasons: int) -> None:
        self.quotes_seen += 1
        self.newest = [quote._replace(reasons=quote.reasons | reasons) for quote in self.newest]

    # The judgement.

    def judge(self, intent: Intent, *, feed_ok: int, session_ok: int) -> Verdict:
        """Judge an intent by what is newest now; its orders leave if it passes."""
        if self.fault and self.state != GateState.KILLED:
            raise OracleError(f"intent {intent.id}: state {self.state} after a ledger fault")
        legs = [(number, leg) for number, leg in enumerate(intent.legs) if leg.valid]
        failed = 0
        taken = set(self.open)
        for offset, (_, leg) in enumerate(legs):
            slot = (self.next_ref + offset) % self.slots
            if slot in taken:
                failed |= check("slots")
            taken.add(slot)
            failed |= self._leg(leg)
        if not feed_ok:
            failed |= check("feed")
        if not session_ok:
            failed |= check("session")
        if failed == 0:
            for number, leg in legs:
                self._send(intent, number, leg)
        return Verdict(
            intent.id,
            int(failed == 0),
            failed,
            self.quotes_seen,
            self.responses_applied,
            int(self.state),
            feed_ok,
            session_ok,
        )

    def _leg(self, leg: Leg) -> int:
        """Return the checks that a leg fails by itself."""
        quote, limits = self.newest[leg.symbol], self.limits[leg.symbol]
        buys = leg.side == BUY
        worst = self.worst_long[leg.symbol] if buys else self.worst_short[leg.symbol]
        close_only = self.state == GateState.CLOSE_ONLY
        notional = leg.shares * leg.price
        if buys:
            collar = quote.ask == 0 or leg.price > quote.ask + limits.collar
        else:
            collar = quote.bid == 0 or leg.price + limits.collar < quote.bid
        fails = {
            "killed": self.state == GateState.KILLED,
            "close_only": close_only and worst + leg.shares > 0,
            "trust": quote.reasons != 0,
            "halted": quote.status != TRADING,
            "shares": (
                leg.shares > limits.max_shares
                or leg.shares > self.max_shares
                or leg.shares == 0
                or leg.shares >= SHARES_BOUND
            ),
            "notional": notional > limits.max_notional or notional > self.max_notional,
            "collar": collar,
            "position": not close_only and worst + leg.shares > limits.max_position,
            "price": leg.price == 0 or leg.price > HIGHEST_PRICE,
            "ledger": self.fault,
        }
        return check(*(name for name, failed in fails.items() if failed))

    def _send(self, intent: Intent, number: int, leg: Leg) -> None:
        user_ref, symbol = self.next_ref, leg.symbol
        self.next_ref += 1
        if leg.side == BUY:
            short = False
            self.worst_long[symbol] += leg.shares
        else:
            short = self.worst_short[symbol] + leg.shares > 0
            self.worst_short[symbol] += leg.shares
        self.open[user_ref % self.slots] = Open(
            user_ref, intent.pair, number, symbol, leg.side, leg.shares
        )
        cause = (intent.sequence, intent.feed_ns)
        self.orders.append(Order(user_ref, intent.id, number, *leg[1:3], short, *leg[3:], *cause))

    # The venue.

    def respond(self, response: Response) -> Outcome | None:
        """Take a response; return what the strategy is told of it."""
        self.responses_applied += 1
        slot = response.user_ref % self.slots
        order = self.open.get(slot)
        if order is None or order.user_ref != response.user_ref:
            return self._fault()
        filled = removed = 0
        match ResponseKind(response.kind):
            case ResponseKind.ACCEPTED:
                return None
            case ResponseKind.EXECUTED:
                filled = response.shares
            case ResponseKind.CANCELED:
                removed = response.shares
            case ResponseKind.REJECTED | ResponseKind.DEAD:
                removed = order.remaining
            case _:
                return self._fault()
        if filled + removed > order.remaining:
            return self._fault()
        order.remaining -= filled + removed
        if order.side == BUY:
            self.position[order.symbol] += filled
            self.worst_short[order.symbol] -= filled
            self.worst_long[order.symbol] -= removed
        else:
            self.position[order.symbol] -= filled
            self.worst_long[order.symbol] -= filled
            self.worst_short[order.symbol] -= removed
        done = order.remaining == 0
        if done:
            del self.open[slot]
        return Outcome(order.pair, 0, order.leg, order.side, filled, int(done))

    def _fault(self) -> None:
        self.fault = True
        self.state = GateState.KILLED
