"""Which symbols a file speaks of, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from tickwright.feed.messages import AddOrder, ItchMessage, StockDirectory
from tickwright.market.big_endian import copy_bytes, get_u16, get_u32
from tickwright.market.compiled import compiled
from tickwright.market.dice import mix
from tickwright.market.errors import MarketError
from tickwright.market.itch_files import SIZES
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import read_messages
from tickwright.market.report import Line, ReadReport

__all__ = ["Directory", "DirectorySurvey", "read_directory", "reference_prices", "tick_of"]

LOCATES = 1 << 16
SAMPLE = 512  # prices a locate that a median is taken of
NAME_BYTES = 8
DOLLAR = 10_000  # 1/10000 dollar
CENT = 100
SUB_PENNY = 1

NOWHERE, FROM_ORDERS, FROM_DIRECTORY = 0, 1, 2
SOURCES = ("locates", "added orders", "stock directory")

LOCATE = ItchMessage.field("locate").offset
R_STOCK = StockDirectory.field("stock").offset
A_STOCK = AddOrder.field("stock").offset
A_PRICE = AddOrder.field("price").offset
A, F, R = (ord(kind) for kind in "AFR")


def tick_of(reference: int) -> int:
    """Return the price step of a symbol that costs this, both in 1/10000 dollar."""
    return SUB_PENNY if reference < DOLLAR else CENT


@compiled
def _survey(data, offset, length, names, known, seen, adds, prices):
    """Note names, locates and prices; a locate keeps a fair sample of its prices."""
    for row in range(len(offset)):
        at = offset[row]
        kind = data[at]
        if SIZES[kind] != length[row]:
            continue
        locate = get_u16(data, at + LOCATE)
        seen[locate] += 1
        if kind == R:
            copy_bytes(names[locate], 0, data, at + R_STOCK, NAME_BYTES)
            known[locate] = FROM_DIRECTORY
        elif kind in (A, F):
            if known[locate] == NOWHERE:
                copy_bytes(names[locate], 0, data, at + A_STOCK, NAME_BYTES)
                known[locate] = FROM_ORDERS
            count = adds[locate]
            place = count
            if count >= SAMPLE:
                chance = mix(np.uint64(locate * LOCATES * LOCATES + count)) >> np.uint64(1)
                place = np.int64(chance) % (count + 1)
            if place < SAMPLE:
                prices[locate, place] = get_u32(data, at + A_PRICE)
            adds[locate] = count + 1


@dataclass(frozen=True)
class Directory:
    """The symbols of a file.

    ``source`` says where the names come from: the stock directory (R), the added orders (A, F), or
    nowhere, when there are only locates. ``references`` is the median price of the orders added, by
    locate, in 1/10000 dollar: an assumption, good enough to centre a window of prices.
    """

    source: str
    locates: dict[str, int]
    names: dict[int, str]
    references: dict[int, int]
    messages: dict[int, int]

    def locate(self, symbol: str) -> int:
        """Return the locate of a symbol; raise `MarketError` naming the nearest one known."""
        if symbol in self.locates:
            return self.locates[symbol]
        near = get_close_matches(symbol, self.locates, n=1, cutoff=0.5)
        hint = f"; the nearest is {near[0]}" if near else ""
        raise MarketError(
            f"symbol: found {symbol!r}, expected one of the {len(self.locates)} of the file{hint}"
        )

    def tick(self, locate: int) -> int:
        """Return the price step of a symbol, in 1/10000 dollar; a cent if it has no price."""
        return tick_of(self.references.get(locate, DOLLAR))


class DirectorySurvey:
    """Collects a directory from tables of messages."""

    def __init__(self) -> None:
        self._names = np.full((LOCATES, NAME_BYTES), ord(" "), dtype=np.uint8)
        self._known = np.zeros(LOCATES, dtype=np.uint8)
        self._seen = np.zeros(LOCATES, dtype=np.int64)
        self._adds = np.zeros(LOCATES, dtype=np.int64)
        self._prices = np.zeros((LOCATES, SAMPLE), dtype=np.uint32)

    def add(self, table: MessageTable) -> None:
        """Take in more messages."""
        _survey(
            table.data, table.offset, table.length,
            self._names, self._known, self._seen, self._adds, self._prices,
        )  # fmt: skip

    def directory(self) -> Directory:
        """Return what has been found so far."""
        named = np.flatnonzero(self._known)
        names = {
            int(locate): self._names[locate].tobytes().decode("ascii", "replace").rstrip(" ")
            for locate in named
        }
        references = {
            int(locate): int(
                np.median(self._prices[locate, : min(SAMPLE, int(self._adds[locate]))])
            )
            for locate in np.flatnonzero(self._adds)
        }
        return Directory(
            source=SOURCES[int(self._known.max())],
            locates={name: locate for locate, name in names.items()},
            names=names,
            references=references,
            messages={int(at): int(self._seen[at]) for at in np.flatnonzero(self._seen)},
        )


def read_directory(
    path: Path, *, lines: Iterable[Line] | None = None, report: ReadReport | None = None
) -> Directory:
    """Return the symbols of a whole file."""
    survey = DirectorySurvey()
    for table in read_messages(path, lines=lines, report=report):
        survey.add(table)
    return survey.directory()


def reference_prices(path: Path, *, lines: Iterable[Line] | None = None) -> dict[int, int]:
    """Return the median price of the orders added, by locate, in 1/10000 dollar."""
    return read_directory(path, lines=lines, report=ReadReport()).references
