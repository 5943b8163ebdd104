"""The oracle of the pairs does what section 6 says, by cases worked out by hand.

Unless a case says otherwise A is quoted 1000 to 1002, B 990 to 992, and the hedge is 1. Then, in
units of 2^16: s = (1000 + 1002) - (992 + 990) = 20, edge_short = 2*1000 - 2*992 = 16 and
edge_long = -2*1002 + 2*990 = -24. In units of 2^8: d = 20.
"""

from dataclasses import replace

import pytest
from oracle import desk
from oracle.book import Quote
from oracle.pairs import Leg, Outcome, Strategy

from tickwright.host.records import IntentKind
from tickwright.host.setup import CardSetup, PairSetup, SymbolSetup

A, B = 0, 1
BUY, SELL = 0, 1
T, HALTED = ord("T"), ord("H")
ONE = 1 << 16
GAP = 1

PAIR = replace(desk.PAIR, entry_deviation=20 << 8, min_edge=16 * ONE)
SYMBOLS = (SymbolSetup(name="A"), SymbolSetup(name="B"), SymbolSetup(name="C"))


def a(bid=1000, ask=1002, *, bid_shares=100, ask_shares=100, status=T, reasons=0, at=5_000):
    return Quote(1, at, A, bid, bid_shares, ask, ask_shares, status, reasons)


def b(bid=990, ask=992, *, bid_shares=200, ask_shares=200, status=T, reasons=0, at=5_000):
    return Quote(2, at, B, bid, bid_shares, ask, ask_shares, status, reasons)


def strategy(*pairs: PairSetup, epoch: int = 0) -> Strategy:
    return Strategy(CardSetup(window=16, symbols=SYMBOLS, pairs=pairs or (PAIR,), epoch=epoch))


def decide(found: Strategy, *quotes: Quote, pair: int = 0):
    """Show quotes and evaluate the pair on the last one."""
    for quote in quotes:
        found.quote(quote)
    return found.evaluate(pair, quotes[-1].sequence, quotes[-1].feed_ns)


def held(shares_a: int, shares_b: int, **changes: int) -> Strategy:
    """Return a strategy whose pair holds this."""
    found = strategy(replace(PAIR, **changes))
    state = found.pairs[0]
    state.phase, state.held = "holding", [shares_a, shares_b]
    return found


def test_the_measures_of_the_example():
    found = strategy()
    found.quote(a())
    found.quote(b())
    measures = found.measure(0)
    assert measures.d == 5120
    assert (measures.edge_short, measures.edge_long) == (16 * ONE, -24 * ONE)
    assert measures.priced
    assert measures.sound
    assert measures.narrow


def test_the_hedge_multiplies_b():
    # hedge 1.5: ha = 1488, hb = 1485, s = 2002 - 2973 = -971; mean -1000: 29.
    # edge_short = 2000 - 2976 + 1000 = 24; edge_long = -1000 - 2004 + 2970 = -34.
    found = strategy(replace(PAIR, hedge=3 * ONE // 2, mean=-1000 * ONE))
    found.quote(a())
    found.quote(b())
    measures = found.measure(0)
    assert (measures.d, measures.edge_short, measures.edge_long) == (
        29 << 8,
        24 * ONE,
        -34 * ONE,
    )


@pytest.mark.parametrize(
    ("above", "d"), [(0, 0), (255, 0), (256, 1), (-1, -1), (-256, -1), (-257, -2)]
)
def test_a_deviation_is_rounded_towards_minus_infinity(above, d):
    found = strategy(replace(PAIR, mean=20 * ONE - above))
    found.quote(a())
    found.quote(b())
    assert found.measure(0).d == d


@pytest.mark.parametrize(("mean", "d"), [(-(1 << 47), (1 << 31) - 1), (1 << 46, -((1 << 31) - 1))])
def test_a_deviation_is_clamped(mean, d):
    found = strategy(replace(PAIR, mean=mean))
    found.quote(a())
    found.quote(b())
    assert found.measure(0).d == d


def test_it_enters_short():
    found = strategy(epoch=9)
    intent = decide(found, a(), b())
    assert intent == (
        1,
        0,
        IntentKind.ENTER_SHORT,
        9,
        2,
        5_000,
        (Leg(1, A, SELL, 100, 997), Leg(1, B, BUY, 200, 996)),
    )
    state = found.pairs[0]
    assert (state.phase, state.ready_ns, state.outstanding) == ("pending", 6_000, {0, 1})


# A at 960 to 962: s = 1922 - 1982 = -60, edge_long = -1924 + 1980 = 56.
CHEAP = {"bid": 960, "ask": 962}


def test_it_enters_long():
    intent = decide(strategy(), a(**CHEAP), b())
    assert intent.kind == IntentKind.ENTER_LONG
    assert intent.legs == (Leg(1, A, BUY, 100, 965), Leg(1, B, SELL, 200, 986))


# What is changed, and whether it still enters.
SHORT_CASES = {
    "entry-not-reached": ({"entry_deviation": (20 << 8) + 1}, {}, {}, False),
    "at-the-stop": ({"entry_deviation": 1 << 9, "stop_deviation": 20 << 8}, {}, {}, False),
    "below-the-stop": ({"stop_deviation": (20 << 8) + 1}, {}, {}, True),
    "edge-too-small": ({"min_edge": 16 * ONE + 1}, {}, {}, False),
    "disabled": ({"enabled": False}, {}, {}, False),
    "a-has-too-few-bid": ({}, {"bid_shares": 99}, {}, False),
    "b-has-too-few-asked": ({}, {}, {"ask_shares": 199}, False),
    "the-other-sides-do-not-matter": ({}, {"ask_shares": 1}, {"bid_shares": 1}, True),
    "a-too-wide": ({"max_spread_a": 1}, {}, {}, False),
    "b-too-wide": ({"max_spread_b": 1}, {}, {}, False),
    "a-not-trading": ({}, {"status": HALTED}, {}, False),
    "b-not-trading": ({}, {}, {"status": 0}, False),
    "a-not-trusted": ({}, {"reasons": GAP}, {}, False),
    "b-not-trusted": ({}, {}, {"reasons": GAP}, False),
    # bid 1002: s = 22, edge 20: everything but the lock would let it enter.
    "a-locked": ({"max_spread_a": 9}, {"bid": 1002}, {}, False),
    # B at 990 bid and asked: s = 2002 - 1980 = 22, edge 20.
    "b-locked": ({}, {}, {"ask": 990}, False),
    "a-without-bid": ({}, {"bid": 0}, {}, False),
    # without an ask d is 1000 - 1982 = -982, beyond the stop; so with a far stop and a low edge
    "a-without-ask": ({"stop_deviation": 1 << 30, "min_edge": -(1 << 40)}, {"ask": 0}, {}, False),
    "b-without-bid": ({"stop_deviation": 1 << 30, "max_spread_b": 5_000}, {}, {"bid": 0}, False),
    "b-without-ask": ({"stop_deviation": 1 << 30}, {}, {"ask": 0}, False),
}


@pytest.mark.parametrize(("pair", "of_a", "of_b", "enters"), SHORT_CASES.values(), ids=SHORT_CASES)
def test_what_an_entry_short_needs(pair, of_a, of_b, enters):
    intent = decide(strategy(replace(PAIR, **pair)), a(**of_a), b(**of_b))
    assert (intent is not None) == enters


LONG_CASES = {
    "entry-not-reached": ({"entry_deviation": (60 << 8) + 1}, {}, {}, False),
    "at-the-stop": ({"stop_deviation": 60 << 8}, {}, {}, False),
    "edge-reached": ({"min_edge": 56 * ONE}, {}, {}, True),
    "edge-too-small": ({"min_edge": 56 * ONE + 1}, {}, {}, False),
    "a-has-too-few-asked": ({}, {"ask_shares": 99}, {}, False),
    "b-has-too-few-bid": ({}, {}, {"bid_shares": 199}, False),
    "the-other-sides-do-not-matter": ({}, {"bid_shares": 1}, {"ask_shares": 1}, True),
}


@pytest.mark.parametrize(("pair", "of_a", "of_b", "enters"), LONG_CASES.values(), ids=LONG_CASES)
def test_what_an_entry_long_needs(pair, of_a, of_b, enters):
    intent = decide(strategy(replace(PAIR, **pair)), a(**CHEAP, **of_a), b(**of_b))
    assert (intent is not None) == enters
    if intent is not None:
        assert intent.kind == IntentKind.ENTER_LONG


def test_the_time_to_retry_is_that_of_the_quote_evaluated():
    found = strategy()
    found.pairs[0].ready_ns = 5_001
    assert decide(found, a(at=9_000), b(at=5_000)) is None
    assert decide(found, b(at=5_001)) is not None


def test_nothing_enters_while_pending_or_stopped():
    found = strategy()
    assert decide(found, a(), b()) is not None
    assert decide(found, b(at=10_000)) is None
    found = strategy()
    found.pairs[0].stopped = True
    assert decide(found, a(), b()) is None


def test_every_evaluation_counts():
    found = strategy(replace(PAIR, enabled=False))
    decide(found, a(), b())
    decide(found, b())
    assert found.evaluations == 2


def test_pairs_are_listed_by_both_symbols_in_order():
    found = strategy(
        PAIR,
        replace(PAIR, name="c-a", symbol_a=2, symbol_b=A),
        replace(PAIR, name="b-c", symbol_a=B, symbol_b=2),
    )
    assert [found.listing(symbol) for symbol in (A, B, 2)] == [[0, 1], [0, 2], [1, 2]]


def test_a_trust_record_holds_until_the_next_quote():
    found = strategy()
    found.quote(a())
    found.trust(GAP)
    assert decide(found, b()) is None
    assert decide(found, a()) is not None


# Exits. Held -100 A and +200 B; the legs buy 100 A at 1005 and sell 200 B at 986.

BACK = (Leg(1, A, BUY, 100, 1005), Leg(1, B, SELL, 200, 986))

EXIT_CASES = {
    # mean 18: d is 2 (in units of 2^8), exit_deviation is 2
    "reverted": ((-100, 200), {"mean": 18 * ONE}, IntentKind.EXIT),
    "not-yet": ((-100, 200), {"mean": 18 * ONE - 1, "exit_deviation": (2 << 8) - 1}, None),
    # mean 50: d is -30, far beyond the mean on the other side
    "beyond-the-mean": ((-100, 200), {"mean": 50 * ONE}, IntentKind.EXIT),
    # held long the same d is away from the mean, and not as far as the stop
    "long-away": ((100, -200), {"mean": 50 * ONE}, None),
    "long-beyond-the-mean": ((100, -200), {}, IntentKind.EXIT),
    "at-the-stop": (
        (-100, 200),
        {"stop_deviation": 20 << 8, "entry_deviation": 1 << 10},
        IntentKind.STOP,
    ),
    "before-the-stop": ((-100, 200), {"stop_deviation": (20 << 8) + 1}, None),
    # mean 200: d is -180
    "long-at-the-stop": ((100, -200), {"mean": 200 * ONE}, IntentKind.STOP),
    # stop on the winning side is an exit
    "far-on-the-good-side": ((-100, 200), {"mean": 200 * ONE}, IntentKind.EXIT),
    "both-short": ((-100, -200), {}, IntentKind.UNBALANCED),
    "both-long": ((100, 200), {"mean": 50 * ONE}, IntentKind.UNBALANCED),
    "b-alone": ((0, 200), {}, IntentKind.UNBALANCED),
    "a-alone": ((-100, 0), {}, IntentKind.UNBALANCED),
    "stop-before-unbalanced": ((-100, 0), {"mean": -200 * ONE}, IntentKind.STOP),
    # no stop with held_a = 0, wherever d is
    "b-alone-far-away": ((0, 200), {"mean": -200 * ONE}, IntentKind.UNBALANCED),
    "disabled-exits": ((-100, 200), {"mean": 18 * ONE, "enabled": False}, IntentKind.EXIT),
}


@pytest.mark.parametrize(("shares", "pair", "kind"), EXIT_CASES.values(), ids=EXIT_CASES)
def test_when_it_exits(shares, pair, kind):
    found = held(*shares, **pair)
    intent = decide(found, a(), b())
    assert (intent and intent.kind) == kind
    assert found.pairs[0].stopped == (kind == IntentKind.STOP)


def test_an_exit_takes_back_what_is_held():
    assert decide(held(-100, 200, mean=18 * ONE), a(), b()).legs == BACK
    assert decide(held(0, 200), a(), b()).legs == (Leg(), BACK[1])
    assert decide(held(-7, 0), a(), b()).legs == (Leg(1, A, BUY, 7, 1005), Leg())


def test_an_exit_asks_neither_for_trust_nor_status_nor_depth():
    found = held(-100, 200, mean=18 * ONE)
    intent = decide(found, a(status=HALTED, ask_shares=0, reasons=GAP), b(reasons=GAP))
    assert intent.kind == IntentKind.EXIT


def test_an_exit_waits_for_its_time():
    found = held(-100, 200, mean=18 * ONE)
    found.pairs[0].ready_ns = 5_001
    assert decide(found, a(), b()) is None
    assert decide(found, b(at=5_001)) is not None


def test_without_prices_only_what_is_unbalanced_leaves():
    # B has no ask: nothing can be measured. Selling B needs its bid alone.
    assert decide(held(-100, 200, mean=18 * ONE), a(), b(ask=0)) is None
    assert decide(held(0, 200), a(), b(ask=0)).legs == (Leg(), BACK[1])


def test_a_wish_without_its_price_changes_nothing():
    # Unbalanced in A alone, to be bought: no ask.
    found = held(-100, 0)
    assert decide(found, a(ask=0), b()) is None
    state = found.pairs[0]
    assert (state.phase, state.ready_ns, state.stopped, found.intents) == ("holding", 0, False, [])


@pytest.mark.parametrize(("aggression", "made"), [(989, True), (990, False), (991, False)])
def test_a_sale_needs_a_price_above_nothing(aggression, made):
    # The stop would be reached: mean -200; B sells at 990 less the aggression.
    found = held(-100, 200, mean=-200 * ONE, aggression_b=aggression)
    intent = decide(found, a(), b())
    assert (intent is not None) == made
    assert found.pairs[0].stopped == made
    if made:
        assert intent.legs[1].price == 1


# Outcomes.


def entered() -> Strategy:
    found = strategy()
    decide(found, a(), b())
    return found


def test_a_refused_entry_is_flat_and_a_refused_exit_holds():
    found = entered()
    found.apply(Outcome(0, 1))
    assert (found.pairs[0].phase, found.pairs[0].outstanding) == ("flat", set())
    found = held(-100, 200, mean=18 * ONE)
    decide(found, a(), b())
    found.apply(Outcome(0, 1))
    assert (found.pairs[0].phase, found.pairs[0].held) == ("holding", [-100, 200])


def test_legs_are_booked_as_they_fill():
    found = entered()
    state = found.pairs[0]
    found.apply(Outcome(0, 0, 0, SELL, 60, 0))
    found.apply(Outcome(0, 0, 0, SELL, 40, 1))
    assert (state.phase, state.held, state.outstanding) == ("pending", [-100, 0], {1})
    found.apply(Outcome(0, 0, 1, BUY, 200, 1))
    assert (state.phase, state.held) == ("holding", [-100, 200])


def test_nothing_filled_is_flat_and_may_try_again():
    found = entered()
    found.apply(Outcome(0, 0, 0, SELL, 0, 1))
    found.apply(Outcome(0, 0, 1, BUY, 0, 1))
    assert found.pairs[0].phase == "flat"
    assert decide(found, b(at=5_999)) is None
    assert decide(found, b(at=6_000)).id == 2


def test_one_leg_alone_is_held():
    found = entered()
    found.apply(Outcome(0, 0, 1, BUY, 50, 1))
    found.apply(Outcome(0, 0, 0, SELL, 0, 1))
    assert (found.pairs[0].phase, found.pairs[0].held) == ("holding", [0, 50])
    intent = decide(found, b(at=6_000))
    assert (intent.kind, intent.legs[1].shares) == (IntentKind.UNBALANCED, 50)
    found.apply(Outcome(0, 0, 1, SELL, 50, 1))  # the only leg of that intent
    assert (found.pairs[0].phase, found.pairs[0].held) == ("flat", [0, 0])


def test_a_stop_stays():
    found = held(-100, 200, mean=-200 * ONE)
    assert decide(found, a(), b()).kind == IntentKind.STOP
    found.apply(Outcome(0, 0, 0, BUY, 100, 1))
    found.apply(Outcome(0, 0, 1, SELL, 200, 1))
    assert (found.pairs[0].phase, found.pairs[0].stopped) == ("flat", True)
