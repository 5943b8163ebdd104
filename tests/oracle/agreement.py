"""A card against the oracle: every table of its journal, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from oracle.book import Quote, Row, Trust
from oracle.card import CardRun
from oracle.gate import Order, Verdict
from oracle.pairs import Intent
from oracle.session import Played
from tickwright.host.records import Journal

__all__ = ["assert_agrees", "assert_same", "rows_of", "untrusted"]


def rows_of(table: np.ndarray, names: Iterable[str]) -> list[tuple[int, ...]]:
    """Return some columns of a table as tuples of plain integers."""
    return list(zip(*(table[name].tolist() for name in names), strict=True))


def assert_same(name: str, found: Sequence[tuple[int, ...]], expected: Sequence[tuple]) -> None:
    """Fail at the first row that differs, and show what stands around it."""
    expected = [tuple(int(value) for value in row) for row in expected]
    for place, (ours, oracles) in enumerate(zip(found, expected, strict=False)):
        assert ours == oracles, (
            f"{name}, row {place}: found {ours}, expected {oracles}; "
            f"before: {expected[max(0, place - 2) : place]}"
        )
    assert len(found) == len(expected), (
        f"{name}: found {len(found)} rows, expected {len(expected)}; first beyond: "
        f"{(found[len(expected) :] or expected[len(found) :])[0]}"
    )


def untrusted(played: Played) -> dict[int, int]:
    """Return the symbols without trust, with their reasons, when the books are read at the end."""
    book = played.oracle.books.book
    found = {
        symbol: book.sticky[symbol] | book.touch(symbol)[-1] for symbol in range(len(book.symbols))
    }
    return {symbol: reasons for symbol, reasons in found.items() if reasons}


def assert_agrees(played: Played) -> None:
    """Compare all that a card made of a session with the oracle's: tables, rows, positions."""
    assert_tables_agree(played.journal, played.oracle)
    assert_rows_agree(played.rows, played.oracle)
    assert_same("positions", [tuple(played.positions)], [tuple(played.oracle.positions)])


def assert_tables_agree(journal: Journal, run: CardRun) -> None:
    """Compare quotes, Trust records, intents, verdicts and orders with the oracle's."""
    assert_same("quotes", rows_of(journal.quotes, Quote._fields), run.books.quotes)
    assert_same("trusts", rows_of(journal.trusts, Trust._fields), run.books.trusts)
    legs = [
        f"leg{leg}_{field}"
        for leg in range(2)
        for field in ("valid", "symbol", "side", "shares", "price")
    ]
    intents = [(*intent[:-1], *intent.legs[0], *intent.legs[1]) for intent in run.intents]
    assert_same("intents", rows_of(journal.intents, [*Intent._fields[:-1], *legs]), intents)
    assert_same("verdicts", rows_of(journal.verdicts, Verdict._fields), run.verdicts)
    assert_same("orders", rows_of(journal.orders, Order._fields), run.orders)


def assert_rows_agree(rows: np.ndarray, run: CardRun) -> None:
    """Compare the file of best prices with the oracle's."""
    assert_same("rows", rows_of(rows, Row._fields), run.books.rows)
