"""The file of best prices: a row for each message after which a watched symbol shows another."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import BBO_ROW, Journal
from tickwright.host.setup import CardSetup
from tickwright.replay.files import VENUE
from tickwright.replay.numbering import Numbering

__all__ = ["BBO_COLUMNS", "UNNAMED", "journal_rows", "reason_text", "write_bbo"]

BBO_COLUMNS = (
    "message",
    "timestamp_ns",
    "locate",
    "symbol",
    "bid",
    "bid_shares",
    "ask",
    "ask_shares",
    "trusted",
    "date",
    "venue",
    "sequence",
    "reason",
)

UNNAMED = "@"
"""What the name of a symbol begins with where a file gives its locate only."""

SHOWN = ("bid", "bid_shares", "ask", "ask_shares")


def journal_rows(
    journal: Journal,
    setup: CardSetup,
    numbering: Numbering,
    *,
    stamps: Mapping[int, int],
    locates: Mapping[str, int],
) -> np.ndarray:
    """Return the rows that a card's journal stands for (specification, section 5).

    ``stamps`` gives the time stamp of the message behind each Trust record, by its sequence;
    ``locates`` those of symbols, by name.
    """
    quotes, trusts = journal.quotes, journal.trusts[journal.trusts["all"] == 1]
    state = np.zeros(len(setup.symbols), BBO_ROW)
    state["symbol"] = np.arange(len(setup.symbols))
    found: list[np.ndarray] = []
    # A Trust record stands before the quotes of the message it precedes.
    ends = np.searchsorted(quotes["sequence"], trusts["sequence"], side="left")
    start = 0
    for trust, end in zip(trusts, ends, strict=True):
        found.append(_changes(quotes[start:end], state))
        start = end
        sequence = int(trust["sequence"])
        hit = state["reasons"] == 0
        state["reasons"] |= trust["reasons"]
        rows = state[hit].copy()
        rows["sequence"], rows["timestamp_ns"] = sequence, stamps[sequence]
        found.append(rows)
    found.append(_changes(quotes[start:], state))
    rows = np.concatenate(found)
    rows["message"] = numbering.numbers(rows["sequence"])
    rows["trusted"] = rows["reasons"] == 0
    places = np.array([locates.get(symbol.name, 0) for symbol in setup.symbols], np.uint16)
    rows["locate"] = places[rows["symbol"]]
    return rows


def _changes(quotes: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Return the quotes that differ from the symbol's row before; keep the last in ``state``."""
    every = np.zeros(len(state) + len(quotes), BBO_ROW)
    every[: len(state)] = state
    every["timestamp_ns"][len(state) :] = quotes["feed_ns"]
    for name in ("sequence", "symbol", "reasons", *SHOWN):
        every[name][len(state) :] = quotes[name]
    order = np.argsort(every["symbol"], kind="stable")
    sorted_rows = every[order]
    before = np.roll(sorted_rows, 1)
    changed = (sorted_rows["reasons"] == 0) != (before["reasons"] == 0)
    for name in SHOWN:
        changed |= sorted_rows[name] != before[name]
    last = np.flatnonzero(np.diff(sorted_rows["symbol"], append=len(state)))
    state[:] = sorted_rows[last]
    kept = order[changed]
    return every[np.sort(kept[kept >= len(state)])]


def reason_text(reasons: int) -> str:
    """Return the names of reasons, joined by +; nothing for a trusted symbol."""
    return "+".join(name for bit, name in enumerate(REASONS) if reasons >> bit & 1)


def write_bbo(path: Path, tables: Iterable[np.ndarray], setup: CardSetup, day: date | None) -> int:
    """Write the rows, whole or not at all; return how many. Prices in 1/10000 dollar."""
    names = ["" if symbol.name.startswith(UNNAMED) else symbol.name for symbol in setup.symbols]
    draft = path.with_name(f"{path.name}.draft")
    count = 0
    try:
        with draft.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(BBO_COLUMNS)
            for rows in tables:
                count += len(rows)
                writer.writerows(_lines(rows, names, day))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _lines(rows: np.ndarray, names: list[str], day: date | None) -> Iterator[tuple[object, ...]]:
    plain = {name: rows[name].tolist() for name in rows.dtype.names or ()}
    texts = {reasons: reason_text(reasons) for reasons in set(plain["reasons"])}
    for at in range(len(rows)):
        yield (
            plain["message"][at],
            plain["timestamp_ns"][at],
            plain["locate"][at],
            names[plain["symbol"][at]],
            plain["bid"][at],
            plain["bid_shares"][at],
            plain["ask"][at],
            plain["ask_shares"][at],
            plain["trusted"][at],
            day or "",
            VENUE,
            plain["sequence"][at],
            texts[plain["reasons"][at]],
        )
