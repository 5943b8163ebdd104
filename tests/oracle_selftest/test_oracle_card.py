"""The oracle of the whole card: from messages to positions, by a session worked out by hand.

Two symbols with ticks of 1/10000 dollar, hedge 1, no mean: A is quoted 1000 to 1002, B 990 to 992,
so that s = 20 and the pair sells A (100 at 997) and buys B (200 at 996). Then A falls to 981 to
983: s = 1964 - 1982 = -18, and it takes back what it holds.
"""

import numpy as np
import pytest
from oracle.book import OracleError, Trust, bit
from oracle.card import CardRun, Facts, Recorded, run_card
from oracle.gate import Response, check
from oracle.pairs import Outcome
from oracle.tape import Tape

from tickwright.host.records import TABLES, GateState, IntentKind, Journal, ResponseKind
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup

A, B = 11, 12
BUY, SELL = 0, 1
ARMED, KILLED = GateState.ARMED, GateState.KILLED
LIMITS = {"max_shares": 500, "max_notional": 1_000_000, "max_position": 300, "collar": 10}
SYMBOL = {"base_tick": 900, "cent_tick": False, "status": ord("T")} | LIMITS
SETUP = CardSetup(
    window=256,
    symbols=(
        SymbolSetup(name="A", locate=A, **SYMBOL),
        SymbolSetup(name="B", locate=B, **SYMBOL),
    ),
    pairs=(
        PairSetup(
            name="a-b",
            symbol_a=0,
            symbol_b=1,
            hedge=1 << 16,
            mean=0,
            entry_sq=(10 << 8) ** 2,
            exit_sq=(2 << 8) ** 2,
            stop_sq=(100 << 8) ** 2,
            min_edge=0,
            shares_a=100,
            shares_b=200,
            max_spread_a=2,
            max_spread_b=2,
            aggression_a=3,
            aggression_b=4,
            retry_ns=1_000,
        ),
    ),
    gate=GateSetup(max_shares=400, max_notional=900_000, state="armed"),
)


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
    rows("overflows", {"sequence": 8})
    rows("capacities", {"sequence": 9})
    seen = {"quotes_seen": 7, "responses_applied": 2, "state": 2, "feed_ok": 1, "session_ok": 0}
    rows("verdicts", {"id": 3, "passed": 1, "checks": 1 << 9} | seen)
    leg = {"pair": 6, "leg": 1, "side": 1, "filled": 50, "done": 1}
    rows("applied", {"pair": 5, "refused": 1, "evaluations": 40}, leg | {"evaluations": 41})
    rows("responses", {"kind": 2, "user_ref": 12, "shares": 50, "price": 997, "match": 3})
    assert Recorded.of(journal) == Recorded(
        trusts=[Trust(5, bit("gap"), 3, 4)],
        overflows=[8],
        capacities=[9],
        facts={3: Facts(7, 2, 2, 1, 0)},
        applied=[(Outcome(5, 1), 40), (Outcome(6, 0, 1, SELL, 50, 1), 41)],
        responses=[Response(ResponseKind.EXECUTED, 12, 50)],
    )
