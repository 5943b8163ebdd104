"""What came of a run, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tickwright.host.records import IntentKind, Journal
from tickwright.replay.numbering import Numbering
from tickwright.replay.outcome import Outcome


class TestNumbering:
    """Messages count from 1, those lost left out."""

    @pytest.mark.parametrize(
        ("start", "gaps", "sequence", "number"),
        [
            (1, [], 1, 1),
            (1, [], 10**12, 10**12),
            (100, [], 100, 1),
            (1, [(6, 7)], 5, 5),
            (1, [(6, 7)], 8, 6),
            (1, [(6, 7), (9, 9)], 8, 6),
            (1, [(6, 7), (9, 9)], 10, 7),
            (1, [(1, 3)], 4, 1),
        ],
    )
    def test_of_one_message(self, start: int, gaps: list, sequence: int, number: int):
        first, last = (np.array([gap[end] for gap in gaps], np.int64) for end in (0, 1))
        numbering = Numbering(start, first, last)
        assert numbering.number(sequence) == number
        assert numbering.lost == sum(last - first + 1)

    def test_comes_from_the_gaps_of_the_journal_only(self, table):
        trusts = table(
            "trusts",
            {"all": 1, "reasons": 1, "first": 6, "last": 7, "sequence": 8},
            {"all": 1, "reasons": 2, "sequence": 9},
        )
        numbering = Numbering.of(Journal(trusts=trusts), 1)
        assert (numbering.lost, numbering.number(9)) == (2, 7)

    @pytest.mark.parametrize("others", [2, 4, 6])
    def test_counts_what_a_merged_record_says_is_lost(self, table, others: int):
        merged = {"all": 1, "reasons": 1 | others, "sequence": 9}
        there = Journal(trusts=table("trusts", {**merged, "first": 6, "last": 8}))
        none = Journal(trusts=table("trusts", merged))
        assert (Numbering.of(there, 1).lost, Numbering.of(there, 1).number(9)) == (3, 6)
        assert (Numbering.of(none, 1).lost, Numbering.of(none, 1).number(9)) == (0, 9)

    def test_counts_message_0_as_lost_where_1_comes_next(self, table):
        trusts = table("trusts", {"all": 1, "reasons": 1, "sequence": 1})
        numbering = Numbering.of(Journal(trusts=trusts), 0)
        assert (numbering.lost, numbering.number(1)) == (1, 1)


class TestOrders:
    """A row for each leg that was wished."""

    def test_each_has_its_verdict_and_what_came_of_it(self, outcome: Outcome):
        found = [
            (row.message, row.leg, row.symbol, row.side, row.price, row.user_ref, row.verdict)
            for row in outcome.order_rows
        ]
        assert found == [
            (4, 0, "KO", "T", 10_600, 7, "sent"),
            (4, 1, "PEP", "B", 10_200, 8, "sent"),
            (6, 0, "KO", "B", 10_800, None, "trust+collar"),
            (6, 1, "PEP", "S", 10_400, None, "trust+collar"),
            (7, 0, "KO", "B", 10_500, 9, "sent"),
            (7, 1, "PEP", "S", 10_400, 10, "sent"),
        ]
        assert [row.latency_cycles for row in outcome.order_rows] == [21, 38, None, None, 23, 40]

    def test_a_leg_that_is_not_valid_has_none(self, outcome: Outcome):
        outcome.journal.intents["leg1_valid"][0] = 0
        assert [row.leg for row in outcome.order_rows if row.intent_id == 1] == [0]

    def test_one_that_was_never_judged_says_so(self, outcome: Outcome):
        without = replace(outcome, journal=Journal(intents=outcome.journal.intents))
        assert {row.verdict for row in without.order_rows} == {"unjudged"}

    def test_wishes_are_told_with_whether_they_left(self, outcome: Outcome):
        assert [(wish.pair, wish.kind, wish.sent) for wish in outcome.wishes] == [
            ("cola", IntentKind.ENTER_SHORT, True),
            ("cola", IntentKind.EXIT, False),
            ("cola", IntentKind.EXIT, True),
        ]

    def test_an_intent_counts_for_each_check_that_refused_it(self, outcome: Outcome):
        assert outcome.refused_by == {"trust": 1, "collar": 1}


class TestMoney:
    """Fills, positions and profit, exact to a thousandth of a price unit."""

    def test_fills_have_the_side_of_their_order(self, outcome: Outcome):
        assert [(fill.user_ref, fill.symbol, fill.side, fill.shares) for fill in outcome.fills] == [
            (7, "KO", "T", 100), (8, "PEP", "B", 60), (8, "PEP", "B", 40), (9, "KO", "B", 100)
        ]  # fmt: skip
        assert [fill.fee for fill in outcome.fills] == [3_000_000, 1_800_000, 1_200_000, 3_000_000]

    def test_positions_start_from_what_was_held(self, outcome: Outcome):
        assert [(one.symbol, one.position, one.mark) for one in outcome.results] == [
            ("KO", 0, 10_450), ("PEP", 90, 10_500)
        ]  # fmt: skip

    def test_profit_is_cash_and_what_is_held_at_its_mid(self, outcome: Outcome):
        ko = 100 * (10_600 - 10_500) * 1000 - 6_000_000
        pep = -(60 * 10_200 + 40 * 10_100) * 1000 - 3_000_000 + 100 * 10_500 * 1000
        assert [one.profit for one in outcome.results] == [ko, pep]
        assert outcome.profit == ko + pep

    def test_nothing_traded_earns_nothing(self, setup):
        none = Outcome(setup, Journal(), Numbering.of(Journal(), 1), fee=1)
        assert (none.profit, none.fills, none.order_rows) == (0, [], [])
        assert [(one.symbol, one.position, one.profit) for one in none.results] == [("PEP", -10, 0)]
