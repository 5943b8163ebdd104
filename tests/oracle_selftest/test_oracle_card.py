"""The oracle of the whole card: from messages to positions, by a session worked out by hand.

The pair of the desk enters: it sells 100 A at 997 and buys 200 B at 996. Then A falls to 981 to
983: s = 1964 - 1982 = -18, and it takes back what it holds.
"""

import numpy as np
import pytest
from oracle.book import OracleError, Overflow, Trust, bit
from oracle.card import CardRun, Coalesced, Facts, Recorded, run_card
from oracle.desk import A, B, desk, watched
from oracle.gate import Response, check
from oracle.pairs import Outcome
from oracle.tape import Tape

from tickwright.host.records import TABLES, GateState, IntentKind, Journal, ResponseKind

BUY, SELL = 0, 1
ARMED, KILLED = GateState.ARMED, GateState.KILLED
SETUP = desk(watched("A", locate=A), watched("B", locate=B))


def session() -> Tape:
    tape = Tape()
    tape.add(A, 1, "B", 500, 1_000)
    tape.add(A, 2, "S", 500, 1_002)
    tape.add(B, 3, "B", 500, 990)
    tape.add(B, 4, "S", 500, 992)  # the pair enters: quote 4, evaluation 4
    tape.add(A, 5, "B", 500, 981)  # no quote
    tape.add(A, 6, "S", 500, 983)  # crossed: quote 5, evaluation 5
    tape.delete(A, 1)  # 981 to 983: quote 6, evaluation 6, the pair leaves
    tape.cancel(B, 3, 1)  # quote 7, evaluation 7
    return tape


FILLED = [
    Response(ResponseKind.ACCEPTED, 1),
    Response(ResponseKind.EXECUTED, 1, 100),
    Response(ResponseKind.EXECUTED, 2, 200),
    Response(ResponseKind.EXECUTED, 3, 100),
    Response(ResponseKind.EXECUTED, 4, 50),
    Response(ResponseKind.CANCELED, 4, 150),
]
FACTS = {1: Facts(4, 0, ARMED, 1, 1), 2: Facts(6, 3, ARMED, 1, 1)}
APPLIED = [(Outcome(0, 0, 0, SELL, 100, 1), 4), (Outcome(0, 0, 1, BUY, 200, 1), 5)]


def run(**recorded) -> CardRun:
    inputs = {"facts": FACTS, "applied": APPLIED, "responses": FILLED} | recorded
    return run_card(session().numbered, SETUP, Recorded(**inputs))


def test_it_enters_and_leaves():
    out = run()
    assert [intent.kind for intent in out.intents] == [IntentKind.ENTER_SHORT, IntentKind.EXIT]
    assert [(i.sequence, i.feed_ns) for i in out.intents] == [(4, 1_003_000), (7, 1_006_000)]
    # The way back: A is bought at 983 + 3; B sold at 990 - 4.
    assert [order[:8] for order in out.orders] == [
        (1, 1, 0, 0, SELL, 1, 100, 997),
        (2, 1, 1, 1, BUY, 0, 200, 996),
        (3, 2, 0, 0, BUY, 0, 100, 986),
        (4, 2, 1, 1, SELL, 0, 200, 986),
    ]
    assert [verdict.passed for verdict in out.verdicts] == [1, 1]
    assert out.positions == [0, 150]
    assert (out.evaluations, out.ledger_fault) == (7, False)


def test_a_refusal_comes_back_to_the_strategy():
    # Killed at the first intent: flat again, and the time to retry has passed at the next quote,
    # where A is crossed; at quote 6 the pair enters long: s = -18, edge -1966 + 1980 = 14.
    out = run(
        facts={1: Facts(4, 0, KILLED, 1, 1), 2: Facts(7, 0, ARMED, 0, 1)},
        applied=[(Outcome(0, 1), 4), (Outcome(0, 1), 6)],
        responses=[],
    )
    assert [v.checks for v in out.verdicts] == [check("killed"), check("feed"), 0][:2]
    assert [intent.kind for intent in out.intents] == [
        IntentKind.ENTER_SHORT,
        IntentKind.ENTER_LONG,
        IntentKind.ENTER_LONG,
    ]
    assert len(out.verdicts) == 2  # the third was still waiting when the record ends
    assert out.orders == []


def test_a_trust_record_between_wish_and_verdict_refuses():
    # The record precedes message 5, which makes no quote: the gate has seen 5 things.
    gap = Trust(5, bit("gap"), 5, 9)
    out = run(trusts=[gap], facts={1: Facts(5, 0, ARMED, 1, 1)}, applied=[], responses=[])
    assert out.verdicts[0].checks == check("trust")
    # Without the outcome the pair waits for ever.
    assert len(out.intents) == 1


def test_the_newest_quote_judges():
    # Judged after quote 5 (A's ask 983, its bid still 1000): the same. After quote 6 the bid is
    # 981, and the sale at 997 is further from it than it must be: selling dearer is allowed.
    out = run(facts={1: Facts(6, 0, ARMED, 1, 1)}, applied=[], responses=[])
    assert out.verdicts[0].checks == 0


def test_a_venue_that_fills_too_much_is_a_fault():
    responses = [*FILLED[:3], Response(ResponseKind.EXECUTED, 2, 1)]
    out = run(
        responses=responses,
        facts={1: FACTS[1], 2: Facts(6, 4, KILLED, 1, 1)},
    )
    assert out.ledger_fault
    assert out.verdicts[1].checks == check("killed", "ledger")
    assert out.positions == [-100, 200]


def test_a_coalesced_quote_is_kept_but_not_evaluated():
    # Quote 4, which would let the pair enter, is number 3 when counted from 0: it waits for the
    # next, quote 5, where A is crossed, and enters long with quote 6 (s = -18).
    out = run(
        coalesced=[Coalesced(4, 3, 1)],
        facts={1: Facts(6, 0, ARMED, 1, 1)},
        applied=[],
        responses=[],
    )
    assert [(i.sequence, i.kind) for i in out.intents] == [(7, IntentKind.ENTER_LONG)]
    assert out.evaluations == 6
    assert out.verdicts[0].quotes_seen == 6  # the gate sees every quote


def test_the_next_evaluation_uses_the_quote_that_was_kept():
    # Quote 6 of A is left out; that of B is evaluated with it: s = 1964 - 1982 = -18.
    out = run(coalesced=[Coalesced(7, 5, 1)], facts={1: FACTS[1], 2: Facts(7, 3, ARMED, 1, 1)})
    assert [(i.sequence, i.kind) for i in out.intents] == [
        (4, IntentKind.ENTER_SHORT),
        (8, IntentKind.EXIT),
    ]
    assert (out.evaluations, len(out.orders)) == (6, 4)


def test_trust_records_are_not_counted_among_the_quotes_before_a_coalesced_one():
    # The record comes before message 5, which now publishes a quote: those of 1 to 5 precede 6.
    out = run(
        trusts=[Trust(5, bit("gap"), 5, 9)],
        coalesced=[Coalesced(6, 5, 1)],
        facts={1: Facts(5, 0, ARMED, 1, 1)},
        applied=[],
        responses=[],
    )
    assert [quote.sequence for quote in out.books.quotes] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert out.evaluations == 7


def test_both_quotes_of_a_mismatch_are_evaluated_each_as_its_own():
    # The pair holds when X of B names an order of A: it leaves by A's quote, which comes second,
    # for B's is left out. Both have the sequence of the message.
    tape = session()
    tape.messages = tape.messages[:4]
    tape.delete(A, 1)  # quote 5: no bid
    tape.add(A, 6, "B", 500, 980)  # quote 6
    tape.add(A, 7, "S", 500, 982)  # quote 7: crossed against nothing, 980 to 982
    tape.cancel(B, 6, 1)  # quotes 8 (B) and 9 (A)
    out = run_card(
        tape.numbered,
        SETUP,
        Recorded(
            coalesced=[Coalesced(6, 5, 1), Coalesced(7, 6, 1), Coalesced(8, 7, 1)],
            facts={1: FACTS[1], 2: Facts(9, 3, ARMED, 1, 1)},
            applied=[(APPLIED[0][0], 4), (APPLIED[1][0], 4)],
            responses=FILLED[:3],
        ),
    )
    assert [(i.sequence, i.kind) for i in out.intents] == [
        (4, IntentKind.ENTER_SHORT),
        (8, IntentKind.EXIT),
    ]
    assert out.verdicts[1].checks == check("trust")
    assert out.evaluations == 6


IMPOSSIBLE = {
    "not-its-outcome": {"applied": [(Outcome(0, 0, 0, SELL, 99, 1), 4)]},
    "nothing-to-tell": {"applied": [(Outcome(0, 1), 4)]},
    "before-the-wish": {"applied": [(Outcome(0, 0, 0, SELL, 100, 1), 3)]},
    "behind-the-end": {"applied": [(Outcome(0, 0, 0, SELL, 100, 1), 8)]},
    "before-its-own-quote": {"facts": {1: Facts(3, 0, ARMED, 1, 1)}, "applied": []},
    "armed-behind-a-fault": {
        "responses": [Response(ResponseKind.EXECUTED, 9, 1)],
        "facts": {1: Facts(4, 1, ARMED, 1, 1)},
        "applied": [],
    },
    "coalesced-by-another-message": {"coalesced": [Coalesced(5, 5, 1)]},
    "coalesced-more-than-are-listed": {"coalesced": [Coalesced(7, 5, 2)]},
    "coalesced-behind-the-end": {"coalesced": [Coalesced(9, 7, 1)]},
    "coalesced-out-of-order": {"coalesced": [Coalesced(7, 5, 1), Coalesced(1, 0, 1)]},
    "responses-taken-back": {
        "facts": {1: Facts(4, 0, ARMED, 1, 1), 2: Facts(6, 1, ARMED, 1, 1)},
    },
}


@pytest.mark.parametrize("recorded", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_record_that_cannot_be_is_refused(recorded):
    with pytest.raises(OracleError):
        run(**recorded)


def test_the_inputs_are_read_from_a_journal():
    journal = Journal()

    def rows(name: str, *values: dict[str, int]) -> None:
        table = np.zeros(len(values), TABLES[name])
        for row, columns in zip(table, values, strict=True):
            for column, value in columns.items():
                row[column] = value
        setattr(journal, name, table)

    gap = {"all": 1, "sequence": 5, "reasons": bit("gap"), "first": 3, "last": 4}
    rows("trusts", gap, {"all": 1, "sequence": 8, "reasons": bit("overflow")})
    rows("overflows", {"sequence": 8, "marked": 1}, {"sequence": 10})
    rows("capacities", {"sequence": 9})
    rows("coalesced", {"sequence": 11, "quotes": 6, "evaluations": 3})
    seen = {"quotes_seen": 7, "responses_applied": 2, "state": 2, "feed_ok": 1, "session_ok": 0}
    rows("verdicts", {"id": 3, "passed": 1, "checks": 1 << 9} | seen)
    leg = {"pair": 6, "leg": 1, "side": 1, "filled": 50, "done": 1}
    rows("applied", {"pair": 5, "refused": 1, "evaluations": 40}, leg | {"evaluations": 41})
    rows("responses", {"kind": 2, "user_ref": 12, "shares": 50, "price": 997, "match": 3})
    assert Recorded.of(journal) == Recorded(
        trusts=[Trust(5, bit("gap"), 3, 4)],
        overflows=[Overflow(8, 1), Overflow(10, 0)],
        capacities=[9],
        coalesced=[Coalesced(11, 6, 3)],
        facts={3: Facts(7, 2, 2, 1, 0)},
        applied=[(Outcome(5, 1), 40), (Outcome(6, 0, 1, SELL, 50, 1), 41)],
        responses=[Response(ResponseKind.EXECUTED, 12, 50)],
    )
