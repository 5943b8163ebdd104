"""The scripted venue answers each order by its rule, and refuses a rule that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.exchange.scripted import FillsError, ScriptedVenue
from tickwright.host.records import ResponseKind

HEADER = "user_ref_num,shares,price\n"


def kinds(fills: str, user_ref: int = 7, shares: int = 100) -> list[tuple[ResponseKind, int]]:
    answers = ScriptedVenue(fills).answers(user_ref, shares, 250_000)
    return [(answer.kind, answer.shares) for answer in answers]


def test_full_fills_all_at_the_limit():
    assert kinds("full") == [(ResponseKind.ACCEPTED, 0), (ResponseKind.EXECUTED, 100)]
    assert ScriptedVenue("full").answers(7, 100, 250_000)[1].price == 250_000


def test_none_cancels_all():
    assert kinds("none") == [(ResponseKind.ACCEPTED, 0), (ResponseKind.CANCELED, 100)]


@pytest.mark.parametrize("user_ref", range(1, 40))
def test_random_accounts_for_every_share_and_depends_on_the_order_alone(user_ref: int):
    found = kinds("random:3", user_ref)
    assert found == kinds("random:3", user_ref)
    if found[0][0] != ResponseKind.REJECTED:
        assert sum(shares for _, shares in found) == 100


def test_a_file_fills_the_orders_it_names(tmp_path: Path):
    path = tmp_path / "F.csv"
    path.write_text(HEADER + "7,60,249900\n7,60,250000\n")
    assert kinds(str(path)) == [
        (ResponseKind.ACCEPTED, 0),
        (ResponseKind.EXECUTED, 60),
        (ResponseKind.EXECUTED, 40),
    ]
    assert kinds(str(path), user_ref=8)[1] == (ResponseKind.CANCELED, 100)


@pytest.mark.parametrize("row", ["7,-5,1", "7,5,-1", f"7,5,{1 << 32}", "0,5,1", "7,x,1", "7,5"])
def test_a_file_with_an_impossible_row_is_refused_by_line(tmp_path: Path, row: str):
    path = tmp_path / "F.csv"
    path.write_text(HEADER + "7,5,1\n" + row + "\n")
    with pytest.raises(FillsError, match=r"F\.csv, line 3: found"):
        ScriptedVenue(str(path))


@pytest.mark.parametrize("fills", ["random:x", "/nowhere/F.csv"])
def test_a_rule_that_is_none_is_refused(fills: str):
    with pytest.raises(FillsError, match="fills: found"):
        ScriptedVenue(fills)


def test_a_venue_that_answers_at_once_is_refused():
    with pytest.raises(FillsError, match="expected at least 1"):
        ScriptedVenue("full", 0)
