"""The model's gate refuses what the specification says, and its ledger keeps count."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tickwright.host.records import INTENT, RESPONSE, GateState, ResponseKind, Side
from tickwright.host.setup import CardSetup, GateSetup, SymbolSetup
from tickwright.model.book import PUBLICATION
from tickwright.model.gate import Gate
from tickwright.risk.checks import CHECKS

BID, ASK = 100_000, 100_100
ABC = SymbolSetup(name="ABC", max_shares=500, max_notional=60_000_000, max_position=1000, collar=50)
XYZ = replace(ABC, name="XYZ")
ARMED = GateSetup(max_shares=400, max_notional=50_000_000, state="armed", first_user_ref=7)
SLOTS = 4


def card(*, gate=ARMED, abc=ABC, slots=SLOTS):
    return CardSetup(window=64, symbols=(abc, XYZ), gate=gate, slots=slots)


def quote(symbol, *, bid=BID, ask=ASK, status="T", reasons=0):
    row = np.zeros(1, PUBLICATION)
    row["symbol"], row["bid"], row["ask"] = symbol, bid, ask
    row["status"], row["reasons"] = ord(status), reasons
    return row


def trust():
    row = np.zeros(1, PUBLICATION)
    row["trust"], row["reasons"] = 1, 1
    return row


def buy(shares=100, price=ASK, symbol=0):
    return (1, symbol, Side.BUY, shares, price)


def sell(shares=100, price=BID, symbol=0):
    return (1, symbol, Side.SELL, shares, price)


NO_LEG = (0, 0, 0, 0, 0)


def intent(leg0=NO_LEG, leg1=NO_LEG, *, number=1, pair=5):
    return np.array([(number, pair, 0, 0, 11, 22, *leg0, *leg1)], INTENT)[0]


def response(kind, user_ref, shares=0):
    return np.array([(kind, user_ref, shares, 0, 0, 0)], RESPONSE)[0]


class Desk:
    """A gate with quotes of both symbols."""

    def __init__(self, setup=None, *rows):
        self.gate = Gate(setup or card())
        published = np.concatenate([quote(0), quote(1), *rows])
        self.gate.take_quotes(published, len(published))

    def checks(self, *legs, **facts):
        """Return the names of the checks that fail; an order may leave."""
        verdict, orders = self.gate.judge(intent(*legs), **facts)
        failed = [name for bit, name in enumerate(CHECKS) if int(verdict["checks"][0]) >> bit & 1]
        assert bool(verdict["passed"][0]) == (not failed) == bool(len(orders))
        return failed

    def send(self, *legs):
        verdict, orders = self.gate.judge(intent(*legs))
        assert verdict["passed"][0]
        return orders

    def respond(self, kind, user_ref, shares=0):
        """Return what the strategy is told: (leg, side, filled, done)."""
        outcome = self.gate.respond(response(kind, user_ref, shares))
        assert all(row["refused"] == 0 and row["pair"] == 5 for row in outcome)
        return [
            tuple(int(row[name]) for name in ("leg", "side", "filled", "done")) for row in outcome
        ]


@pytest.mark.parametrize(
    ("legs", "row", "failed"),
    [
        pytest.param([buy()], None, [], id="buy"),
        pytest.param([sell()], None, [], id="sell"),
        pytest.param([buy(), sell(symbol=1)], None, [], id="both-legs"),
        pytest.param([NO_LEG, sell(symbol=1)], None, [], id="only-leg-1"),
        pytest.param([buy()], trust(), ["trust"], id="tainted"),
        pytest.param([buy()], quote(0, reasons=1 << 11), ["trust"], id="window"),
        pytest.param([buy()], quote(1, reasons=1), [], id="reason-of-another-symbol"),
        pytest.param([buy()], quote(0, status="H"), ["halted"], id="halted"),
        pytest.param([buy()], quote(0, status="\0"), ["halted"], id="status-unknown"),
        pytest.param([buy(400)], None, [], id="shares-at-the-limit"),
        pytest.param([buy(401)], None, ["shares"], id="shares-beyond"),
        pytest.param([buy(0)], None, ["shares"], id="no-shares"),
        pytest.param([buy(500, 100_000)], None, ["shares"], id="notional-at-the-limit"),
        pytest.param([buy(400, ASK + 50)], None, [], id="collar-buy"),
        pytest.param([buy(1, ASK + 51)], None, ["collar"], id="collar-buy-beyond"),
        pytest.param([sell(1, BID - 50)], None, [], id="collar-sell"),
        pytest.param([sell(1, BID - 51)], None, ["collar"], id="collar-sell-beyond"),
        pytest.param([buy(1, BID)], None, [], id="collar-passive"),
        pytest.param([buy()], quote(0, ask=0), ["collar"], id="no-ask"),
        pytest.param([sell()], quote(0, bid=0), ["collar"], id="no-bid"),
        pytest.param([sell()], quote(0, ask=0), [], id="a-sale-needs-no-ask"),
        pytest.param([buy(1, 0)], None, ["price"], id="price-0"),
        pytest.param([sell(1, 0)], None, ["collar", "price"], id="sale-at-0"),
        pytest.param([buy(), sell(401, symbol=1)], None, ["shares"], id="leg-1-fails-both"),
        pytest.param(
            [buy(401, ASK + 51)], quote(0, status="P"), ["halted", "shares", "collar"], id="many"
        ),
    ],
)
def test_checks_of_a_leg(legs, row, failed):
    desk = Desk(None, *([] if row is None else [row]))
    assert desk.checks(*legs) == failed


@pytest.mark.parametrize(
    ("gate", "symbol", "leg", "failed"),
    [
        pytest.param({}, {"max_shares": 99}, buy(), ["shares"], id="symbol-shares"),
        pytest.param({}, {"max_notional": 10_009_999}, buy(), ["notional"], id="symbol-notional"),
        pytest.param({}, {"max_notional": 10_010_000}, buy(), [], id="symbol-notional-at"),
        pytest.param({"max_notional": 10_009_999}, {}, buy(), ["notional"], id="global-notional"),
        pytest.param({"max_notional": 10_010_000}, {}, buy(), [], id="global-notional-at"),
        pytest.param({"max_shares": 99}, {}, buy(), ["shares"], id="global-shares"),
        pytest.param(
            {"max_shares": 1 << 24, "max_notional": 1 << 62},
            {"max_shares": 1 << 24, "max_notional": 1 << 62, "max_position": 1 << 30},
            buy(1_000_000),
            ["shares"],
            id="a-million",
        ),
        pytest.param(
            {"max_shares": 1 << 24, "max_notional": 1 << 62},
            {"max_shares": 1 << 24, "max_notional": 1 << 62, "max_position": 1 << 30},
            buy(999_999),
            [],
            id="below-a-million",
        ),
        pytest.param(
            {"max_shares": 1 << 24, "max_notional": (1 << 63) - 1},
            {
                "max_shares": 1 << 24,
                "max_notional": (1 << 63) - 1,
                "collar": (1 << 32) - 1,
                "max_position": 1 << 30,
            },
            buy((1 << 24) - 1, (1 << 33) - 1),
            ["shares", "collar", "price"],
            id="widest-notional-does-not-wrap",
        ),
        pytest.param({}, {"max_position": 99}, buy(), ["position"], id="long-limit"),
        pytest.param({}, {"max_position": 100}, buy(), [], id="long-limit-at"),
        pytest.param({}, {"max_position": 99}, sell(), ["position"], id="short-limit"),
        pytest.param({}, {"position": 901}, buy(), ["position"], id="position-counts"),
        pytest.param({}, {"position": 901}, sell(), [], id="position-leaves-room"),
        pytest.param({}, {"position": -901}, sell(), ["position"], id="short-position-counts"),
        pytest.param({"state": "killed"}, {}, buy(), ["killed"], id="killed"),
        pytest.param({"state": "close_only"}, {}, buy(), ["close_only"], id="close-only-flat"),
        pytest.param(
            {"state": "close_only"}, {"position": -100}, buy(), [], id="close-only-reduces"
        ),
        pytest.param(
            {"state": "close_only"}, {"position": -99}, buy(), ["close_only"], id="not-beyond-0"
        ),
        pytest.param(
            {"state": "close_only"}, {"position": 100}, sell(), [], id="close-only-sells-out"
        ),
        pytest.param(
            {"state": "close_only"},
            {"position": 100, "max_position": 0},
            sell(),
            [],
            id="close-only-skips-the-position",
        ),
        pytest.param(
            {"state": "close_only"},
            {"position": 100, "max_shares": 99},
            sell(),
            ["shares"],
            id="close-only-keeps-the-shares",
        ),
        pytest.param({}, {"collar": 0}, buy(1, ASK + 1), ["collar"], id="no-collar"),
    ],
)
def test_checks_of_limits_and_positions(gate, symbol, leg, failed):
    setup = card(gate=replace(ARMED, **gate), abc=replace(ABC, **symbol))
    assert Desk(setup).checks(leg) == failed


def test_price_limit_of_the_venue():
    wide = replace(
        ABC, collar=(1 << 32) - 1, max_notional=1 << 62, max_shares=1 << 20, max_position=1 << 30
    )
    gate = replace(ARMED, max_notional=1 << 62)
    desk = Desk(card(gate=gate, abc=wide))
    assert desk.checks(buy(1, 1_999_999_900)) == []
    assert desk.checks(buy(1, 1_999_999_901)) == ["price"]


def test_limits_of_reset_refuse_everything():
    setup = CardSetup(window=64, symbols=(SymbolSetup(name="ABC"), XYZ))
    failed = Desk(setup).checks(buy(1, ASK))
    assert failed == ["killed", "shares", "notional", "position"]


def test_facts_of_the_card():
    assert Desk().checks(buy(), feed_ok=0) == ["feed"]
    assert Desk().checks(buy(), session_ok=0) == ["session"]
    assert Desk().checks(buy(), state=int(GateState.KILLED)) == ["killed"]
    assert Desk(card(gate=replace(ARMED, state="killed"))).checks(buy(), state=2) == []


def test_orders_carry_references_marks_and_cause():
    setup = card(abc=replace(ABC, position=100))
    orders = Desk(setup).send(sell(60), sell(70, symbol=1))
    assert [
        tuple(
            int(order[name])
            for name in ("user_ref", "intent_id", "leg", "symbol", "side", "short", "shares")
        )
        for order in orders
    ] == [(7, 1, 0, 0, 1, 0, 60), (8, 1, 1, 1, 1, 1, 70)]
    assert orders["price"].tolist() == [BID, BID]
    assert (orders["sequence"].tolist(), orders["feed_ns"].tolist()) == ([11, 11], [22, 22])


def test_a_sale_is_short_from_the_first_share_not_held():
    desk = Desk(card(abc=replace(ABC, position=100)))
    assert [int(desk.send(sell(shares))[0]["short"]) for shares in (40, 60, 1)] == [0, 0, 1]


def test_open_orders_count_at_their_worst():
    desk = Desk(card(abc=replace(ABC, max_position=250)))
    assert desk.checks(buy(200)) == []
    assert desk.checks(buy(51)) == ["position"]
    assert desk.checks(sell(200)) == []  # what may be bought does not make room
    assert desk.checks(sell(51)) == ["position"]
    desk.respond(ResponseKind.EXECUTED, 7, 150)
    assert desk.checks(sell(200)) == []  # 200 - 150 + 200 = 250
    assert desk.gate.positions.tolist() == [150, 0]


def test_a_canceled_order_makes_room():
    desk = Desk(card(abc=replace(ABC, max_position=250)))
    desk.send(buy(200))
    assert desk.checks(buy(100)) == ["position"]
    assert desk.respond(ResponseKind.CANCELED, 7, 50) == [(0, 0, 0, 0)]
    assert desk.checks(buy(101)) == ["position"]
    assert desk.checks(buy(100)) == []


@pytest.mark.parametrize(
    ("kind", "shares", "told"),
    [
        pytest.param(ResponseKind.ACCEPTED, 0, [], id="accepted"),
        pytest.param(ResponseKind.EXECUTED, 60, [(1, 1, 60, 0)], id="executed-in-part"),
        pytest.param(ResponseKind.EXECUTED, 100, [(1, 1, 100, 1)], id="executed"),
        pytest.param(ResponseKind.CANCELED, 100, [(1, 1, 0, 1)], id="canceled"),
        pytest.param(ResponseKind.REJECTED, 0, [(1, 1, 0, 1)], id="rejected"),
        pytest.param(ResponseKind.DEAD, 0, [(1, 1, 0, 1)], id="dead"),
        pytest.param(ResponseKind.REJECTED, 99999, [(1, 1, 0, 1)], id="rejected-whatever-shares"),
        pytest.param(ResponseKind.ACCEPTED, 99999, [], id="accepted-whatever-shares"),
    ],
)
def test_outcomes_of_responses(kind, shares, told):
    desk = Desk()
    desk.send(NO_LEG, sell(symbol=1))
    assert desk.respond(kind, 7, shares) == told
    assert not desk.gate.fault


@pytest.mark.parametrize(
    ("kind", "user_ref", "shares"),
    [
        pytest.param(ResponseKind.ACCEPTED, 8, 0, id="unknown"),
        pytest.param(ResponseKind.EXECUTED, 7 + SLOTS, 1, id="same-slot-other-reference"),
        pytest.param(ResponseKind.EXECUTED, 7, 101, id="executed-beyond"),
        pytest.param(ResponseKind.CANCELED, 7, 101, id="canceled-beyond"),
        pytest.param(ResponseKind.UNHANDLED, 7, 0, id="unhandled"),
        pytest.param(ResponseKind.REJECTED, 6, 0, id="rejected-unknown"),
    ],
)
def test_a_response_that_does_not_fit_kills(kind, user_ref, shares):
    desk = Desk()
    desk.send(buy())
    assert desk.respond(kind, user_ref, shares) == []
    assert desk.gate.fault
    assert desk.gate.positions.tolist() == [0, 0]
    assert desk.checks(buy()) == ["killed", "ledger"]
    assert desk.checks(buy(), state=int(GateState.ARMED)) == ["killed", "ledger"]
    assert desk.respond(ResponseKind.EXECUTED, 7, 100) == [(0, 0, 100, 1)]
    assert desk.gate.positions.tolist() == [100, 0]


def test_a_done_order_is_unknown():
    desk = Desk()
    desk.send(buy())
    desk.respond(ResponseKind.EXECUTED, 7, 100)
    desk.respond(ResponseKind.ACCEPTED, 7)
    assert desk.gate.fault


def test_slots_must_be_free():
    desk = Desk()
    for _ in range(SLOTS - 1):
        assert desk.checks(buy(1)) == []
    assert desk.checks(buy(1), sell(1, symbol=1)) == ["slots"]
    assert desk.checks(buy(1)) == []
    assert desk.checks(buy(1)) == ["slots"]
    desk.respond(ResponseKind.CANCELED, 8, 1)
    assert desk.checks(buy(1)) == ["slots"]  # reference 11 needs the slot of 7
    desk.respond(ResponseKind.CANCELED, 7, 1)
    assert desk.checks(buy(1)) == []


def test_two_legs_need_two_slots():
    desk = Desk(card(slots=1))
    assert desk.checks(buy(1), sell(1, symbol=1)) == ["slots"]
    assert desk.checks(buy(1)) == []


def test_user_references_wrap():
    desk = Desk(card(gate=replace(ARMED, first_user_ref=(1 << 32) - 1)))
    orders = desk.send(buy(1), sell(1, symbol=1))
    assert orders["user_ref"].tolist() == [(1 << 32) - 1, 0]


def test_the_newest_quote_counts():
    gate = Gate(card())
    published = np.concatenate([quote(0), quote(0, ask=0), quote(0), trust()])
    for stop, failed in ((1, 0), (2, 1), (3, 0), (4, 1)):
        gate.take_quotes(published, stop)
        verdict, _ = gate.judge(intent(buy(1)))
        assert (int(verdict["checks"][0]) != 0, int(verdict["quotes_seen"][0])) == (failed, stop)


def test_random_traffic_keeps_the_worst_case():
    """Whatever the venue answers, positions stay within their limits, and books balance."""
    rng = random.Random(3)
    limit = 700
    wide = replace(ABC, max_position=limit)
    gate = Gate(
        CardSetup(window=64, symbols=(wide, replace(wide, name="XYZ")), gate=ARMED, slots=8)
    )
    published = np.concatenate([quote(0), quote(1)])
    gate.take_quotes(published, 2)
    open_orders, held, passed = {}, [0, 0], 0
    for _ in range(4000):
        if rng.random() < 0.5:
            leg = rng.choice((buy, sell))(rng.randrange(1, 300), symbol=rng.randrange(2))
            _, symbol, side, shares, price = leg
            worst = held[symbol] * (1 if side == Side.BUY else -1) + sum(
                order[2] for order in open_orders.values() if order[:2] == [symbol, side]
            )
            _, orders = gate.judge(intent((1, symbol, side, shares, price)))
            busy = any(ref % 8 == (7 + passed) % 8 for ref in open_orders)
            assert (len(orders) == 1) == (worst + shares <= limit and not busy)
            if len(orders):
                assert int(orders[0]["user_ref"]) == 7 + passed
                assert bool(orders[0]["short"]) == (side == Side.SELL and worst + shares > 0)
                open_orders[7 + passed] = [symbol, side, shares]
                passed += 1
        elif open_orders:
            ref = rng.choice(list(open_orders))
            symbol, side, remaining = open_orders[ref]
            kind = rng.choice(list(ResponseKind)[:-1])
            shares = rng.randint(0, remaining)
            gate.respond(response(kind, ref, shares))
            if kind == ResponseKind.EXECUTED:
                held[symbol] += shares if side == Side.BUY else -shares
            elif kind in (ResponseKind.DEAD, ResponseKind.REJECTED):
                shares = remaining
            elif kind == ResponseKind.ACCEPTED:
                shares = 0
            open_orders[ref][2] -= shares
            if open_orders[ref][2] == 0:
                del open_orders[ref]
        assert gate.positions.tolist() == held
        assert max(map(abs, held)) <= limit
    assert not gate.fault
    assert passed > 300
