"""The pairs: section 6 of the specification, in integers without a width."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from oracle.book import BUY, SELL, Quote
from tickwright.host.records import IntentKind
from tickwright.host.setup import CardSetup, PairSetup

__all__ = ["Intent", "Leg", "Outcome", "Pair", "Strategy"]

TRADING = ord("T")
CLAMP = (1 << 31) - 1


class Leg(NamedTuple):
    """One order of an intent; all 0 where there is none."""

    valid: int = 0
    symbol: int = 0
    side: int = 0
    shares: int = 0
    price: int = 0


class Intent(NamedTuple):
    """What a pair wishes to trade."""

    id: int
    pair: int
    kind: int
    epoch: int
    sequence: int
    feed_ns: int
    legs: tuple[Leg, Leg]


class Outcome(NamedTuple):
    """What became of an intent or of one of its orders."""

    pair: int
    refused: int
    leg: int = 0
    side: int = 0
    filled: int = 0
    done: int = 0


class Measures(NamedTuple):
    """What one evaluation works out."""

    d: int
    edge_short: int
    edge_long: int
    priced: bool
    sound: bool
    narrow: bool


@dataclass
class Pair:
    """The state of a pair."""

    setup: PairSetup
    phase: str = "flat"
    held: list[int] = field(default_factory=lambda: [0, 0])
    stopped: bool = False
    ready_ns: int = 0
    outstanding: set[int] = field(default_factory=set)
    entering: bool = False
    listed: bool = True


class Strategy:
    """All pairs, and the newest quote of every symbol."""

    def __init__(self, setup: CardSetup) -> None:
        self.epoch = setup.epoch
        self.pairs = [Pair(pair) for pair in setup.pairs]
        self.newest = [
            Quote(0, 0, index, 0, 0, 0, 0, symbol.status, 0)
            for index, symbol in enumerate(setup.symbols)
        ]
        self.flatten = False
        self.evaluations = 0
        self.intents: list[Intent] = []

    def control(self, epoch: int, pairs: tuple[PairSetup, ...], flatten: bool) -> None:
        """Take what the host puts in force between two quotes; the states of pairs stay."""
        self.epoch, self.flatten = epoch, flatten
        self.pairs += [Pair(pair) for pair in pairs[len(self.pairs) :]]
        for index, pair in enumerate(self.pairs):
            if index < len(pairs):
                pair.setup = pairs[index]
            pair.listed = index < len(pairs)

    def trust(self, reasons: int) -> None:
        """Take a Trust record of scope all."""
        self.newest = [quote._replace(reasons=quote.reasons | reasons) for quote in self.newest]

    def listing(self, symbol: int) -> list[int]:
        """Return the pairs that list a symbol, in ascending order."""
        return [
            index
            for index, pair in enumerate(self.pairs)
            if pair.listed and symbol in (pair.setup.symbol_a, pair.setup.symbol_b)
        ]

    def quote(self, quote: Quote) -> None:
        """Take a published quote; the pairs of its listing are to be evaluated next."""
        self.newest[quote.symbol] = quote

    def measure(self, pair: int) -> Measures:
        """Work out what an evaluation of a pair compares."""
        setup = self.pairs[pair].setup
        a, b = self.newest[setup.symbol_a], self.newest[setup.symbol_b]
        ha, hb = setup.hedge * b.ask, setup.hedge * b.bid
        s = ((a.bid + a.ask) << 16) - (ha + hb)
        d = (s - setup.mean) >> 8  # a shift of Python's rounds towards minus infinity
        d = max(-CLAMP, min(CLAMP, d))
        priced = min(a.bid, a.ask, b.bid, b.ask) > 0
        return Measures(
            d=d,
            edge_short=(2 * a.bid << 16) - 2 * ha - setup.mean,
            edge_long=setup.mean - (2 * a.ask << 16) + 2 * hb,
            priced=priced,
            sound=(
                priced
                and a.bid < a.ask
                and b.bid < b.ask
                and a.reasons == 0
                and b.reasons == 0
                and a.status == TRADING
                and b.status == TRADING
            ),
            narrow=(a.ask - a.bid <= setup.max_spread_a and b.ask - b.bid <= setup.max_spread_b),
        )

    def evaluate(self, index: int, sequence: int, feed_ns: int) -> Intent | None:
        """Evaluate a pair on a quote that came with this message; return its wish."""
        self.evaluations += 1
        pair = self.pairs[index]
        if feed_ns < pair.ready_ns:
            return None
        if pair.phase == "flat":
            kind = self._entry(index)
        elif pair.phase == "holding":
            kind = self._exit(index)
        else:
            return None
        if kind is None:
            return None
        legs = self._legs(pair, kind)
        if legs is None:
            return None
        pair.phase = "pending"
        pair.entering = kind in (IntentKind.ENTER_SHORT, IntentKind.ENTER_LONG)
        pair.stopped = pair.stopped or kind == IntentKind.STOP
        pair.outstanding = {number for number, leg in enumerate(legs) if leg.valid}
        pair.ready_ns = feed_ns + pair.setup.retry_ns
        number = len(self.intents) + 1
        intent = Intent(number, index, int(kind), self.epoch, sequence, feed_ns, legs)
        self.intents.append(intent)
        return intent

    def _entry(self, index: int) -> IntentKind | None:
        pair, found = self.pairs[index], self.measure(index)
        setup = pair.setup
        a, b = self.newest[setup.symbol_a], self.newest[setup.symbol_b]
        if not (setup.enabled and not pair.stopped and found.sound and found.narrow):
            return None
        if self.flatten:
            return None
        if not setup.entry_deviation <= abs(found.d) < setup.stop_deviation:
            return None
        if (
            found.d > 0
            and found.edge_short >= setup.min_edge
            and a.bid_shares >= setup.shares_a
            and b.ask_shares >= setup.shares_b
        ):
            return IntentKind.ENTER_SHORT
        if (
            found.d < 0
            and found.edge_long >= setup.min_edge
            and a.ask_shares >= setup.shares_a
            and b.bid_shares >= setup.shares_b
        ):
            return IntentKind.ENTER_LONG
        return None

    def _exit(self, index: int) -> IntentKind | None:
        pair, found = self.pairs[index], self.measure(index)
        held_a, held_b = pair.held
        against = (found.d > 0 and held_a < 0) or (found.d < 0 and held_a > 0)
        through = (found.d <= 0 and held_a < 0) or (found.d >= 0 and held_a > 0)
        if found.priced and abs(found.d) >= pair.setup.stop_deviation and against:
            return IntentKind.STOP
        if held_a == 0 or held_b == 0 or (held_a > 0) == (held_b > 0):
            return IntentKind.UNBALANCED
        if self.flatten or (
            found.priced and (abs(found.d) <= pair.setup.exit_deviation or through)
        ):
            return IntentKind.EXIT
        return None

    def _legs(self, pair: Pair, kind: IntentKind) -> tuple[Leg, Leg] | None:
        """Return the legs of a wish, None where one has no price."""
        setup = pair.setup
        if kind == IntentKind.ENTER_SHORT:
            wanted = [-setup.shares_a, setup.shares_b]
        elif kind == IntentKind.ENTER_LONG:
            wanted = [setup.shares_a, -setup.shares_b]
        else:
            wanted = [-held for held in pair.held]
        symbols = (setup.symbol_a, setup.symbol_b)
        aggressions = (setup.aggression_a, setup.aggression_b)
        legs = []
        for symbol, aggression, shares in zip(symbols, aggressions, wanted, strict=True):
            quote = self.newest[symbol]
            if shares == 0:
                legs.append(Leg())
            elif shares > 0:
                if quote.ask == 0:
                    return None
                legs.append(Leg(1, symbol, BUY, shares, quote.ask + aggression))
            else:
                if quote.bid == 0 or quote.bid - aggression <= 0:
                    return None
                legs.append(Leg(1, symbol, SELL, -shares, quote.bid - aggression))
        return legs[0], legs[1]

    def apply(self, outcome: Outcome) -> None:
        """Take what the gate says of an intent or an order."""
        pair = self.pairs[outcome.pair]
        if outcome.refused:
            pair.outstanding = set()
            pair.phase = "flat" if pair.entering else "holding"
            return
        pair.held[outcome.leg] += outcome.filled if outcome.side == BUY else -outcome.filled
        if outcome.done:
            pair.outstanding.discard(outcome.leg)
        if not pair.outstanding:
            pair.phase = "flat" if pair.held == [0, 0] else "holding"
