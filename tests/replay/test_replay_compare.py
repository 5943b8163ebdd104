"""Two runs are compared in everything, and the first difference is told with both sides of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tickwright.feed.messages import OrderDelete
from tickwright.market.messages_table import MessageTable
from tickwright.replay.compare import compare, decoded
from tickwright.replay.outcome import Outcome


def changed(outcome: Outcome, name: str, row: int, column: str, value: int) -> Outcome:
    rows = getattr(outcome.journal, name).copy()
    rows[column][row] = value
    return replace(outcome, journal=replace(outcome.journal, **{name: rows}))


def test_a_run_is_the_same_as_itself(outcome: Outcome):
    assert compare(outcome, replace(outcome)) is None


def test_latency_is_no_difference_for_the_model_has_none(outcome: Outcome):
    assert compare(outcome, replace(outcome, latencies={})) is None


def test_a_ledger_that_differs_is_told(outcome: Outcome):
    right = [
        {result.symbol: result.position for result in outcome.results}.get(symbol.name, 0)
        for symbol in outcome.setup.symbols
    ]
    assert compare(replace(outcome, ledger=right), replace(outcome, ledger=right)) is None
    wrong = [right[0] + 1, *right[1:]]
    found = compare(replace(outcome, ledger=right), replace(outcome, ledger=wrong))
    assert found is not None
    assert found.what == "position in the ledger, symbol 0"
    both = compare(replace(outcome, ledger=wrong), replace(outcome, ledger=wrong))
    assert both is not None
    assert both.what.endswith("ledger, and the sum of the fills")


def test_evaluations_left_out_are_counted_as_they_are_recorded(outcome: Outcome, table):
    rows = table(
        "coalesced",
        {"sequence": 2, "quotes": 1, "evaluations": 200},
        {"sequence": 4, "quotes": 3, "evaluations": 100},
    )
    one = replace(outcome, journal=replace(outcome.journal, coalesced=rows))
    assert compare(replace(one, coalesced=300), one) is None
    found = compare(replace(one, coalesced=302), one)
    assert found is not None
    assert found.what == "evaluations left out: counted, and recorded"
    assert (found.ours, found.theirs) == ("302", "300")


def test_coalesced_quotes_are_compared(outcome: Outcome, table):
    rows = table("coalesced", {"sequence": 4, "quotes": 3, "evaluations": 2})
    one = replace(outcome, journal=replace(outcome.journal, coalesced=rows))
    found = compare(one, changed(one, "coalesced", 0, "quotes", 2))
    assert found is not None
    assert found.what == "coalesced row 0 (quotes), message sequence 4"
    found = compare(outcome, one)
    assert found is not None
    assert found.theirs == "sequence 4, quotes 3, evaluations 2"


@pytest.mark.parametrize(
    ("name", "row", "column", "sequence"),
    [
        ("quotes", 3, "bid", 4),
        ("quotes", 0, "reasons", 1),
        ("trusts", 0, "last", 8),
        ("intents", 1, "leg1_price", 8),
        ("verdicts", 2, "checks", 9),
        ("orders", 1, "short", 4),
        ("responses", 2, "shares", None),
        ("applied", 0, "refused", None),
    ],
)
def test_any_column_may_differ(outcome: Outcome, name, row, column, sequence):
    other = changed(outcome, name, row, column, 3)
    found = compare(outcome, other)
    assert found is not None
    assert found.what.startswith(f"{name} row {row} ({column})")
    assert found.sequence == sequence
    before = int(getattr(outcome.journal, name)[column][row])
    assert f"{column} {before}" in found.ours
    assert f"{column} 3" in found.theirs
    told = found.lines("twin", "model")
    assert [line.split()[0] for line in told] == ["first", "twin", "model"]


def test_a_row_that_is_missing_is_told(outcome: Outcome):
    journal = replace(outcome.journal, orders=outcome.journal.orders[:3])
    found = compare(outcome, replace(outcome, journal=journal))
    assert found is not None
    assert (found.theirs, found.sequence) == ("has no such row", 9)


def test_the_earliest_message_comes_first(outcome: Outcome):
    other = changed(changed(outcome, "quotes", 5, "bid", 1), "orders", 0, "price", 1)
    found = compare(outcome, other)
    assert found is not None
    assert found.what.startswith("orders row 0")


def test_frames_are_compared_byte_by_byte(outcome: Outcome):
    frames = list(outcome.frames)
    frames[2] = frames[2][:50] + b"\xff" + frames[2][51:]
    found = compare(outcome, replace(outcome, frames=frames))
    assert found is not None
    assert found.what == "frame 2, byte 50 (104 and 104 bytes), from 42"
    assert found.theirs.split()[8] == "ff"
    assert found.sequence == 9
    found = compare(outcome, replace(outcome, frames=frames[:1]))
    assert found is not None
    assert (found.what, found.ours, found.theirs) == ("number of frames", "4", "1")


def test_a_frame_may_be_cut(outcome: Outcome):
    frames = [outcome.frames[0][:100], *outcome.frames[1:]]
    found = compare(outcome, replace(outcome, frames=frames))
    assert found is not None
    assert found.what.startswith("frame 0, byte 100 (104 and 100 bytes)")


def test_fills_and_positions_are_compared_too(outcome: Outcome):
    found = compare(outcome, replace(outcome, fee=1))
    assert found is not None
    assert found.what == "fills row 0"
    symbols = (replace(outcome.setup.symbols[0], position=1), *outcome.setup.symbols[1:])
    found = compare(outcome, replace(outcome, setup=replace(outcome.setup, symbols=symbols)))
    assert found is not None
    assert found.what == "positions row 0"


class TestDecoded:
    """A message as text."""

    MESSAGES = MessageTable.from_messages(
        [OrderDelete(locate=3, reference=99).pack(), b"D" + bytes(14), b"A" + b"\xff" * 35]
    )

    def test_with_its_fields(self):
        assert decoded(self.MESSAGES, 1) == (
            "message 1 (D): OrderDelete(locate=3, tracking=0, timestamp_ns=0, reference=99)"
        )

    def test_or_as_bytes(self):
        assert "skipped: no type 'D' of that length" in decoded(self.MESSAGES, 2)
        assert decoded(self.MESSAGES, 3).startswith("message 3 (A): 41 ff ff")

    def test_or_not_at_all(self):
        assert decoded(self.MESSAGES, 4) == "no message of the recording has sequence 4"
        assert np.all(self.MESSAGES.sequence == [1, 2, 3])
