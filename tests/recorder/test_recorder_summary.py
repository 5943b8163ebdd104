"""The summary says of any records, in batches of any size, what a dictionary would."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from tickwright.feed.reasons import REASONS
from tickwright.host.records import TABLES, ResponseKind, Side
from tickwright.recorder.records import pack
from tickwright.recorder.snapshot import HeldPair, Latency
from tickwright.recorder.summary import SHOWN_ORDERS, Summary, Surroundings
from tickwright.risk.checks import CHECKS
from tickwright.telemetry.messages import RECORD_BYTES

Told = tuple[str, dict[str, int]]


def record(told: Told, number: int = 0, decided_ns: int = 0) -> np.ndarray:
    name, values = told
    row = np.zeros(1, TABLES[name])
    for column, value in values.items():
        row[column] = value
    return pack(name, row, number, decided_ns)


def records(*told: Told, first: int = 0) -> np.ndarray:
    parts = [record(each, number) for number, each in enumerate(told, start=first)]
    return np.concatenate([np.zeros((0, RECORD_BYTES), np.uint8), *parts])


def order(ref: int, shares: int = 100, **values: int) -> Told:
    return "orders", {"user_ref": ref, "shares": shares, **values}


def response(kind: ResponseKind, ref: int, shares: int = 0, price: int = 0) -> Told:
    return "responses", {"kind": kind, "user_ref": ref, "shares": shares, "price": price}


def summed(*told: Told) -> Any:
    summary = Summary()
    summary.update(records(*told), 1)
    return summary.snapshot(0)


def test_nothing_told_is_a_snapshot_of_nothing():
    found = Summary().snapshot(5)
    assert (found.time_ns, found.records, found.quotes, found.orders, found.gate) == (
        5, 0, [], [], "",
    )  # fmt: skip


R = ResponseKind


@pytest.mark.parametrize(
    ("answers", "state", "filled"),
    [
        pytest.param([], "sent", 0, id="sent"),
        pytest.param([(R.ACCEPTED, 0)], "accepted", 0, id="accepted"),
        pytest.param([(R.ACCEPTED, 0), (R.EXECUTED, 40)], "partial", 40, id="partial"),
        pytest.param(
            [(R.ACCEPTED, 0), (R.EXECUTED, 40), (R.EXECUTED, 60)], "filled", 100, id="filled"
        ),
        pytest.param(
            [(R.ACCEPTED, 0), (R.EXECUTED, 40), (R.CANCELED, 60)], "canceled", 40, id="canceled"
        ),
        pytest.param([(R.DEAD, 0)], "canceled", 0, id="dead"),
        pytest.param([(R.REJECTED, 0)], "rejected", 0, id="rejected"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_an_order_is_in_the_state_its_answers_left_it_in(
    answers: list[tuple[R, int]], state: str, filled: int, apart: bool
):
    told = [order(7), *(response(kind, 7, shares, 10) for kind, shares in answers)]
    summary = Summary()
    if apart:
        for number, each in enumerate(told):
            summary.update(record(each, number), 1)
    else:
        summary.update(records(*told), 1)
    found = summary.snapshot(0)
    assert [(each.user_ref, each.state, each.filled) for each in found.orders] == [
        (7, state, filled)
    ]
    assert found.orders_by_state == {state: 1}


def test_money_and_shares_follow_the_fills_whole():
    large = (1 << 32) - 1
    fills = [response(R.EXECUTED, 1, large, large)] * 3
    found = summed(
        order(1, symbol=65535, side=Side.SELL, short=1),
        order(2, symbol=3, side=Side.BUY),
        *fills,
        response(R.EXECUTED, 2, 5, 1_000_000),
    )
    holdings = {each.symbol: each for each in found.holdings}
    assert holdings[65535].cash == 3 * large * large
    assert holdings[65535].position == -3 * large
    assert (holdings[3].cash, holdings[3].position) == (-5_000_000, 5)
    assert found.cash == 3 * large * large - 5_000_000
    assert [each.side for each in found.orders] == ["T", "B"]
    assert found.unjoined == 0


def test_a_fill_without_its_order_moves_nothing_and_is_counted():
    found = summed(
        order(5), response(R.EXECUTED, 6, 10, 10), response(R.EXECUTED, 5 + (1 << 16), 10, 10)
    )
    assert (found.unjoined, found.cash, found.holdings) == (2, 0, [])


def test_the_newest_orders_are_shown_the_newest_last():
    found = summed(*(order(ref) for ref in range(1, 301)))
    assert [each.user_ref for each in found.orders] == list(range(301 - SHOWN_ORDERS, 301))


def test_verdicts_are_counted_by_check_and_the_newest_gives_the_state():
    found = summed(
        ("verdicts", {"passed": 1, "checks": 0, "state": 2, "feed_ok": 1, "session_ok": 1}),
        ("verdicts", {"checks": 0b101, "state": 2}),
        ("verdicts", {"checks": 0b001, "state": 1, "session_ok": 1}),
        ("intents", {"kind": 4}),
        ("intents", {"kind": 0}),
    )
    assert (found.passed, found.refused) == (1, 2)
    assert found.refusals == {CHECKS[0]: 2, CHECKS[2]: 1}
    assert (found.gate, found.feed_ok, found.session_ok) == ("close_only", False, True)
    assert (found.intents["unbalanced"], found.intents["enter_short"]) == (1, 1)


def test_numbers_without_a_name_do_no_harm():
    found = summed(
        ("verdicts", {"state": 9}),
        ("intents", {"kind": 200}),
        response(R.UNHANDLED, 1),
        ("applied", {"leg": 7, "filled": 1}),
        ("responses", {"kind": 99}),
    )
    assert found.gate == "unknown (9)"
    assert (found.records, sum(found.intents.values())) == (5, 0)


def test_reasons_of_all_are_those_of_every_quote():
    found = summed(
        ("quotes", {"symbol": 2, "bid": 9, "reasons": 2}),
        ("trusts", {"all": 1, "reasons": 1}),
        ("quotes", {"symbol": 1, "bid": 7, "status": ord("T")}),
        ("quotes", {"symbol": 1, "bid": 8, "status": ord("H")}),
    )
    assert [(each.symbol, each.bid, each.status) for each in found.quotes] == [
        (1, 8, "H"),
        (2, 9, "-"),
    ]
    assert found.quotes[1].reasons == list(REASONS[:2])


def test_ages_are_counted_by_powers_of_two():
    summary = Summary()
    for number, (feed_ns, decided_ns) in enumerate(
        [(5, 5), (5, 6), (5, 7), (5, 8), (5, 9), (9, 5)]
    ):
        summary.update(record(order(number, feed_ns=feed_ns), number, decided_ns), 1)
    summary.update(record(order(9), 9, (1 << 64) - 1), 1)
    assert summary.snapshot(0).latency == Latency([1, 1, 2, 1, *[0] * 60, 1], 1)


def test_pairs_hold_what_was_applied():
    found = summed(
        ("applied", {"pair": 3, "leg": 0, "side": Side.SELL, "filled": 30}),
        ("applied", {"pair": 3, "leg": 1, "side": Side.BUY, "filled": 50}),
        ("applied", {"pair": 3, "leg": 0, "side": Side.BUY, "filled": 10}),
        ("applied", {"pair": 4, "refused": 1}),
    )
    assert found.pairs == [HeldPair(3, [-20, 50])]


@pytest.mark.parametrize("how", ["generation", "number"])
def test_another_card_begins_anew_but_money_stays(how: str):
    summary = Summary()
    told = [
        ("quotes", {"symbol": 1}),
        order(1, side=Side.SELL),
        response(R.EXECUTED, 1, 2, 3),
        ("applied", {"filled": 2}),
        ("trusts", {"all": 1, "reasons": 1}),
    ]
    after = [("quotes", {"symbol": 9}), response(R.EXECUTED, 1, 2, 3)]
    if how == "generation":
        summary.update(records(*told), 1)
        summary.update(records(*after, first=50), 2)
    else:
        summary.update(np.concatenate([records(*told), records(*after)]), 1)
    found = summary.snapshot(0)
    assert found.restarts == 1
    assert [(each.symbol, each.reasons) for each in found.quotes] == [(9, [])]
    assert (found.cash, found.unjoined, found.orders, found.pairs) == (6, 1, [], [])
    assert found.missing == 0


def test_missing_and_unknown_records_are_counted_and_rates_are_told():
    summary = Summary()
    summary.snapshot(1_000_000_000)
    batch = records(order(1), order(2), order(3), order(4))[[0, 2, 3]]
    batch[1, 0] = 200
    summary.update(batch, 1)
    found = summary.snapshot(1_500_000_000, Surroundings(ring_lost=1, disk_error="full"))
    assert (found.missing, found.unknown, found.records) == (1, 1, 3)
    assert found.records_per_second == 6
    assert (found.ring_lost, found.disk_error) == (1, "full")


def test_random_batches_agree_with_dictionaries():
    rng = np.random.default_rng(2026)
    told: list[Told] = []
    quotes: dict[int, int] = {}
    sent: dict[int, tuple[int, int]] = {}
    filled: Counter[int] = Counter()
    position: defaultdict[int, int] = defaultdict(int)
    cash = 0
    for number in range(4000):
        symbol, side = int(rng.integers(0, 20)), int(rng.integers(0, 2))
        match rng.integers(0, 3):
            case 0:
                told.append(("quotes", {"symbol": symbol, "bid": number}))
                quotes[symbol] = number
            case 1:
                told.append(order(len(sent), symbol=symbol, side=side))
                sent[len(sent)] = (symbol, 1 if side == Side.BUY else -1)
            case 2 if sent:
                ref = int(rng.choice(list(sent)[-30:]))
                shares, price = (int(each) for each in rng.integers(1, 1000, 2))
                told.append(response(R.EXECUTED, ref, shares, price))
                filled[ref] += shares
                position[sent[ref][0]] += sent[ref][1] * shares
                cash -= sent[ref][1] * shares * price
    every, summary, place = records(*told), Summary(), 0
    while place < len(every):
        size = int(rng.integers(0, 200))
        summary.update(every[place : place + size], 1)
        place += size
    found = summary.snapshot(0)
    assert {each.symbol: each.bid for each in found.quotes} == quotes
    assert {each.symbol: each.position for each in found.holdings} == dict(position)
    assert found.cash == sum(each.cash for each in found.holdings) == cash
    assert {each.user_ref: each.filled for each in found.orders} == {
        ref: filled[ref] for ref in list(sent)[-SHOWN_ORDERS:]
    }
    assert (found.missing, found.restarts, found.records) == (0, 0, len(told))
