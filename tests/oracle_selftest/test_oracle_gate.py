"""The oracle of the gate does what section 8 says, by cases worked out by hand.

A is quoted 1000 to 1002, B 990 to 992. The intent of most cases sells 100 A at 997 and buys 200 B
at 996: notionals 99,700 and 199,200.
"""

from dataclasses import replace

import pytest
from oracle.book import OracleError, Quote
from oracle.desk import desk, watched
from oracle.gate import Gate, Order, Response, Verdict, check
from oracle.pairs import Intent, Leg, Outcome

from tickwright.host.records import GateState, ResponseKind
from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.risk.checks import CHECKS

A, B = 0, 1
BUY, SELL = 0, 1
T = ord("T")
SELL_A, BUY_B = Leg(1, A, SELL, 100, 997), Leg(1, B, BUY, 200, 996)


def gate(*, of_a=None, of_b=None, everywhere=None, slots=8, quotes=()) -> Gate:
    limits = {"max_position": 300}
    symbols = watched("A", **limits | (of_a or {})), watched("B", **limits | (of_b or {}))
    found = Gate(replace(desk(*symbols, gate=everywhere), slots=slots))
    for quote in quotes or (quoted(A), quoted(B)):
        found.quote(quote)
    return found


def quoted(symbol: int, **changes: int) -> Quote:
    bid = 1000 if symbol == A else 990
    return Quote(7, 70, symbol, bid, 10, bid + 2, 10, T, 0)._replace(**changes)


def intent(*legs: Leg, number: int = 1) -> Intent:
    legs = legs or (SELL_A, BUY_B)
    return Intent(number, 4, 0, 0, 7, 70, (*legs, *[Leg()] * (2 - len(legs))))


def judged(found: Gate, *legs: Leg, feed_ok: int = 1, session_ok: int = 1) -> Verdict:
    return found.judge(intent(*legs), feed_ok=feed_ok, session_ok=session_ok)


def names(verdict: Verdict) -> set[str]:
    return {name for number, name in enumerate(CHECKS) if verdict.checks >> number & 1}


def test_what_passes_leaves_as_orders():
    found = gate(everywhere={"first_user_ref": 30})
    assert judged(found) == (1, 1, 0, 2, 0, GateState.ARMED, 1, 1)
    assert found.orders == [
        Order(30, 1, 0, A, SELL, 1, 100, 997, 7, 70),
        Order(31, 1, 1, B, BUY, 0, 200, 996, 7, 70),
    ]
    assert (found.worst_short, found.worst_long) == ([100, 0], [0, 200])
    assert (found.position, found.next_ref) == ([0, 0], 32)


# What is changed of gate and legs, and the one check that fails.
FAILS = {
    "killed": ({"everywhere": {"state": "killed"}}, (), "killed"),
    "close-only-buys": ({"everywhere": {"state": "close_only"}}, (BUY_B,), "close_only"),
    "close-only-sells": ({"everywhere": {"state": "close_only"}}, (SELL_A,), "close_only"),
    "close-only-beyond-what-is-held": (
        {"everywhere": {"state": "close_only"}, "of_a": {"position": 99}},
        (SELL_A,),
        "close_only",
    ),
    "untrusted": ({"quotes": (quoted(A, reasons=8), quoted(B))}, (), "trust"),
    "halted": ({"quotes": (quoted(A), quoted(B, status=ord("H")))}, (), "halted"),
    "no-status": ({"quotes": (quoted(A, status=0), quoted(B))}, (), "halted"),
    "shares-of-the-symbol": ({"of_b": {"max_shares": 199}}, (), "shares"),
    "shares-of-all": ({"everywhere": {"max_shares": 199}}, (), "shares"),
    "no-shares": ({}, (SELL_A._replace(shares=0),), "shares"),
    "notional-of-the-symbol": ({"of_b": {"max_notional": 199_199}}, (), "notional"),
    "notional-of-all": ({"everywhere": {"max_notional": 199_199}}, (), "notional"),
    "collar-buys": ({}, (BUY_B._replace(price=1003),), "collar"),
    "collar-sells": ({}, (SELL_A._replace(price=989),), "collar"),
    "no-ask": ({"quotes": (quoted(A), quoted(B, ask=0))}, (), "collar"),
    "no-bid": ({"quotes": (quoted(A, bid=0), quoted(B))}, (), "collar"),
    "position-long": ({"of_b": {"position": 101}}, (), "position"),
    "position-short": ({"of_a": {"position": -201}}, (), "position"),
}


@pytest.mark.parametrize(("changes", "legs", "failed"), FAILS.values(), ids=FAILS)
def test_one_check_fails_by_itself(changes, legs, failed):
    found = gate(**changes)
    verdict = judged(found, *legs)
    assert (verdict.passed, names(verdict)) == (0, {failed})
    assert found.orders == []
    assert found.open == {}


BARELY = {
    "close-only-sells-what-is-held": (
        {"everywhere": {"state": "close_only"}, "of_a": {"position": 100, "max_position": 0}},
        (SELL_A,),
    ),
    "close-only-buys-what-is-short": (
        {"everywhere": {"state": "close_only"}, "of_b": {"position": -200, "max_position": 0}},
        (BUY_B,),
    ),
    "shares": ({"of_b": {"max_shares": 200}, "everywhere": {"max_shares": 200}}, ()),
    "notional": ({"of_b": {"max_notional": 199_200}, "everywhere": {"max_notional": 199_200}}, ()),
    "collar-buys": ({}, (BUY_B._replace(price=1002),)),
    "collar-sells": ({}, (SELL_A._replace(price=990),)),
    "position": ({"of_a": {"position": -200}, "of_b": {"position": 100}}, ()),
}


@pytest.mark.parametrize(("changes", "legs"), BARELY.values(), ids=BARELY)
def test_a_limit_itself_is_allowed(changes, legs):
    assert judged(gate(**changes), *legs).passed == 1


@pytest.mark.parametrize(
    ("shares", "fails"), [(999_999, set()), (1_000_000, {"shares"}), (1_000_001, {"shares"})]
)
def test_a_million_shares_are_too_many(shares, fails):
    wide = {"max_shares": 1 << 31, "max_notional": 1 << 60, "max_position": 1 << 30}
    found = gate(of_a=wide, everywhere={"max_shares": 1 << 31, "max_notional": 1 << 60})
    assert names(judged(found, SELL_A._replace(shares=shares))) == fails


@pytest.mark.parametrize(
    ("price", "fails"), [(0, {"price"}), (1_999_999_900, set()), (1_999_999_901, {"price"})]
)
def test_a_price_the_venue_would_not_take(price, fails):
    wide = {"collar": (1 << 32) - 1, "max_notional": 1 << 60}
    found = gate(of_b=wide, everywhere={"max_notional": 1 << 60})
    assert names(judged(found, BUY_B._replace(price=price))) == fails


def test_feed_and_session():
    assert names(judged(gate(), feed_ok=0)) == {"feed"}
    assert names(judged(gate(), session_ok=0)) == {"session"}


def test_both_legs_pass_or_none_and_all_checks_are_named():
    found = gate(of_b={"max_shares": 0, "max_position": 0})
    verdict = judged(found)
    assert names(verdict) == {"shares", "position"}
    assert found.worst_short == [0, 0]


def test_limits_of_zero_refuse():
    zero = {"max_shares": 0, "max_notional": 0, "max_position": 0, "collar": 0}
    found = gate(of_a=zero, everywhere={"max_shares": 0, "max_notional": 0, "state": "killed"})
    # 997 is below the bid of 1000 by more than no collar.
    assert names(judged(found, SELL_A)) == {"killed", "shares", "notional", "position", "collar"}


def test_a_trust_record_is_newer_than_the_quote_before_it():
    found = gate()
    found.trust(1)
    verdict = judged(found)
    assert (names(verdict), verdict.quotes_seen) == ({"trust"}, 3)
    found.quote(quoted(A))
    found.quote(quoted(B))
    assert judged(found).passed == 1


def test_a_symbol_never_quoted_is_halted_and_without_a_price():
    found = gate(quotes=(quoted(A),))
    assert names(judged(found)) == {"halted", "collar"}


# The ledger.


def test_open_orders_count_as_if_they_all_traded():
    found = gate()
    assert judged(found, BUY_B).passed  # worst_long 200
    assert names(judged(found, BUY_B)) == {"position"}  # 400 > 300
    assert judged(found, BUY_B._replace(shares=100)).passed  # 300


def test_a_sale_is_short_when_not_all_of_it_is_held():
    # 250 held: worst_short -250. Sales of 100, 150 are covered, one share more is not.
    found = gate(of_a={"position": 250, "max_position": 1_000})
    for shares in (100, 150, 1):
        assert judged(found, SELL_A._replace(shares=shares)).passed
    assert [order.short for order in found.orders] == [0, 0, 1]


def sent() -> Gate:
    """Return a gate with order 1 (100 A sold) and order 2 (200 B bought) open."""
    found = gate()
    judged(found)
    return found


def ledger(found: Gate) -> list[tuple[int, int, int]]:
    return list(zip(found.position, found.worst_long, found.worst_short, strict=True))


def test_responses_move_the_ledger():
    found = sent()
    assert ledger(found) == [(0, 0, 100), (0, 200, 0)]
    assert found.respond(Response(ResponseKind.ACCEPTED, 1)) is None
    assert found.respond(Response(ResponseKind.EXECUTED, 1, 60)) == Outcome(4, 0, 0, SELL, 60, 0)
    assert ledger(found)[A] == (-60, -60, 100)
    assert found.respond(Response(ResponseKind.CANCELED, 1, 30)) == Outcome(4, 0, 0, SELL, 0, 0)
    assert ledger(found)[A] == (-60, -60, 70)
    assert found.respond(Response(ResponseKind.EXECUTED, 1, 10)) == Outcome(4, 0, 0, SELL, 10, 1)
    assert ledger(found)[A] == (-70, -70, 70)
    assert found.respond(Response(ResponseKind.EXECUTED, 2, 150)) == Outcome(4, 0, 1, BUY, 150, 0)
    assert ledger(found)[B] == (150, 200, -150)
    assert found.respond(Response(ResponseKind.CANCELED, 2, 50)) == Outcome(4, 0, 1, BUY, 0, 1)
    assert ledger(found)[B] == (150, 150, -150)
    assert (found.open, found.fault, found.responses_applied) == ({}, False, 6)


@pytest.mark.parametrize("kind", [ResponseKind.REJECTED, ResponseKind.DEAD])
def test_the_rest_of_an_order_may_end_at_once(kind):
    found = sent()
    assert found.respond(Response(kind, 2)) == Outcome(4, 0, 1, BUY, 0, 1)
    assert found.respond(Response(kind, 1)) == Outcome(4, 0, 0, SELL, 0, 1)
    assert ledger(found) == [(0, 0, 0), (0, 0, 0)]
    assert found.open == {}


FAULTS = {
    "executed-beyond": Response(ResponseKind.EXECUTED, 1, 101),
    "canceled-beyond": Response(ResponseKind.CANCELED, 1, 101),
    "unknown": Response(ResponseKind.ACCEPTED, 3),
    "same-slot": Response(ResponseKind.EXECUTED, 9, 1),  # 8 slots
    "not-handled": Response(ResponseKind.UNHANDLED, 1),
}


@pytest.mark.parametrize("response", FAULTS.values(), ids=FAULTS)
def test_what_does_not_fit_kills_for_good(response):
    found = sent()
    before = ledger(found)
    assert found.respond(response) is None
    assert (found.fault, found.state, found.responses_applied) == (True, GateState.KILLED, 1)
    assert ledger(found) == before
    assert names(judged(found, SELL_A)) == {"killed", "ledger"}
    assert not found.arm(GateState.ARMED)


def test_no_judgement_but_killed_behind_a_fault():
    found = sent()
    found.respond(Response(ResponseKind.EXECUTED, 9, 1))
    found.state = GateState.ARMED
    with pytest.raises(OracleError):
        judged(found)


def test_a_done_order_is_unknown():
    found = sent()
    found.respond(Response(ResponseKind.EXECUTED, 1, 100))
    found.respond(Response(ResponseKind.ACCEPTED, 1))
    assert found.fault


def test_slots_run_out_and_come_back():
    # Two slots: both are taken. Order 3 would have slot 1 again, which order 1 holds.
    wide = {"max_position": 10_000}
    found = gate(slots=2, of_a=wide, of_b=wide)
    assert judged(found).passed
    assert names(judged(found, SELL_A)) == {"slots"}
    found.respond(Response(ResponseKind.EXECUTED, 2, 200))
    assert names(judged(found, SELL_A)) == {"slots"}  # slot 0 is free, but not its own
    found.respond(Response(ResponseKind.EXECUTED, 1, 100))
    assert judged(found).passed
    assert [order.user_ref for order in found.orders] == [1, 2, 3, 4]


def test_two_legs_need_two_slots():
    assert names(judged(gate(slots=1))) == {"slots"}
    assert judged(gate(slots=1), SELL_A).passed
    # The only leg is leg 1: it takes the next reference all the same.
    found = gate(slots=1)
    assert judged(found, Leg(), BUY_B).passed
    assert found.orders[0][:3] == (1, 1, 1)


# The host.


def test_a_set_that_loosens_a_limit_is_refused_whole_while_not_killed():
    found = gate()
    as_loaded = found.limits
    assert (found.max_shares, found.state) == (400, GateState.ARMED)
    higher = [as_loaded[0], replace(as_loaded[1], collar=as_loaded[1].collar + 1)]
    for rows, max_shares in ((higher, 300), (as_loaded, 401)):
        assert not found.commit(rows, max_shares, 100)
        assert (found.max_shares, found.limits) == (400, as_loaded)
    assert found.commit([replace(as_loaded[0], max_position=1), as_loaded[1]], 400, 100)
    assert (found.max_notional, found.limits[0].max_position) == (100, 1)
    found.kill()
    assert found.commit(higher, 500, 1_000)
    assert (found.max_shares, found.max_notional, found.limits) == (500, 1_000, higher)


def test_close_only_lowers_armed_and_raises_nothing():
    found = gate()
    found.close_only()
    assert found.state == GateState.CLOSE_ONLY
    found.close_only()
    assert found.state == GateState.CLOSE_ONLY
    found.kill()
    found.close_only()
    assert found.state == GateState.KILLED


def test_what_arming_needs():
    found = gate(everywhere={"state": "killed"})
    assert not found.arm(GateState.ARMED, tables_ready=False)
    assert not found.arm(GateState.ARMED, confirmed=False)
    assert not found.arm(GateState.ARMED, watched=False)
    assert not found.arm(GateState.ARMED, committing=True)
    assert found.arm(GateState.CLOSE_ONLY)
    assert not found.arm(GateState.ARMED)  # only from killed
    found = sent()
    found.kill()
    assert not found.arm(GateState.ARMED)  # orders are open


def test_nothing_is_armed_before_the_first_set():
    card = CardSetup(window=16, symbols=(SymbolSetup(name="A"),), slots=4)
    found = Gate(card, committed=False)
    assert not found.arm(GateState.ARMED)
    assert found.commit(found.limits, 0, 0)
    assert found.arm(GateState.ARMED)


def test_the_start_is_killed_with_what_is_held():
    card = CardSetup(window=16, symbols=(SymbolSetup(name="A", position=-7),))
    found = Gate(replace(card, slots=4))
    assert (found.state, ledger(found)) == (GateState.KILLED, [(-7, -7, 7)])
    assert check("killed", "ledger") == 1 | 1 << 12
