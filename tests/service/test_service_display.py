"""An answer in parts: values as people read them, rows as tables, texts as they are."""

from __future__ import annotations

import pytest

from tickwright.service.display import dollars, markup, parts, shown
from tickwright.service.protocol import (
    Changed,
    Counters,
    OrderRow,
    Orders,
    PositionRow,
    Positions,
    SetText,
)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("bid", 601_050, "60.1050"),
        ("cash", -1, "-0.0001"),
        ("mid", 1_202_101, "60.10505"),
        ("checksum", 255, "0xff"),
        ("loaded_ns", 1_767_625_200_123_456_789, "2026-01-05 15:00:00.123456"),
        ("card_ns", 34_200_000_000_001, "09:30:00.000000001"),
        ("position", -1_200, "-1,200"),
        ("z", None, "-"),
        ("z", -1.25, "-1.250"),
        ("confirmed", True, "yes"),
        ("alarms", [], "-"),
        ("reasons", ["host", "ledger"], "host, ledger"),
        ("refusals", {"price": 3}, "price 3"),
        ("name", "", "-"),
    ],
)
def test_a_value_as_people_read_it(name: str, value: object, text: str):
    assert shown(name, value) == text


def test_money_has_its_sign_before_all():
    assert dollars(-12_345_678) == "-1,234.5678"
    assert dollars(0) == "0.0000"


def test_rows_become_a_table_and_numbers_stand_right():
    row = OrderRow(1, 2, "KO", "B", 100, 601_000, 0, "sent", 0)
    (table,) = parts(Orders([row])).tables
    assert table.title == "rows"
    assert table.columns[:3] == ["user ref", "intent", "symbol"]
    assert table.cells == [["1", "2", "KO", "B", "100", "60.1000", "0", "sent",
                            "00:00:00.000000000"]]  # fmt: skip
    assert {"shares", "price"} <= table.right
    assert "symbol" not in table.right


def test_a_table_without_rows_has_its_columns():
    found = parts(Positions(False, []))
    assert found.values == [("confirmed", "no")]
    assert found.tables[0].columns[0] == "symbol"
    assert not found.tables[0].cells


def test_blocks_become_tables_and_files_texts():
    (table,) = parts(Counters({"risk": {"refused": 3}})).tables
    assert (table.title, table.cells) == ("risk", [("refused", "3")])
    text = SetText(1, 2, True, "d.toml", 0, "ann", "[a]\nb = 1\n")
    assert parts(text).texts == ["[a]\nb = 1\n"]


def test_markup_escapes_what_a_file_may_hold():
    shown = markup(Positions(True, [PositionRow("<b>", 1, 2, 3, None)]))
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert markup(Changed(True, 1, 2, [])).count("<table>") == 2
