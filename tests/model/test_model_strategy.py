"""The model's pairs decide by the formulae of the specification, with numbers of any size."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tickwright.host.records import APPLIED, IntentKind, Side
from tickwright.host.setup import CardSetup, PairSetup, SymbolSetup
from tickwright.model.book import PUBLICATION
from tickwright.model.strategy import Strategy

LIMIT = (1 << 31) - 1
DOLLAR = 10_000  # of prices
UNIT = 2 << 16  # of spreads, in one of prices
AWAY = 2 * DOLLAR << 8  # a deviation of one dollar

PAIR = PairSetup(
    name="pair",
    symbol_a=0,
    symbol_b=1,
    hedge=1 << 16,
    mean=0,
    entry_deviation=AWAY,
    exit_deviation=AWAY // 4,
    stop_deviation=4 * AWAY,
    min_edge=0,
    shares_a=100,
    shares_b=200,
    max_spread_a=DOLLAR,
    max_spread_b=DOLLAR,
    aggression_a=7,
    aggression_b=9,
    retry_ns=1000,
)
SYMBOLS = tuple(SymbolSetup(name=name) for name in ("AAA", "BBB", "CCC"))


def quote(symbol, bid, ask, *, bid_shares=500, ask_shares=500, status="T", reasons=0, ns=0):
    row = np.zeros(1, PUBLICATION)
    row["symbol"], row["bid"], row["ask"] = symbol, bid, ask
    row["bid_shares"], row["ask_shares"] = bid_shares, ask_shares
    row["status"], row["reasons"], row["feed_ns"], row["sequence"] = ord(status), reasons, ns, ns
    return row


def trust(reasons=1):
    row = np.zeros(1, PUBLICATION)
    row["trust"], row["reasons"] = 1, reasons
    return row


def outcome(pair=0, *, refused=0, leg=0, side=Side.BUY, filled=0, done=0):
    return np.array([(pair, refused, leg, side, filled, done, 0)], APPLIED)[0]


class Desk:
    """A strategy fed one quote at a time."""

    def __init__(self, *pairs, epoch=3):
        self.setup = CardSetup(window=64, symbols=SYMBOLS, pairs=pairs or (PAIR,), epoch=epoch)
        self.strategy = Strategy(self.setup)
        self.published = np.zeros(0, PUBLICATION)

    def take(self, *rows):
        """Return the intents that these quotes give."""
        self.published = np.concatenate([self.published, *rows])
        found = []
        while len(intents := self.strategy.walk(self.published)):
            found += list(intents)
        return found

    def kinds(self, *rows):
        return [IntentKind(int(intent["kind"])).name for intent in self.take(*rows)]


# A one dollar above its worth of B is exactly at the entry deviation.
B = quote(1, 50 * DOLLAR, 50 * DOLLAR + 2)
ABOVE = quote(0, 51 * DOLLAR, 51 * DOLLAR + 2)
BELOW = quote(0, 49 * DOLLAR, 49 * DOLLAR + 2)
LEVEL = quote(0, 50 * DOLLAR, 50 * DOLLAR + 2)


def legs(intent):
    return [
        tuple(int(intent[f"leg{leg}_{name}"]) for name in ("symbol", "side", "shares", "price"))
        for leg in (0, 1)
        if intent[f"leg{leg}_valid"]
    ]


def test_enters_short_above_and_long_below():
    (short,) = Desk().take(B, ABOVE)
    assert IntentKind(int(short["kind"])) == IntentKind.ENTER_SHORT
    assert legs(short) == [
        (0, Side.SELL, 100, 51 * DOLLAR - 7),
        (1, Side.BUY, 200, 50 * DOLLAR + 2 + 9),
    ]
    assert (int(short["id"]), int(short["pair"]), int(short["epoch"])) == (1, 0, 3)
    (long,) = Desk().take(B, BELOW)
    assert IntentKind(int(long["kind"])) == IntentKind.ENTER_LONG
    assert legs(long) == [
        (0, Side.BUY, 100, 49 * DOLLAR + 2 + 7),
        (1, Side.SELL, 200, 50 * DOLLAR - 9),
    ]


def test_an_intent_bears_its_quotes_message():
    (intent,) = Desk().take(B, quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, ns=77))
    assert (int(intent["sequence"]), int(intent["feed_ns"])) == (77, 77)


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        pytest.param({"enabled": False}, [B, ABOVE], id="disabled"),
        pytest.param({"entry_deviation": AWAY + 1}, [B, ABOVE], id="not-far-enough"),
        pytest.param(
            {"stop_deviation": AWAY, "entry_deviation": AWAY - 1}, [B, ABOVE], id="at-the-stop"
        ),
        pytest.param({"min_edge": 2 * DOLLAR * (1 << 16)}, [B, ABOVE], id="edge"),
        pytest.param({"max_spread_a": 1}, [B, ABOVE], id="wide-a"),
        pytest.param({"max_spread_b": 1}, [B, ABOVE], id="wide-b"),
        pytest.param({"shares_a": 501}, [B, ABOVE], id="depth-a"),
        pytest.param({"shares_b": 501}, [B, ABOVE], id="depth-b"),
        pytest.param({"aggression_a": 51 * DOLLAR}, [B, ABOVE], id="sell-at-0"),
        pytest.param({}, [B], id="a-never-seen"),
        pytest.param({}, [ABOVE], id="b-never-seen"),
        pytest.param({}, [B, LEVEL], id="at-the-mean"),
        pytest.param({}, [quote(1, 50 * DOLLAR, 50 * DOLLAR), ABOVE], id="b-locked"),
        pytest.param({}, [B, quote(0, 51 * DOLLAR + 1, 51 * DOLLAR)], id="a-crossed"),
        pytest.param({}, [B, quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, status="H")], id="a-halted"),
        pytest.param(
            {}, [quote(1, 50 * DOLLAR, 50 * DOLLAR + 2, status="P"), ABOVE], id="b-paused"
        ),
        pytest.param({}, [B, quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, reasons=8)], id="a-untrusted"),
        pytest.param({}, [B, trust(), ABOVE], id="b-tainted"),
        pytest.param({}, [B, quote(0, 51 * DOLLAR, 0)], id="a-without-ask"),
        pytest.param({}, [quote(1, 0, 50 * DOLLAR), ABOVE], id="b-without-bid"),
    ],
)
def test_does_not_enter(changes, rows):
    pair = replace(PAIR, **changes)
    assert Desk(pair).kinds(*rows) == []


@pytest.mark.parametrize(
    ("changes", "rows", "kind"),
    [
        pytest.param({}, [B, ABOVE], "ENTER_SHORT", id="at-entry"),
        pytest.param(
            {"stop_deviation": AWAY + 1}, [B, ABOVE], "ENTER_SHORT", id="just-below-the-stop"
        ),
        pytest.param(
            {"min_edge": 2 * (DOLLAR - 2) * (1 << 16)}, [B, ABOVE], "ENTER_SHORT", id="edge-short"
        ),
        pytest.param(
            {"min_edge": 2 * (DOLLAR - 2) * (1 << 16)}, [B, BELOW], "ENTER_LONG", id="edge-long"
        ),
        pytest.param(
            {"max_spread_a": 2, "max_spread_b": 2}, [B, ABOVE], "ENTER_SHORT", id="narrow"
        ),
        pytest.param({"shares_a": 500, "shares_b": 500}, [B, ABOVE], "ENTER_SHORT", id="depth"),
        pytest.param({}, [B, trust(), B, ABOVE], "ENTER_SHORT", id="trust-comes-back-with-a-quote"),
        pytest.param({}, [ABOVE, B], "ENTER_SHORT", id="on-a-quote-of-b"),
        pytest.param(
            {"mean": 2 * DOLLAR << 16, "entry_deviation": 2 * AWAY},
            [B, quote(0, 53 * DOLLAR, 53 * DOLLAR + 2)],
            "ENTER_SHORT",
            id="mean",
        ),
        pytest.param(
            {"hedge": 1 << 15},
            [B, quote(0, 26 * DOLLAR + 1, 26 * DOLLAR + 3)],
            "ENTER_SHORT",
            id="hedge-of-a-half",
        ),
    ],
)
def test_enters(changes, rows, kind):
    assert Desk(replace(PAIR, **changes)).kinds(*rows) == [kind]


def test_ready_time_holds_a_refused_pair_back():
    desk = Desk()
    assert desk.kinds(B, quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, ns=10)) == ["ENTER_SHORT"]
    assert desk.kinds(quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, ns=5000)) == []  # pending
    desk.strategy.apply(outcome(refused=1))
    assert desk.kinds(quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, ns=1009)) == []
    assert desk.kinds(quote(0, 51 * DOLLAR, 51 * DOLLAR + 2, ns=1010)) == ["ENTER_SHORT"]
    assert desk.strategy.evaluations == 5


def holding(desk, a=-100, b=200, enter=(B, ABOVE)):
    """Let the pair enter and fill: bought shares are positive."""
    assert len(desk.take(*enter)) == 1
    for leg, filled in enumerate((a, b)):
        side = Side.BUY if filled > 0 else Side.SELL
        desk.strategy.apply(outcome(leg=leg, side=side, filled=abs(filled), done=1))
    return desk


LATER = 2000


def a_at(dollars, ns=LATER, **more):
    price = int(dollars * DOLLAR)
    return quote(0, price, price + 2, ns=ns, **more)


@pytest.mark.parametrize(
    ("held", "row", "kind"),
    [
        pytest.param((-100, 200), a_at(50.25), "EXIT", id="short-reverted"),
        pytest.param((-100, 200), a_at(50.26), None, id="short-not-yet"),
        pytest.param((-100, 200), a_at(49), "EXIT", id="short-beyond-the-mean"),
        pytest.param((-100, 200), a_at(53.99), None, id="short-before-the-stop"),
        pytest.param((-100, 200), a_at(54), "STOP", id="short-stopped"),
        pytest.param((-100, 200), a_at(44), "EXIT", id="far-on-the-good-side-is-no-stop"),
        pytest.param((100, -200), a_at(49.75), "EXIT", id="long-reverted"),
        pytest.param((100, -200), a_at(46), "STOP", id="long-stopped"),
        pytest.param((100, -200), a_at(51), "EXIT", id="long-beyond-the-mean"),
        pytest.param((-100, 0), a_at(51), "UNBALANCED", id="only-a"),
        pytest.param((0, 200), a_at(51), "UNBALANCED", id="only-b"),
        pytest.param((100, 200), a_at(51), "UNBALANCED", id="same-sign"),
        pytest.param((-100, 0), a_at(50), "UNBALANCED", id="unbalanced-before-reverted"),
        pytest.param((-100, 0), a_at(54), "STOP", id="stop-before-unbalanced"),
        pytest.param((-100, 200), a_at(50, status="H", reasons=1), "EXIT", id="gate-judges"),
        pytest.param((-100, 200), a_at(50, ns=999), None, id="not-ready"),
    ],
)
def test_exits(held, row, kind):
    desk = holding(Desk(), *held)
    assert desk.kinds(row) == ([kind] if kind else [])


def test_an_exit_closes_what_is_held():
    (intent,) = holding(Desk(), -70, 130).take(a_at(50))
    assert legs(intent) == [
        (0, Side.BUY, 70, 50 * DOLLAR + 2 + 7),
        (1, Side.SELL, 130, 50 * DOLLAR - 9),
    ]


def test_an_unbalanced_exit_has_one_leg_and_needs_one_price():
    desk = holding(Desk(), -70, 0)
    (intent,) = desk.take(quote(0, 0, 51 * DOLLAR, ns=LATER))
    assert legs(intent) == [(0, Side.BUY, 70, 51 * DOLLAR + 7)]
    assert IntentKind(int(intent["kind"])) == IntentKind.UNBALANCED
    desk = holding(Desk(), -70, 0)
    assert desk.kinds(quote(0, 51 * DOLLAR, 0, ns=LATER)) == []
    assert desk.kinds(a_at(51)) == ["UNBALANCED"]


def test_a_wish_that_is_not_made_does_not_stop_the_pair():
    pair = replace(PAIR, aggression_b=60 * DOLLAR)  # B cannot be sold, only bought
    desk = holding(Desk(pair))
    assert desk.kinds(a_at(54)) == []
    desk.strategy.apply(outcome(leg=1, side=Side.SELL, filled=200, done=1))
    assert desk.kinds(a_at(51)) == ["UNBALANCED"]
    desk.strategy.apply(outcome(leg=0, side=Side.BUY, filled=100, done=1))
    assert desk.kinds(a_at(51, ns=2 * LATER)) == ["ENTER_SHORT"]


def test_a_stopped_pair_enters_no_more():
    desk = holding(Desk())
    assert desk.kinds(a_at(54)) == ["STOP"]
    desk.strategy.apply(outcome(leg=0, side=Side.BUY, filled=100, done=1))
    assert desk.kinds(a_at(51, ns=9000)) == []  # leg B is still outstanding
    desk.strategy.apply(outcome(leg=1, side=Side.SELL, filled=200, done=1))
    assert desk.strategy.held.tolist() == [[0, 0]]
    assert desk.kinds(a_at(51, ns=9000)) == []


def test_a_refused_exit_holds_on():
    desk = holding(Desk())
    assert desk.kinds(a_at(50)) == ["EXIT"]
    desk.strategy.apply(outcome(refused=1))
    assert desk.kinds(a_at(50, ns=LATER + 999)) == []
    assert desk.kinds(a_at(50, ns=LATER + 1000)) == ["EXIT"]


def test_nothing_filled_is_flat_again():
    desk = Desk()
    assert desk.kinds(B, ABOVE) == ["ENTER_SHORT"]
    for leg in (0, 1):
        desk.strategy.apply(outcome(leg=leg, done=1))
    assert desk.kinds(a_at(51)) == ["ENTER_SHORT"]


def test_fills_before_the_last_are_kept():
    desk = Desk()
    desk.take(B, ABOVE)
    desk.strategy.apply(outcome(leg=0, side=Side.SELL, filled=30))
    desk.strategy.apply(outcome(leg=0, side=Side.SELL, filled=70, done=1))
    assert desk.kinds(a_at(50)) == []  # leg B may still fill
    desk.strategy.apply(outcome(leg=1, side=Side.BUY, filled=200, done=1))
    assert desk.strategy.held.tolist() == [[-100, 200]]


def test_pairs_of_a_symbol_go_by_index():
    other = replace(PAIR, name="other", symbol_a=1, symbol_b=0, aggression_a=1)
    far = replace(PAIR, name="far", symbol_b=2)
    desk = Desk(far, PAIR, other)
    intents = desk.take(B, ABOVE)
    assert [int(intent["pair"]) for intent in intents] == [1, 2]
    assert [int(intent["id"]) for intent in intents] == [1, 2]
    assert desk.strategy.evaluations == 2 + 3


def test_walking_stops_at_an_evaluation_or_a_publication():
    desk = Desk(PAIR, replace(PAIR, name="other"))
    published = np.concatenate([B, ABOVE, ABOVE])
    assert len(desk.strategy.walk(published, limit=3, most=9)) == 1
    assert desk.strategy.evaluations == 3
    assert len(desk.strategy.walk(published, stop=2, most=9)) == 1
    assert (desk.strategy.evaluations, desk.strategy.publication) == (4, 2)


class Reference:
    """The pair once more, with Python's integers."""

    def __init__(self, pair):
        self.pair, self.phase, self.held = pair, "flat", [0, 0]
        self.stopped, self.ready_ns, self.entering = False, 0, False

    def evaluate(self, a, b, ns):
        p = self.pair
        ha, hb = p.hedge * b["ask"], p.hedge * b["bid"]
        spread = ((a["bid"] + a["ask"]) << 16) - (ha + hb)
        d = max(-LIMIT, min(LIMIT, (spread - p.mean) >> 8))
        edge = {
            "short": (2 * a["bid"] << 16) - 2 * ha - p.mean,
            "long": p.mean - (2 * a["ask"] << 16) + 2 * hb,
        }
        priced = all(q[side] > 0 for q in (a, b) for side in ("bid", "ask"))
        sound = priced and all(
            q["bid"] < q["ask"] and q["reasons"] == 0 and q["status"] == ord("T") for q in (a, b)
        )
        narrow = a["ask"] - a["bid"] <= p.max_spread_a and b["ask"] - b["bid"] <= p.max_spread_b
        if ns < self.ready_ns or self.phase == "pending":
            return None
        wishes = []
        if self.phase == "flat":
            if not (p.enabled and not self.stopped and sound and narrow):
                return None
            if not p.entry_deviation <= abs(d) < p.stop_deviation:
                return None
            if d > 0 and edge["short"] >= p.min_edge:
                if a["bid_shares"] < p.shares_a or b["ask_shares"] < p.shares_b:
                    return None
                kind, wishes = "ENTER_SHORT", [(1, p.shares_a), (0, p.shares_b)]
            elif d < 0 and edge["long"] >= p.min_edge:
                if a["ask_shares"] < p.shares_a or b["bid_shares"] < p.shares_b:
                    return None
                kind, wishes = "ENTER_LONG", [(0, p.shares_a), (1, p.shares_b)]
            else:
                return None
        else:
            x, y = self.held
            if priced and abs(d) >= p.stop_deviation and (d > 0 > x or d < 0 < x):
                kind = "STOP"
            elif x == 0 or y == 0 or (x > 0) == (y > 0):
                kind = "UNBALANCED"
            elif priced and (
                abs(d) <= p.exit_deviation or (d <= 0 and x < 0) or (d >= 0 and x > 0)
            ):
                kind = "EXIT"
            else:
                return None
            wishes = [(int(held > 0), abs(held)) for held in self.held]
        legs = []
        for leg, ((side, shares), q) in enumerate(zip(wishes, (a, b), strict=True)):
            if not shares:
                continue
            aggression = (p.aggression_a, p.aggression_b)[leg]
            price = q["bid"] - aggression if side else q["ask"] + aggression
            if q["bid" if side else "ask"] == 0 or price <= 0:
                return None
            legs.append(((p.symbol_a, p.symbol_b)[leg], side, shares, price))
        self.phase, self.entering = "pending", kind.startswith("ENTER")
        self.ready_ns = ns + p.retry_ns
        self.stopped |= kind == "STOP"
        return kind, legs


def extreme_pair(rng):
    exit_, entry, stop = sorted(
        rng.choice((rng.randrange(LIMIT), rng.randrange(1 << 12))) for _ in range(3)
    )
    return replace(
        PAIR,
        hedge=rng.choice((1, 1 << 16, (1 << 23) - 1, rng.randrange(1, 1 << 23))),
        mean=rng.choice((0, (1 << 47) - 1, -(1 << 47), rng.randrange(-(1 << 40), 1 << 40))),
        exit_deviation=exit_,
        entry_deviation=entry,
        stop_deviation=max(stop, entry + 1),
        min_edge=rng.choice((-(1 << 47), rng.randrange(-(1 << 40), 1 << 40))),
        max_spread_a=(1 << 32) - 1,
        max_spread_b=(1 << 32) - 1,
        aggression_a=rng.choice((0, 100, (1 << 24) - 1)),
        retry_ns=rng.choice((0, 3)),
    )


def moderate_pair(rng):
    return replace(
        PAIR,
        mean=rng.randrange(-3, 3) * UNIT,
        entry_deviation=rng.randrange(4, 12) * 512,
        exit_deviation=0,
        stop_deviation=rng.randrange(12, 22) * 512,
        min_edge=rng.randrange(-20, 20) * UNIT,
        max_spread_a=rng.randrange(1, 30),
        aggression_a=rng.randrange(3),
        retry_ns=rng.randrange(5),
    )


def moderate_prices(rng, pair, symbol):
    return sorted((rng.randrange(1000, 1020), rng.randrange(1000, 1020)))


def extreme_prices(rng, pair, symbol):
    """Choose prices over all 32 bits, at times near where the spread is at its mean."""
    top = (1 << 32) - 1
    worth = random.Random(pair.hedge).randrange(top >> rng.choice((0, 0, 9)))
    if symbol == 0:
        worth = (2 * worth * pair.hedge + pair.mean) >> 17
    reach = rng.choice((0, 2, 1 << 9, 1 << 12, 1 << 24, 1 << 33))
    prices = [min(max(worth + rng.randint(-reach, reach), 0), top) for _ in range(2)]
    return sorted(prices)


def compare_with_the_reference(seed, pair_of, prices_of):
    """Feed random quotes to both; return the kinds of the intents that came."""
    rng = random.Random(seed)
    pair = pair_of(rng)
    desk, reference, seen = Desk(pair), Reference(pair), []
    newest = [dict.fromkeys(("bid", "ask", "bid_shares", "ask_shares", "status", "reasons"), 0)] * 2
    for ns in range(400):
        symbol = rng.randrange(2)
        bid, ask = prices_of(rng, pair, symbol)
        row = quote(
            symbol,
            bid if rng.random() > 0.03 else 0,
            ask if rng.random() > 0.03 else 0,
            bid_shares=rng.choice((99, 500)),
            ask_shares=rng.choice((99, 500, 500)),
            status=rng.choice("TTTTTTTH"),
            reasons=rng.choice((0, 0, 0, 0, 0, 0, 1)),
            ns=ns,
        )
        newest[symbol] = {name: int(row[name][0]) for name in newest[0]}
        expected = reference.evaluate(*newest, ns)
        found = [(IntentKind(int(intent["kind"])).name, legs(intent)) for intent in desk.take(row)]
        assert found == ([expected] if expected else [])
        seen += found
        if reference.phase == "pending" and rng.random() < 0.7:
            if rng.random() < 0.3:
                desk.strategy.apply(outcome(refused=1))
                reference.phase = "flat" if reference.entering else "holding"
                continue
            for leg, side, shares, _ in seen[-1][1]:
                filled = rng.choice((0, shares // 2, shares))
                desk.strategy.apply(outcome(leg=leg, side=side, filled=filled, done=1))
                reference.held[leg] += -filled if side else filled
            reference.phase = "holding" if any(reference.held) else "flat"
        assert desk.strategy.held.tolist() == [reference.held]
    return {kind for kind, _ in seen}


@pytest.mark.parametrize(
    ("pair_of", "prices_of"),
    [
        pytest.param(extreme_pair, extreme_prices, id="extreme"),
        pytest.param(moderate_pair, moderate_prices, id="moderate"),
    ],
)
def test_decisions_equal_the_reference(pair_of, prices_of):
    seen = [compare_with_the_reference(seed, pair_of, prices_of) for seed in range(40)]
    assert set().union(*seen) == {kind.name for kind in IntentKind}
