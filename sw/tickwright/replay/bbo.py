"""The file of best prices: a row for each message after which a watched symbol shows another."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import BBO_ROW, Journal
from tickwright.host.setup import UNNAMED, CardSetup
from tickwright.market.drafts import drafted
from tickwright.replay.files import VENUE
from tickwright.replay.numbering import Numbering

__all__ = [
    "BBO_COLUMNS",
    "SHOWN",
    "Delivered",
    "journal_rows",
    "merged",
    "reason_text",
    "write_bbo",
]

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

SHOWN = ("bid", "bid_shares", "ask", "ask_shares")


@dataclass(frozen=True, eq=False)
class Delivered:
    """The messages that a card delivered: sequences, ascending, and time stamps."""

    sequence: np.ndarray
    timestamp_ns: np.ndarray

    def at(self, sequence: int) -> tuple[int, int]:
        """Return sequence and time stamp of the message delivered at a sequence, or next.

        If none follows: the one expected next, and the time stamp of the last.
        """
        if not len(self.sequence):
            return sequence, 0
        row = int(np.searchsorted(self.sequence, np.uint64(sequence)))
        if row < len(self.sequence):
            return int(self.sequence[row]), int(self.timestamp_ns[row])
        return max(sequence, int(self.sequence[-1]) + 1), int(self.timestamp_ns[-1])


def journal_rows(
    journal: Journal, setup: CardSetup, numbering: Numbering, delivered: Delivered
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that a card's journal stands for (specification, section 5).

    With them comes which of them a Trust record made: they go before the others of their message.
    """
    quotes, trusts = journal.quotes, journal.trusts[journal.trusts["all"] == 1]
    state = np.zeros(len(setup.symbols), BBO_ROW)
    state["symbol"] = np.arange(len(setup.symbols))
    found: list[np.ndarray] = []
    sizes: list[tuple[int, bool]] = []
    # A Trust record stands before the quotes of the message it precedes.
    ends = np.searchsorted(quotes["sequence"], trusts["sequence"], side="left")
    start = 0
    for trust, end in zip(trusts, ends, strict=True):
        found.append(_changes(quotes[start:end], state))
        start = end
        hit = state["reasons"] == 0
        state["reasons"] |= trust["reasons"]
        rows = state[hit].copy()
        rows["sequence"], rows["timestamp_ns"] = delivered.at(int(trust["sequence"]))
        found.append(rows)
        sizes += [(len(found[-2]), False), (len(rows), True)]
    found.append(_changes(quotes[start:], state))
    sizes.append((len(found[-1]), False))
    rows = np.concatenate(found)
    rows["message"] = numbering.numbers(rows["sequence"])
    rows["trusted"] = rows["reasons"] == 0
    by_trust = np.repeat([trust for _, trust in sizes], [size for size, _ in sizes])
    return rows, by_trust


def merged(parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the rows of several runs over the same messages, each of other symbols, in order.

    The rows name symbols by an index that is theirs alone; with them comes which of them a Trust
    record made.
    """
    runs = list(parts)
    rows = np.concatenate([np.zeros(0, BBO_ROW), *(run for run, _ in runs)])
    by_trust = np.concatenate([np.zeros(0, np.bool_), *(flags for _, flags in runs)])
    return rows[np.lexsort((rows["symbol"], ~by_trust, rows["message"]))]


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


def write_bbo(
    path: Path,
    tables: Iterable[np.ndarray],
    symbols: Sequence[tuple[str, int]],
    day: date | None,
) -> int:
    """Write the rows, whole or not at all; return how many. Prices in 1/10000 dollar.

    ``symbols``: name and locate of each index. A name that begins with `UNNAMED` is not written.
    """
    names = ["" if name.startswith(UNNAMED) else name for name, _ in symbols]
    locates = [locate for _, locate in symbols]
    count = 0
    with drafted(path) as (draft,), draft.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(BBO_COLUMNS)
        for rows in tables:
            count += len(rows)
            writer.writerows(_lines(rows, names, locates, day))
    return count


def _lines(
    rows: np.ndarray, names: list[str], locates: list[int], day: date | None
) -> Iterator[tuple[object, ...]]:
    plain = {name: rows[name].tolist() for name in rows.dtype.names or ()}
    texts = {reasons: reason_text(reasons) for reasons in set(plain["reasons"])}
    for at, symbol in enumerate(plain["symbol"]):
        yield (
            plain["message"][at],
            plain["timestamp_ns"][at],
            locates[symbol],
            names[symbol],
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
