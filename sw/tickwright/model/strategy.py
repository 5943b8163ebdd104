"""The strategy: what each pair wishes, from the newest quotes of its two symbols.

All of it fits 64-bit signed integers, as long as the setup keeps its bounds:

* hedge (23 bits) times a price (32 bits) is below 2**55; twice that below 2**56;
* the sum of two prices shifted by 16 is below 2**49, a mean below 2**47 either way, so a spread
  less its mean, and an edge, are below 2**57;
* a deviation is clamped to 31 bits and a sign.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tickwright.host.records import INTENT, TRADING, IntentKind
from tickwright.host.sets import ParameterSet, listing
from tickwright.host.setup import DEVIATION_LIMIT, CardSetup
from tickwright.model.compiled import compiled
from tickwright.model.spread import PRICE_SHIFT, distance
from tickwright.model.tables import BUY, SELL
from tickwright.strategy.regs import PARAMETERS

__all__ = ["Strategy", "listed"]

FLAT, PENDING, HOLDING = range(3)  # phases of a pair
NO_WISH = -1

PAIR = np.dtype(
    [
        *((name, "i8") for name in PARAMETERS),
        # State.
        ("phase", "i8"),
        ("held_a", "i8"),
        ("held_b", "i8"),
        ("stopped", "i8"),
        ("ready_ns", "i8"),
        ("outstanding", "i8"),  # a bit a leg
        ("entering", "i8"),
    ]
)

NEWEST = np.dtype(
    [
        ("bid", "i8"),
        ("bid_shares", "i8"),
        ("ask", "i8"),
        ("ask_shares", "i8"),
        ("status", "i8"),
        ("reasons", "i8"),
    ]
)

CURSOR = np.dtype(
    [
        ("publication", "i8"),  # of the table walked through
        ("place", "i8"),  # in the list of its symbol's pairs
        ("evaluations", "i8"),
        ("intents", "i8"),
    ]
)


class Tables(NamedTuple):
    """All that the strategy knows."""

    pairs: np.ndarray  # of PAIR
    newest: np.ndarray  # of NEWEST, by symbol
    listed: np.ndarray  # pairs, those of symbol n from first[n] to first[n + 1], ascending
    first: np.ndarray
    cursor: np.ndarray  # one CURSOR


@compiled
def take_quote(newest, publication):
    """Keep a quote as the newest of its symbol, or let a Trust record taint those of all."""
    if publication.trust:
        for index in range(len(newest)):
            newest[index].reasons |= publication.reasons
        return
    quote = newest[publication.symbol]
    quote.bid, quote.bid_shares = publication.bid, publication.bid_shares
    quote.ask, quote.ask_shares = publication.ask, publication.ask_shares
    quote.status = publication.status
    quote.reasons = publication.reasons


_distance = compiled(distance)


@compiled
def deviation(pair, a, b):
    """Return how far the spread is from its mean, in units of DEVIATION."""
    away = _distance(pair.hedge, pair.mean, a.bid + a.ask, b.bid + b.ask)
    return max(-DEVIATION_LIMIT, min(DEVIATION_LIMIT, away))


@compiled
def edges(pair, a, b):
    """Return the edge of entering short and of entering long, per share of A."""
    short = (2 * a.bid << PRICE_SHIFT) - 2 * (pair.hedge * b.ask) - pair.mean
    long = pair.mean - (2 * a.ask << PRICE_SHIFT) + 2 * (pair.hedge * b.bid)
    return short, long


@compiled
def _priced(a, b):
    return a.bid > 0 and a.ask > 0 and b.bid > 0 and b.ask > 0


@compiled
def _sound(quote):
    return quote.bid < quote.ask and quote.reasons == 0 and quote.status == TRADING


@compiled
def _entry(pair, a, b, feed_ns):
    """Return the kind of entry that a flat pair wishes."""
    if not pair.enabled or pair.stopped or feed_ns < pair.ready_ns:
        return NO_WISH
    if not (_priced(a, b) and _sound(a) and _sound(b)):
        return NO_WISH
    if a.ask - a.bid > pair.max_spread_a or b.ask - b.bid > pair.max_spread_b:
        return NO_WISH
    away = deviation(pair, a, b)
    if not pair.entry_deviation <= abs(away) < pair.stop_deviation:
        return NO_WISH
    short, long = edges(pair, a, b)
    if away > 0:
        deep = a.bid_shares >= pair.shares_a and b.ask_shares >= pair.shares_b
        return IntentKind.ENTER_SHORT.value if deep and short >= pair.min_edge else NO_WISH
    deep = a.ask_shares >= pair.shares_a and b.bid_shares >= pair.shares_b
    return IntentKind.ENTER_LONG.value if deep and away < 0 and long >= pair.min_edge else NO_WISH


@compiled
def _exit(pair, a, b, feed_ns, flatten):
    """Return the kind of exit that a holding pair wishes."""
    if feed_ns < pair.ready_ns:
        return NO_WISH
    held_a, held_b = pair.held_a, pair.held_b
    priced, away = _priced(a, b), deviation(pair, a, b)
    further = (away > 0 and held_a < 0) or (away < 0 and held_a > 0)
    back = (away <= 0 and held_a < 0) or (away >= 0 and held_a > 0)
    if priced and abs(away) >= pair.stop_deviation and further:
        return IntentKind.STOP.value
    if held_a == 0 or held_b == 0 or (held_a > 0) == (held_b > 0):
        return IntentKind.UNBALANCED.value
    if flatten or (priced and (abs(away) <= pair.exit_deviation or back)):
        return IntentKind.EXIT.value
    return NO_WISH


@compiled
def _limit(quote, side, aggression):
    """Return the price of an order that takes the opposite side; 0 where it cannot be priced."""
    if side == BUY:
        return quote.ask + aggression if quote.ask > 0 else 0
    return max(0, quote.bid - aggression) if quote.bid > 0 else 0


@compiled
def _evaluate(pair, newest, feed_ns, flatten, intent):
    """Evaluate a pair; where it wishes to trade, fill in the legs and return True."""
    a, b = newest[pair.symbol_a], newest[pair.symbol_b]
    kind = NO_WISH
    if pair.phase == FLAT and not flatten:
        kind = _entry(pair, a, b, feed_ns)
    elif pair.phase == HOLDING:
        kind = _exit(pair, a, b, feed_ns, flatten)
    if kind == NO_WISH:
        return False
    entering = kind in (IntentKind.ENTER_SHORT, IntentKind.ENTER_LONG)
    if entering:
        side_a = SELL if kind == IntentKind.ENTER_SHORT else BUY
        side_b, shares_a, shares_b = 1 - side_a, pair.shares_a, pair.shares_b
    else:
        side_a, shares_a = (SELL if pair.held_a > 0 else BUY), abs(pair.held_a)
        side_b, shares_b = (SELL if pair.held_b > 0 else BUY), abs(pair.held_b)
    price_a = _limit(a, side_a, pair.aggression_a)
    price_b = _limit(b, side_b, pair.aggression_b)
    if (shares_a > 0 and price_a == 0) or (shares_b > 0 and price_b == 0):
        return False
    intent.kind = kind
    intent.leg0_valid = shares_a > 0
    intent.leg0_symbol = pair.symbol_a if shares_a else 0
    intent.leg0_side = side_a if shares_a else 0
    intent.leg0_shares = shares_a
    intent.leg0_price = price_a if shares_a else 0
    intent.leg1_valid = shares_b > 0
    intent.leg1_symbol = pair.symbol_b if shares_b else 0
    intent.leg1_side = side_b if shares_b else 0
    intent.leg1_shares = shares_b
    intent.leg1_price = price_b if shares_b else 0
    pair.phase = PENDING
    pair.entering = entering
    pair.outstanding = (shares_a > 0) | (shares_b > 0) << 1
    pair.ready_ns = feed_ns + pair.retry_ns
    if kind == IntentKind.STOP:
        pair.stopped = 1
    return True


@compiled
def _walk(tables, publications, stop, limit, flatten, intents):
    """Evaluate the pairs of each quote, up to publication ``stop``; return how many wished.

    It also stops before evaluation number ``limit`` (the first is 0), and behind the evaluation
    that filled ``intents``.
    """
    cursor = tables.cursor[0]
    wished = 0
    while cursor.publication < stop:
        publication = publications[cursor.publication]
        if cursor.place == 0:
            take_quote(tables.newest, publication)
        if not publication.trust and not publication.coalesced:
            symbol = publication.symbol
            count = tables.first[symbol + 1] - tables.first[symbol]
            while cursor.place < count:
                if cursor.evaluations == limit:
                    return wished
                index = tables.listed[tables.first[symbol] + cursor.place]
                cursor.place += 1
                cursor.evaluations += 1
                intent = intents[wished]
                feed_ns = np.int64(publication.feed_ns)
                if _evaluate(tables.pairs[index], tables.newest, feed_ns, flatten, intent):
                    cursor.intents += 1
                    wished += 1
                    intent.id = cursor.intents
                    intent.pair = index
                    intent.sequence = publication.sequence
                    intent.feed_ns = publication.feed_ns
                    if wished == len(intents):
                        return wished
        cursor.place = 0
        cursor.publication += 1
    return wished


@compiled
def _apply(pair, refused, leg, side, filled, done):
    """Take an outcome into the state of its pair."""
    if refused:
        pair.phase = FLAT if pair.entering else HOLDING
        pair.outstanding = 0
        return
    change = filled if side == BUY else -filled
    if leg == 0:
        pair.held_a += change
    else:
        pair.held_b += change
    if done:
        pair.outstanding &= ~(1 << leg)
    if pair.outstanding == 0:
        pair.phase = FLAT if pair.held_a == 0 and pair.held_b == 0 else HOLDING


def _lists(parameters: ParameterSet, symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs that symbols list, one list behind the other, and where each begins."""
    lists = listing(parameters.pairs, symbols)
    first = np.cumsum([0, *map(len, lists)])
    return np.array([pair for pairs in lists for pair in pairs], np.int64), first.astype(np.int64)


def listed(parameters: ParameterSet, symbols: int) -> np.ndarray:
    """Return how many pairs of a set list each symbol."""
    return np.array([len(pairs) for pairs in listing(parameters.pairs, symbols)], np.int64)


class Strategy:
    """The pairs of a card, walking through what its book publishes."""

    def __init__(self, setup: CardSetup, most_pairs: int = 0) -> None:
        """Start under a setup; ``most_pairs`` are those of the largest set that may follow."""
        self._symbols = len(setup.symbols)
        self._tables = Tables(
            pairs=np.zeros(max(len(setup.pairs), most_pairs), PAIR),
            newest=np.zeros(self._symbols, NEWEST),
            listed=np.zeros(0, np.int64),
            first=np.zeros(0, np.int64),
            cursor=np.zeros(1, CURSOR),
        )
        self.switch(ParameterSet(epoch=setup.epoch, pairs=setup.pairs), flatten=False)

    def switch(self, parameters: ParameterSet, *, flatten: bool) -> None:
        """Put a set in force from here on; what pairs hold and are about stays as it is."""
        table = self._tables.pairs
        for name in PARAMETERS:
            table[name] = 0
            table[name][: len(parameters.pairs)] = [getattr(p, name) for p in parameters.pairs]
        listed, first = _lists(parameters, self._symbols)
        self._tables = self._tables._replace(listed=listed, first=first)
        self._epoch, self._flatten = parameters.epoch, flatten

    @property
    def evaluations(self) -> int:
        """How many evaluations there were."""
        return int(self._tables.cursor[0]["evaluations"])

    @property
    def symbols(self) -> int:
        """How many symbols are watched."""
        return self._symbols

    @property
    def publication(self) -> int:
        """The publication that is evaluated, or comes next."""
        return int(self._tables.cursor[0]["publication"])

    @property
    def held(self) -> np.ndarray:
        """What each pair holds, in shares: a row a pair, a column a leg."""
        return np.stack([self._tables.pairs["held_a"], self._tables.pairs["held_b"]], axis=1)

    def walk(
        self,
        publications: np.ndarray,
        *,
        stop: int | None = None,
        limit: int = -1,
        most: int = 1,
    ) -> np.ndarray:
        """Go on to publication ``stop``, evaluation ``limit`` or ``most`` intents; return those."""
        intents = np.zeros(most, INTENT)
        stop = len(publications) if stop is None else stop
        wished = _walk(self._tables, publications, stop, limit, self._flatten, intents)
        intents["epoch"] = self._epoch
        return intents[:wished]

    def apply(self, outcome: np.void) -> None:
        """Take an outcome (a row of APPLIED) into the state of its pair."""
        _apply(
            self._tables.pairs[int(outcome["pair"])],
            *(int(outcome[name]) for name in ("refused", "leg", "side", "filled", "done")),
        )
