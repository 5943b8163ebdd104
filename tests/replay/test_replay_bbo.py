"""Rows of best prices from a card's journal, and the file they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tickwright.host.records import BBO_ROW, Journal
from tickwright.replay.bbo import (
    Delivered,
    journal_rows,
    merged,
    reason_text,
    write_bbo,
)
from tickwright.replay.numbering import Numbering

SECOND_NS = 1_000_000_000
NO_TRUSTS = Journal().trusts


def delivered(*sequences: int) -> Delivered:
    found = np.array(sequences, np.uint64)
    return Delivered(found, found * np.uint64(SECOND_NS))


def rows_of(journal: Journal, setup, *sequences: int):
    rows, by_trust = journal_rows(
        journal, setup, Numbering.of(journal, 1), delivered(*sequences or (1, 2, 3, 4, 5, 8, 9))
    )
    shown = [
        (
            int(row["message"]), int(row["symbol"]), int(row["bid"]), int(row["ask"]),
            int(row["trusted"]),
        )
        for row in rows
    ]  # fmt: skip
    return shown, by_trust.tolist(), rows


class TestJournalRows:
    """A row where something shown changes, and for each symbol that stops being trusted."""

    def test_a_gap_gives_a_row_for_each_symbol_at_the_next_message(self, journal, setup):
        shown, by_trust, rows = rows_of(journal, setup)
        assert shown == [
            (1, 0, 10_000, 10_200, 1),
            (2, 1, 10_000, 10_200, 1),
            (3, 2, 0, 50_000, 1),
            (4, 0, 10_600, 10_800, 1),
            (6, 0, 10_600, 10_800, 0),
            (6, 1, 10_000, 10_200, 0),
            (6, 2, 0, 50_000, 0),
            (6, 1, 10_400, 10_600, 0),
            (7, 0, 10_400, 10_500, 1),
        ]
        assert by_trust == [False] * 4 + [True] * 3 + [False] * 2
        assert rows["sequence"].tolist() == [1, 2, 3, 4, 8, 8, 8, 8, 9]
        assert rows["timestamp_ns"].tolist()[4] == 8 * SECOND_NS
        assert [reason_text(int(reasons)) for reasons in rows["reasons"][4:8]] == ["gap"] * 4

    def test_a_quote_that_shows_nothing_new_gives_no_row(self, journal, setup, table):
        quotes = np.concatenate([journal.quotes[:2], journal.quotes[:2]])
        quotes["sequence"] = [1, 2, 3, 4]
        quotes["status"][2:] = ord("H")
        shown, _, _ = rows_of(replace(journal, quotes=quotes, trusts=NO_TRUSTS), setup)
        assert [row[0] for row in shown] == [1, 2]

    def test_a_reason_more_is_no_row_but_trust_is(self, journal, setup):
        quotes = np.repeat(journal.quotes[:1], 5)
        quotes["sequence"] = [1, 2, 3, 4, 5]
        quotes["reasons"] = [0, 8, 24, 0, 2048]
        shown, _, _ = rows_of(replace(journal, quotes=quotes, trusts=NO_TRUSTS), setup)
        assert [(row[0], row[4]) for row in shown] == [(1, 1), (2, 0), (4, 1), (5, 0)]

    def test_shares_alone_are_new(self, journal, setup):
        quotes = np.repeat(journal.quotes[:1], 3)
        quotes["sequence"] = [1, 2, 3]
        quotes["ask_shares"] = [400, 400, 401]
        shown, _, _ = rows_of(replace(journal, quotes=quotes, trusts=NO_TRUSTS), setup)
        assert [row[0] for row in shown] == [1, 3]

    def test_a_first_quote_of_nothing_is_no_row(self, journal, setup):
        quotes = journal.quotes[:1].copy()
        for name in ("bid", "bid_shares", "ask", "ask_shares"):
            quotes[name] = 0
        shown, _, _ = rows_of(replace(journal, quotes=quotes, trusts=NO_TRUSTS), setup)
        assert shown == []

    def test_trust_behind_the_last_message_has_the_number_one_higher(self, journal, setup):
        shown, _, rows = rows_of(journal, setup, 1, 2, 3, 4, 5)
        assert shown[4][:2] == (6, 0)
        assert (rows["sequence"][4], rows["timestamp_ns"][4]) == (8, 5 * SECOND_NS)

    def test_a_second_trust_record_finds_nobody_to_trust(self, journal, setup):
        trusts = np.repeat(journal.trusts, 2)
        trusts["reasons"][1], trusts["sequence"][1] = 2, 9
        shown, by_trust, _ = rows_of(replace(journal, trusts=trusts), setup)
        assert sum(by_trust) == 3
        assert shown[-1] == (7, 0, 10_400, 10_500, 1)

    def test_an_empty_journal_has_no_rows(self, setup):
        assert rows_of(Journal(), setup)[0] == []


def test_rows_of_one_message_go_by_symbol(journal, setup):
    """A mismatch publishes the symbol of the event first, which may have the higher index."""
    quotes = np.concatenate([journal.quotes[:2], journal.quotes[1::-1]])
    quotes["sequence"], quotes["reasons"][2:] = [1, 2, 3, 3], 512
    one = replace(journal, quotes=quotes, trusts=NO_TRUSTS)
    rows = merged([journal_rows(one, setup, Numbering.of(one, 1), delivered(1, 2, 3))])
    shown = [tuple(row) for row in rows[["message", "symbol", "trusted"]].tolist()]
    assert shown == [(1, 0, 1), (2, 1, 1), (3, 0, 0), (3, 1, 0)]


def test_runs_over_other_symbols_are_merged_trust_first():
    def run(*found: tuple[int, int, bool]):
        rows = np.zeros(len(found), BBO_ROW)
        rows["message"] = [message for message, _, _ in found]
        rows["symbol"] = [symbol for _, symbol, _ in found]
        return rows, np.array([trust for _, _, trust in found], bool)

    first = run((1, 0, False), (3, 0, True), (3, 1, True), (3, 1, False))
    second = run((2, 2, False), (3, 2, True), (3, 3, True), (4, 2, False))
    found = merged([first, second])
    assert list(zip(found["message"].tolist(), found["symbol"].tolist(), strict=True)) == [
        (1, 0), (2, 2), (3, 0), (3, 1), (3, 2), (3, 3), (3, 1), (4, 2)
    ]  # fmt: skip
    assert len(merged([])) == 0


def test_the_file_names_symbols_and_reasons(tmp_path: Path):
    rows = np.zeros(2, BBO_ROW)
    rows[0] = (3, 9, 0, 1, 100, 5, 200, 6, 1, 33, 0)
    rows[1] = (4, 10, 0, 0, 0, 0, 0, 0, 0, 34, 0b1001)
    symbols = [("KO", 12), ("@13", 13)]
    assert write_bbo(tmp_path / "b.csv", [rows[:1], rows[1:]], symbols, date(2026, 1, 5)) == 2
    assert (tmp_path / "b.csv").read_text() == (
        "message,timestamp_ns,locate,symbol,bid,bid_shares,ask,ask_shares,trusted,date,venue,"
        "sequence,reason\n"
        "3,9,13,,100,5,200,6,1,2026-01-05,XNAS,33,\n"
        "4,10,12,KO,0,0,0,0,0,2026-01-05,XNAS,34,gap+unknown_reference\n"
    )


def test_a_file_that_cannot_be_completed_is_not_there(tmp_path: Path):
    def tables():
        yield np.zeros(1, BBO_ROW)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write_bbo(tmp_path / "b.csv", tables(), [("KO", 1)], None)
    assert list(tmp_path.iterdir()) == []
