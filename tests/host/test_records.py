"""Records are named and numbered as the gateware's types are, and journals find differences."""

import numpy as np
import pytest
from amaranth.lib import data

from tickwright.book import types as book
from tickwright.feed import types as feed
from tickwright.host import records
from tickwright.host.records import Journal
from tickwright.order import types as order
from tickwright.risk import types as risk
from tickwright.strategy import types as strategy


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (records.Side, feed.Side),
        (records.BookOp, feed.BookOp),
        (records.IntentKind, strategy.IntentKind),
        (records.GateState, risk.GateState),
        (records.ResponseKind, order.ResponseKind),
    ],
    ids=lambda kind: kind.__module__.split(".")[1],
)
def test_enumerations_are_those_of_the_gateware(ours, theirs):
    assert {item.name: item.value for item in ours} == {item.name: item.value for item in theirs}


def members(layout, prefix=""):
    """Name the fields of a layout as a table has them, with their width in bits."""
    for name, field in layout:
        shape = field.shape
        if name == "cause":
            yield from members(data.Layout.cast(shape))
        elif isinstance(shape, data.ArrayLayout):
            for index in range(shape.length):
                yield from members(data.Layout.cast(shape.elem_shape), f"leg{index}_")
        else:
            yield prefix + name, field.width


@pytest.mark.parametrize(
    ("table", "layout"),
    [
        (records.QUOTE, book.Quote(64)),
        (records.TRUST, feed.Trust(64)),
        (records.OVERFLOW, data.Layout.cast(book.Overflow)),
        (records.CAPACITY, data.Layout.cast(book.Capacity)),
        (records.COALESCED, strategy.Coalesced(8)),
        (records.INTENT, strategy.Intent(64, 64)),
        (records.VERDICT, data.Layout.cast(risk.Verdict)),
        (records.ORDER, risk.Order(64)),
        (records.APPLIED, strategy.Outcome(64)),
        (records.RESPONSE, data.Layout.cast(order.Response)),
    ],
)
def test_columns_are_fields_of_the_gateware_and_wide_enough(table, layout):
    widths = {"evaluations": 32} | dict(members(layout))
    for name in table.names:
        assert 8 * table[name].itemsize >= widths[name], name


def test_journals_of_one_kind_only():
    with pytest.raises(TypeError, match=r"journal\.quotes: found"):
        Journal(quotes=np.zeros(1, records.TRUST))


def quotes(*rows):
    table = np.zeros(len(rows), records.QUOTE)
    for row, (sequence, bid) in enumerate(rows):
        table[row]["sequence"], table[row]["bid"] = sequence, bid
    return table


def test_equal_journals_have_no_difference():
    ours, theirs = Journal(quotes=quotes((1, 5))), Journal(quotes=quotes((1, 5)))
    assert ours.equal(theirs)
    assert ours.first_difference(theirs) is None


def test_a_difference_names_table_row_and_columns():
    ours, theirs = Journal(quotes=quotes((1, 5), (3, 7))), Journal(quotes=quotes((1, 5), (3, 8)))
    found = ours.first_difference(theirs)
    assert found is not None
    assert (found.table, found.row, found.columns) == ("quotes", 1, ("bid",))
    assert str(found) == "quotes row 1 (message sequence 3): bid 7 != 8"
    assert not ours.equal(theirs)


def test_a_missing_row_is_a_difference():
    found = Journal(quotes=quotes((1, 5))).first_difference(Journal())
    assert found is not None
    assert found.theirs is None
    assert str(found).startswith("quotes row 0 (message sequence 1): only ours has")


def test_the_earliest_message_counts_not_the_earliest_table():
    intents = np.zeros(1, records.INTENT)
    intents["sequence"], intents["id"] = 2, 1
    ours = Journal(quotes=quotes((9, 5)), intents=intents)
    theirs = Journal(quotes=quotes((9, 6)))
    found = ours.first_difference(theirs)
    assert found is not None
    assert found.table == "intents"
    assert ours.first_difference(theirs, ["quotes"]).table == "quotes"


def test_a_verdict_is_placed_by_its_intent():
    intents, verdicts = np.zeros(1, records.INTENT), np.zeros(1, records.VERDICT)
    intents["sequence"], intents["id"] = 2, 1
    verdicts["id"] = 1
    ours = Journal(quotes=quotes((9, 5)), intents=intents, verdicts=verdicts)
    passed = verdicts.copy()
    passed["passed"] = 1
    theirs = Journal(quotes=quotes((9, 6)), intents=intents, verdicts=passed)
    found = ours.first_difference(theirs)
    assert found is not None
    assert (found.table, found.sequence) == ("verdicts", 2)
