"""The whole model: alone it trades, and with a card's records it decides what the card decided."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tickwright.exchange.scripted import Answer, ScriptedVenue
from tickwright.feed.messages import (
    AddOrder,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderReplace,
    TradingAction,
)
from tickwright.feed.reasons import REASONS
from tickwright.host.records import (
    APPLIED,
    CAPACITY,
    COALESCED,
    OVERFLOW,
    TRUST,
    VERDICT,
    IntentKind,
    Journal,
    ResponseKind,
    Side,
)
from tickwright.host.setup import CardSetup, FeedSetup, GateSetup, PairSetup, SymbolSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model.arbiter import Arbiter
from tickwright.model.book import Books
from tickwright.model.card import CardInputs, ModelCard, bbo_rows
from tickwright.model.delivery import Delivery, InputsError
from tickwright.risk.checks import CHECKS

CENT = 100
MID = 1000  # cents, of A and of B
AWAY = 2 * CENT << 8  # a deviation of one cent
STEP_NS = 100  # from message to message


def reasons(*names):
    return sum(1 << REASONS.index(name) for name in names)


def symbol(name, locate):
    return SymbolSetup(
        name=name,
        locate=locate,
        base_tick=MID - 32,
        status=ord("T"),
        max_shares=500,
        max_notional=1 << 40,
        max_position=1000,
        collar=500,
    )


PAIR = PairSetup(
    name="pair",
    symbol_a=0,
    symbol_b=1,
    hedge=1 << 16,
    mean=0,
    entry_deviation=3 * AWAY,
    exit_deviation=AWAY,
    stop_deviation=20 * AWAY,
    min_edge=0,
    shares_a=100,
    shares_b=100,
    max_spread_a=3 * CENT,
    max_spread_b=3 * CENT,
    aggression_a=0,
    aggression_b=0,
    retry_ns=1000,
)
GATE = GateSetup(max_shares=500, max_notional=1 << 40, state="armed", first_user_ref=1)
SETUP = CardSetup(
    window=64, symbols=(symbol("AAA", 1), symbol("BBB", 2)), pairs=(PAIR,), gate=GATE, slots=16
)


def table(*messages, first_sequence=1):
    stamped = [
        message.replace(timestamp_ns=STEP_NS * number) for number, message in enumerate(messages, 1)
    ]
    made = MessageTable.from_messages([message.pack() for message in stamped])
    return replace(made, sequence=made.sequence + np.uint64(first_sequence - 1))


def add(reference, side, cents, locate, shares=300):
    return AddOrder(
        reference=reference, side=side, shares=shares, price=CENT * cents, locate=locate
    )


# B stands at 1000/1001; A comes at 1010/1011, too high, and goes back to 1000/1001.
OPENING = [
    add(1, "B", MID, 2),
    add(2, "S", MID + 1, 2),
    add(3, "B", MID + 10, 1),
    add(4, "S", MID + 11, 1),
]
QUIET = [add(100 + n, "B", MID - 20, 2) for n in range(40)]  # changes no touch
BACK = [
    OrderReplace(reference=3, new_reference=5, shares=300, price=CENT * MID, locate=1),
    OrderReplace(reference=4, new_reference=6, shares=300, price=CENT * (MID + 1), locate=1),
]
SESSION = [*OPENING, *QUIET, *BACK, add(7, "B", MID - 1, 1)]


def kinds(journal):
    return [IntentKind(int(kind)).name for kind in journal.intents["kind"]]


def failed(verdict):
    return [name for bit, name in enumerate(CHECKS) if int(verdict["checks"]) >> bit & 1]


def test_a_spread_is_entered_and_left():
    card = ModelCard(SETUP)
    journal = card.run(table(*SESSION), venue=ScriptedVenue("full", delay_ns=1000))
    assert kinds(journal) == ["ENTER_SHORT", "EXIT"]
    assert journal.intents["sequence"].tolist() == [4, 46]
    columns = ("user_ref", "intent_id", "leg", "symbol", "side", "short", "shares", "price")
    assert [tuple(int(order[name]) for name in columns) for order in journal.orders] == [
        (1, 1, 0, 0, Side.SELL, 1, 100, CENT * (MID + 10)),
        (2, 1, 1, 1, Side.BUY, 0, 100, CENT * (MID + 1)),
        (3, 2, 0, 0, Side.BUY, 0, 100, CENT * (MID + 1)),
        (4, 2, 1, 1, Side.SELL, 0, 100, CENT * MID),
    ]
    assert journal.orders["frame"].tolist() == [3, 3, 45, 45]
    assert len(journal.responses) == 8
    assert [tuple(row) for row in journal.applied[["leg", "filled", "done"]].tolist()] == [
        (0, 100, 1),
        (1, 100, 1),
        (0, 100, 1),
        (1, 100, 1),
    ]
    assert card.positions.tolist() == [0, 0]
    assert card.held.tolist() == [[0, 0]]


def test_answers_come_when_they_are_due():
    """The order leaves with message 4, at 400 ns; message 14 comes at 1,400 ns."""
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(20)]
    card = ModelCard(SETUP)
    journal = card.run(table(*OPENING, *ticks), venue=ScriptedVenue("none", delay_ns=1000))
    # Evaluations: message 1 to 13 evaluate once each, and the outcomes come before message 14.
    assert journal.applied["evaluations"].tolist()[:2] == [13, 13]
    # Retry is at 1,400 ns, which is message 14.
    assert journal.intents["sequence"].tolist()[:2] == [4, 14]
    assert journal.responses["card_ns"].tolist()[:4] == [1400] * 4


def test_an_answer_waits_for_the_message_behind_its_order():
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(5)]
    journal = ModelCard(replace(SETUP, pairs=(replace(PAIR, retry_ns=0),))).run(
        replace(table(*OPENING, *ticks), arrival_ns=np.zeros(9, np.uint64)),
        venue=ScriptedVenue("none", delay_ns=1),
    )
    # Nothing arrives later, so what the venue says applies at the end.
    assert journal.applied["evaluations"].tolist() == [9, 9]
    assert len(journal.intents) == 1


class AtOnce:
    """A venue that cancels every order at once."""

    delay_ns = 0

    def answers(self, user_ref, shares, price):
        return [Answer(ResponseKind.CANCELED, user_ref, shares)]


def test_an_answer_at_once_waits_for_the_next_message():
    pairs = tuple(replace(PAIR, name=name, retry_ns=0) for name in ("one", "two", "three"))
    tick = OrderCancel(reference=2, shares=1, locate=2)
    journal = ModelCard(replace(SETUP, pairs=pairs)).run(table(*OPENING, tick), venue=AtOnce())
    # All three evaluate on message 4 before anything applies.
    assert journal.intents["sequence"].tolist() == [4, 4, 4, 5, 5, 5]
    assert journal.applied["evaluations"].tolist() == [12] * 6 + [15] * 6


def test_a_refused_intent_is_tried_again():
    setup = replace(SETUP, gate=replace(GATE, state="killed"))
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(15)]
    journal = ModelCard(setup).run(table(*OPENING, *ticks))
    assert journal.intents["sequence"].tolist() == [4, 14]
    assert [failed(verdict) for verdict in journal.verdicts] == [["killed"], ["killed"]]
    assert journal.applied["refused"].tolist() == [1, 1]
    assert journal.applied["evaluations"].tolist() == [4, 14]
    assert journal.verdicts["quotes_seen"].tolist() == [4, 14]
    assert len(journal.orders) == 0


def test_without_a_venue_orders_stay_open():
    card = ModelCard(SETUP)
    journal = card.run(table(*SESSION))
    assert kinds(journal) == ["ENTER_SHORT"]
    assert (len(journal.orders), len(journal.applied)) == (2, 0)


def test_a_run_starts_anew():
    card = ModelCard(SETUP)
    runs = [card.run(table(*SESSION), venue=ScriptedVenue("full", delay_ns=9)) for _ in range(2)]
    assert runs[0].equal(runs[1])


def test_tables_in_pieces_are_one():
    whole = table(*SESSION)
    pieces = [whole.select(slice(at, at + 7)) for at in range(0, len(whole), 7)]
    venue = ScriptedVenue("full", delay_ns=1000)
    ours, theirs = (ModelCard(SETUP).run(given, venue=venue) for given in (whole, pieces))
    assert ours.first_difference(theirs) is None
    assert len(ours.orders) == 4


# As a card decided.


def recorded(
    *,
    verdicts=(),
    applied=(),
    responses=None,
    trusts=(),
    overflows=(),
    shared=(),
    capacities=(),
    coalesced=(),
):
    """Return what a card recorded; events in ``shared`` were dropped without a Trust record."""
    dropped = [(item, 1) for item in overflows]
    if shared:
        dropped = sorted([*dropped, *((item, 0) for item in shared)])

    def made(kind, rows):
        found = np.zeros(len(rows), kind)
        for row, values in zip(found, rows, strict=True):
            for name, value in values.items():
                row[name] = value
        return found

    found = {
        "trusts": made(TRUST, [{"all": 1, **row} for row in trusts]),
        "overflows": np.array(dropped, OVERFLOW),
        "capacities": made(CAPACITY, [{"sequence": row} for row in capacities]),
        "coalesced": np.array(list(coalesced), COALESCED),
        "verdicts": made(VERDICT, verdicts),
        "applied": made(APPLIED, applied),
    }
    if responses is not None:
        found["responses"] = responses
    return CardInputs(decided=True, **found)


def test_a_journal_gives_itself():
    venue = ScriptedVenue("random:3", delay_ns=700)
    messages = table(*SESSION, *SESSION[4:40])
    alone = ModelCard(SETUP).run(messages, venue=venue)
    again = ModelCard(SETUP).run(messages, CardInputs.of(alone))
    assert alone.first_difference(again) is None
    assert len(alone.orders) > 1


def judged(number, quotes_seen, responses_applied=0, **more):
    facts = {"state": 2, "feed_ok": 1, "session_ok": 1, **more}
    return {
        "id": number,
        "quotes_seen": quotes_seen,
        "responses_applied": responses_applied,
        **facts,
    }


def test_an_intent_is_judged_on_the_newest_quote_when_the_card_judged_it():
    messages = [*OPENING, TradingAction(stock="AAA", state="H", locate=1)]
    for quotes_seen, checks in ((4, []), (5, ["halted"])):
        inputs = recorded(verdicts=[judged(1, quotes_seen)])
        journal = ModelCard(SETUP).run(table(*messages), inputs)
        assert failed(journal.verdicts[0]) == checks
        assert int(journal.verdicts[0]["quotes_seen"]) == quotes_seen
        assert journal.orders["sequence"].tolist() == ([4, 4] if not checks else [])
        assert journal.applied["refused"].tolist() == [1] * len(checks[:1])


def test_trust_records_count_as_quotes_seen():
    trusts = [{"reasons": reasons("fault"), "sequence": 5}]
    inputs = recorded(verdicts=[judged(1, 5)], trusts=trusts)
    journal = ModelCard(SETUP).run(table(*OPENING, QUIET[0]), inputs)
    assert failed(journal.verdicts[0]) == ["trust"]


@pytest.mark.parametrize(
    ("facts", "checks"),
    [
        ({"state": 0}, ["killed"]),
        ({"state": 1}, ["close_only"]),
        ({"feed_ok": 0}, ["feed"]),
        ({"session_ok": 0}, ["session"]),
    ],
)
def test_facts_of_the_card_are_taken(facts, checks):
    inputs = recorded(verdicts=[judged(1, 4, **facts)])
    journal = ModelCard(SETUP).run(table(*OPENING), inputs)
    assert failed(journal.verdicts[0]) == checks
    for name, value in facts.items():
        assert journal.verdicts[0][name] == value


def test_outcomes_apply_after_so_many_evaluations():
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(15)]
    messages = table(*OPENING, *ticks)
    for evaluations, sequence in ((4, 14), (13, 14), (14, 15), (17, 18)):
        applied = [{"pair": 0, "refused": 1, "evaluations": evaluations}]
        inputs = recorded(verdicts=[judged(1, 4, state=0), judged(2, 18)], applied=applied)
        journal = ModelCard(SETUP).run(messages, inputs)
        assert journal.intents["sequence"].tolist() == [4, sequence]
        assert journal.applied.tolist() == [(0, 1, 0, 0, 0, 0, evaluations)]


def test_an_outcome_that_the_model_does_not_find_is_missing():
    applied = [{"pair": 0, "refused": 1, "evaluations": 4}]
    inputs = recorded(verdicts=[judged(1, 4)], applied=applied)  # the model lets it pass
    journal = ModelCard(SETUP).run(table(*OPENING), inputs)
    assert len(journal.applied) == 0
    assert len(journal.orders) == 2


def test_responses_apply_before_the_verdict_that_counted_them():
    venue = ScriptedVenue("full", delay_ns=1000)
    alone = ModelCard(SETUP).run(table(*SESSION), venue=venue)
    inputs = CardInputs.of(alone)
    late = inputs.verdicts.copy()
    late["responses_applied"][1] = 2  # the fill of leg B is not in the ledger yet
    inputs.verdicts = late
    journal = ModelCard(SETUP).run(table(*SESSION), inputs)
    assert journal.orders["short"].tolist() == [1, 0, 0, 1]
    assert alone.orders["short"].tolist() == [1, 0, 0, 0]


def test_messages_in_declared_gaps_are_left_out():
    trusts = [{"reasons": reasons("gap"), "first": 2, "last": 3, "sequence": 4}]
    card, inputs = ModelCard(SETUP), recorded(trusts=trusts)
    journal = card.run(table(*OPENING, OrderDelete(reference=1, locate=2)), inputs)
    assert journal.quotes["sequence"].tolist() == [1, 4, 5]
    assert journal.quotes["reasons"].tolist() == [0, reasons("gap"), reasons("gap")]
    assert journal.trusts["first"].tolist() == [2]


@pytest.mark.parametrize("others", [("fault",), ("overflow",), ("fault", "overflow")])
def test_a_merged_record_with_a_gap_is_a_gap(others):
    merged = reasons("gap", *others)
    trusts = [{"reasons": merged, "first": 8, "last": 8, "sequence": 9}]
    more = [add(50 + shares, "B", MID, 2, shares) for shares in (10, 7, 8)]
    messages = table(*OPENING, *QUIET[:3], *more)  # 8 is lost, 9 may meet a full queue
    inputs = recorded(trusts=trusts, overflows=[9] if "overflow" in others else [])
    journal = ModelCard(SETUP).run(messages, inputs)
    assert journal.trusts[["reasons", "first", "last"]].tolist() == [(merged, 8, 8)]
    assert len(journal.overflows) == len(inputs.overflows)
    found = journal.quotes[journal.quotes["sequence"] >= 8][["sequence", "bid_shares"]].tolist()
    assert found == ([(10, 308)] if len(inputs.overflows) else [(9, 307), (10, 315)])


def test_a_record_without_a_lost_range_leaves_no_message_out():
    trusts = [{"reasons": reasons("gap", "overflow"), "sequence": 2}]
    inputs = recorded(trusts=trusts, overflows=[3])
    journal = ModelCard(SETUP).run(table(*OPENING), inputs)
    assert journal.quotes["sequence"].tolist() == [1, 2, 4]


def test_message_0_is_lost_where_it_is_expected_and_1_comes():
    setup = replace(SETUP, feed=FeedSetup(start_sequence=0))
    trusts = [{"reasons": reasons("gap"), "sequence": 1}]
    journal = ModelCard(setup).run(table(*OPENING), recorded(trusts=trusts))
    assert journal.quotes["sequence"].tolist() == [1, 2, 3, 4]


def test_messages_behind_an_undeclared_hole_are_not_delivered():
    messages = table(*OPENING).select(np.array([0, 1, 3]))
    journal = ModelCard(SETUP).run(messages, recorded())
    assert journal.quotes["sequence"].tolist() == [1, 2]
    in_pieces = [messages.select(slice(0, 2)), messages.select(slice(2, 3))]
    assert ModelCard(SETUP).run(in_pieces, recorded()).equal(journal)


def test_messages_before_the_first_expected_are_not_delivered():
    setup = replace(SETUP, feed=FeedSetup(start_sequence=3))
    trusts = [
        {"reasons": reasons("gap"), "first": 1, "last": 1, "sequence": 2},  # before the start
        {"reasons": reasons("gap"), "first": 5, "last": 9, "sequence": 10},
    ]
    messages = table(*OPENING, *QUIET[:5], add(50, "B", MID + 1, 1), add(51, "B", MID + 2, 1))
    journal = ModelCard(setup).run(messages, recorded(trusts=trusts))
    assert journal.quotes["sequence"].tolist() == [3, 4]
    assert journal.trusts["sequence"].tolist() == [2, 10]


def test_an_event_that_met_a_full_queue_taints_all():
    journal = ModelCard(SETUP).run(table(*OPENING), recorded(overflows=[2]))
    assert journal.quotes["sequence"].tolist() == [1, 3, 4]
    assert journal.quotes["reasons"].tolist() == [0, *[reasons("overflow")] * 2]
    assert journal.overflows.tolist() == [(2, 1)]
    assert journal.trusts[["all", "reasons", "sequence"]].tolist() == [(1, reasons("overflow"), 2)]


def test_an_event_that_shares_a_trust_record_puts_none():
    journal = ModelCard(SETUP).run(table(*OPENING), recorded(overflows=[1], shared=[2, 3]))
    assert journal.quotes["sequence"].tolist() == [4]
    assert journal.overflows.tolist() == [(1, 1), (2, 0), (3, 0)]
    assert journal.trusts["sequence"].tolist() == [1]
    journal = ModelCard(SETUP).run(table(*OPENING), recorded(shared=[1]))
    assert journal.quotes["reasons"].tolist() == [0, 0, 0]
    assert len(journal.trusts) == 0


def test_records_that_became_one_with_that_of_an_overflow_are_passed_on_once():
    merged = [{"reasons": reasons("fault", "overflow"), "sequence": 2}]
    inputs = recorded(trusts=merged, overflows=[2, 4], shared=[3])
    journal = ModelCard(SETUP).run(table(*OPENING, QUIET[0]), inputs)
    assert journal.trusts[["reasons", "sequence"]].tolist() == [
        (reasons("fault", "overflow"), 2),
        (reasons("overflow"), 4),
    ]
    rows = rows_of(SETUP, table(*OPENING), recorded(trusts=merged, overflows=[2]))
    assert [row[:4] for row in rows[:3]] == [(1, 100, 1, 1), (2, 200, 0, 0), (2, 200, 1, 0)]
    fault = [{"reasons": reasons("fault"), "sequence": 2}]
    journal = ModelCard(SETUP).run(table(*OPENING), recorded(trusts=fault, overflows=[2]))
    assert journal.trusts["reasons"].tolist() == [reasons("fault"), reasons("overflow")]


def test_a_coalesced_quote_is_kept_without_its_evaluations():
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(3)]
    inputs = recorded(coalesced=[(4, 3, 1), (6, 5, 1)])
    journal = ModelCard(SETUP).run(table(*OPENING, *ticks), inputs)
    # Message 4 would enter; 5 does, on the quote of 4 too.
    assert journal.intents["sequence"].tolist() == [5]
    assert journal.intents["leg0_price"].tolist() == [CENT * (MID + 10)]
    assert journal.coalesced.tolist() == [(4, 3, 1), (6, 5, 1)]
    assert journal.quotes["sequence"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    every = recorded(coalesced=[(number, number - 1, 1) for number in range(1, 8)])
    assert len(ModelCard(SETUP).run(table(*OPENING, *ticks), every).intents) == 0


def test_left_out_evaluations_do_not_count():
    ticks = [OrderCancel(reference=2, shares=1, locate=2) for _ in range(15)]
    applied = [{"pair": 0, "refused": 1, "evaluations": 12}]
    verdicts = [judged(1, 4, state=0), judged(2, 18)]
    sequences = []
    for coalesced in ([], [(8, 7, 1), (13, 12, 1)]):
        inputs = recorded(verdicts=verdicts, applied=applied, coalesced=coalesced)
        journal = ModelCard(SETUP).run(table(*OPENING, *ticks), inputs)
        sequences.append(journal.intents["sequence"].tolist())
    # The refusal applies before message 13 or 15; the pair is ready at 14.
    assert sequences == [[4, 14], [4, 15]]


@pytest.mark.parametrize("coalesced", [(2, 1, 1), (4, 3, 2), (5, 4, 2), (5, 5, 1)])
def test_a_coalesced_quote_is_found_by_the_quotes_before_it(coalesced):
    """Trust records do not count, and two quotes may bear one message."""
    pairs = (PAIR, replace(PAIR, name="other", symbol_b=2))
    setup = replace(SETUP, symbols=(*SETUP.symbols, symbol("CCC", 3)), pairs=pairs)
    mismatch = OrderExecuted(reference=1, shares=1, locate=1)  # of B, named by an event of A
    trusts = [{"reasons": reasons("fault"), "sequence": 2}]
    inputs = recorded(trusts=trusts, coalesced=[coalesced])
    journal = ModelCard(setup).run(table(*OPENING, mismatch), inputs)
    assert journal.quotes["symbol"].tolist() == [1, 1, 0, 0, 0, 1]
    assert journal.coalesced.tolist() == [coalesced]


@pytest.mark.parametrize(
    ("coalesced", "told"),
    [
        ([(5, 4, 1)], "row 0: found sequence 5 behind 4 quotes, expected one of the 4 published"),
        ([(4, 2, 1)], "row 0: found sequence 4 behind 2 quotes, expected sequence 3"),
        ([(2, 1, 1), (3, 1, 1)], "row 1: found sequence 3 behind 1 quotes, expected more than 1"),
        ([(3, 2, 1), (2, 1, 1)], "row 1: found sequence 2 behind 3, expected ascending ones"),
        ([(3, 2, 2)], "row 0: found 2 evaluations of symbol 0, expected 1, the pairs that list it"),
        ([(3, 2, 0)], "row 0: found 0 evaluations of symbol 0, expected 1, the pairs that list it"),
    ],
)
def test_coalesced_quotes_have_to_fit(coalesced, told):
    with pytest.raises(InputsError) as caught:
        ModelCard(SETUP).run(table(*OPENING), recorded(coalesced=coalesced))
    assert str(caught.value) == f"coalesced {told}"
    assert (caught.value.table, caught.value.row) == ("coalesced", len(coalesced) - 1)


def test_a_journal_with_coalesced_quotes_and_shared_overflows_gives_itself():
    messages = table(*OPENING, *QUIET, *BACK, add(7, "B", MID - 1, 1))
    inputs = recorded(
        trusts=[{"reasons": reasons("fault"), "sequence": 20}],
        overflows=[10, 30],
        shared=[11, 31],
        coalesced=[(3, 2, 1), (4, 3, 1)],
    )
    card = ModelCard(SETUP).run(messages, inputs)
    again = ModelCard(SETUP).run(messages, CardInputs.of(card))
    assert card.first_difference(again) is None
    assert (len(card.overflows), len(card.trusts), len(card.coalesced)) == (4, 3, 2)


def test_an_order_that_found_no_way_is_not_kept():
    journal = ModelCard(SETUP).run(table(*OPENING), recorded(capacities=[2]))
    assert journal.quotes["reasons"].tolist() == [0, reasons("capacity"), 0, 0]
    assert journal.capacities["sequence"].tolist() == [2]
    journal = ModelCard(SETUP).run(
        table(*OPENING, OrderDelete(reference=1, locate=2)), recorded(capacities=[5])
    )
    assert len(journal.capacities) == 0  # no order was added


def test_records_must_ascend():
    with pytest.raises(ValueError, match="overflows row 1: found sequence 2 behind 3"):
        recorded(overflows=[3, 2])


def test_overflow_records_of_the_card_are_not_taken_twice():
    alone = ModelCard(SETUP).run(table(*OPENING), recorded(overflows=[2]))
    again = ModelCard(SETUP).run(table(*OPENING), CardInputs.of(alone))
    assert alone.first_difference(again) is None


ROW = ("message", "timestamp_ns", "symbol", "trusted", "sequence", "reasons")


def rows_of(setup, messages, inputs=None):
    return [
        tuple(int(row[name]) for name in ROW)
        for rows in bbo_rows(setup, messages, inputs)
        for row in rows
    ]


def test_rows_of_a_trust_record_bear_the_next_message():
    trusts = [{"reasons": reasons("gap"), "first": 2, "last": 2, "sequence": 3}]
    messages = table(*OPENING[:3])
    gap = reasons("gap")
    assert rows_of(SETUP, messages, recorded(trusts=trusts)) == [
        (1, 100, 1, 1, 1, 0),
        (2, 300, 0, 0, 3, gap),
        (2, 300, 1, 0, 3, gap),
        (2, 300, 0, 0, 3, gap),
    ]


def test_rows_of_a_trust_record_at_the_end():
    trusts = [{"reasons": reasons("gap"), "first": 2, "last": 8, "sequence": 9}]
    gap = reasons("gap")
    assert rows_of(SETUP, table(OPENING[0]), recorded(trusts=trusts)) == [
        (1, 100, 1, 1, 1, 0),
        (2, 100, 0, 0, 9, gap),
        (2, 100, 1, 0, 9, gap),
    ]


def test_rows_through_the_arbiter():
    setup = replace(SETUP, feed=FeedSetup(hold_ns=150))
    whole = table(*OPENING)
    late = whole.select(np.array([0, 2, 3, 1]))
    late = replace(late, arrival_ns=np.array([0, 100, 200, 249], np.uint64))
    assert rows_of(setup, Arbiter(setup).deliver([late])) == rows_of(setup, whole)
    too_late = replace(late, arrival_ns=np.array([0, 100, 200, 250], np.uint64))
    inputs = recorded(trusts=[{"reasons": reasons("gap"), "first": 2, "last": 2, "sequence": 3}])
    assert rows_of(setup, Arbiter(setup).deliver([too_late])) == rows_of(setup, whole, inputs)


def test_an_empty_run_gives_an_empty_journal():
    journal = ModelCard(SETUP).run(MessageTable.from_messages([]))
    assert journal.equal(Journal())
    assert ModelCard(SETUP).run([], recorded()).equal(Journal())


class Slow:
    """A delivery with no regard to speed: a message at a time, with what belongs to it."""

    def __init__(self, messages, inputs):
        self.books, self.out = Books(SETUP), []
        trusts = list(inputs.trusts)
        for row in range(len(messages)):
            sequence = int(messages.sequence[row])
            while trusts and trusts[0]["sequence"] <= sequence:
                self.out += self.rows(trusts.pop(0), self.books.delivered + 1, messages, row)
            if sequence in inputs.overflows["sequence"]:
                self.books.drop(messages, row)
                taint = {"reasons": reasons("overflow")}
                if (sequence, 1) in inputs.overflows.tolist():
                    self.out += self.rows(taint, self.books.delivered, messages, row)
                continue
            no_way = sequence in inputs.capacities["sequence"]
            for _, rows in self.books.follow(messages, row, row + 1, no_way=no_way):
                self.out += rows.tolist()

    def rows(self, record, number, messages, row):
        at_ns = Books.time_of(messages, row)
        sequence = int(messages.sequence[row])
        return self.books.taint(int(record["reasons"]), number, sequence, at_ns).tolist()


@pytest.mark.parametrize("seed", range(10))
def test_recorded_events_fall_between_the_right_messages(seed):
    rng = random.Random(seed)
    live, messages = [], []
    for reference in range(1, 300):
        if live and rng.random() < 0.4:
            messages.append(OrderDelete(reference=live.pop(rng.randrange(len(live))), locate=1))
        else:
            live.append(reference)
            messages.append(add(reference, "B", MID + rng.randrange(-9, 9), 1))
    whole = table(*messages)
    places = sorted(rng.sample(range(1, 300), 12))
    inputs = recorded(
        trusts=[{"reasons": reasons("fault"), "sequence": places[n]} for n in (2, 2, 5)],
        overflows=[places[n] for n in (2, 8)],
        shared=[places[n] for n in (0, 10)],
        capacities=[places[n] for n in (0, 1, 4, 5, 9)],
    )
    rows = [row for _, rows in Delivery(Books(SETUP), whole, inputs) for row in rows.tolist()]
    assert rows == Slow(whole, inputs).out
