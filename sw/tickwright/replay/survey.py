"""What a file of market data holds, as one has to know it before a card is loaded for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from tickwright.core.wire import Field
from tickwright.feed.messages import AddOrder, ItchMessage, StockDirectory, TradingAction
from tickwright.host.records import BookOp
from tickwright.market.itch_files import SIZES
from tickwright.market.messages_table import MessageTable
from tickwright.model.decode import EVENTS

__all__ = ["Survey", "survey"]

ORDERS = np.array([ord(kind) for kind, event in EVENTS.items() if event < len(BookOp)], np.uint8)
ADDS = np.array([ord(kind) for kind, event in EVENTS.items() if event == BookOp.ADD], np.uint8)
DIRECTORY, HALT = (ord(kind.constants["type"]) for kind in (StockDirectory, TradingAction))
LOCATE = ItchMessage.field("locate").offset
PRICE = AddOrder.field("price")
ADD_STOCK, R_STOCK = AddOrder.field("stock"), StockDirectory.field("stock")
PRICE_BITS = 32
COMPACT_AT = 1 << 22  # rows of counted prices before equal ones are added up
BLOCK = 1 << 20  # sequences whose arrival is noted together


@dataclass
class Survey:
    """Symbols, prices and extent of a file. Prices are in 1/10000 dollar.

    ``names``: stock by locate, from its R message if there is one, else from an Add. ``listed`` are
    the locates that have an R message, ``halts`` those that have an H message, ``traded`` those of
    orders. ``medians``: median price of the Adds of a locate, each message counted once.
    """

    names: dict[int, str] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)
    halts: set[int] = field(default_factory=set)
    traded: set[int] = field(default_factory=set)
    medians: dict[int, int] = field(default_factory=dict)
    messages: int = 0
    first_sequence: int = 0  # lowest; 0 in a file without messages

    @property
    def locates(self) -> dict[str, int]:
        """Locate of each stock; the lowest where a stock has several."""
        return {name: locate for locate, name in sorted(self.names.items(), reverse=True)}


def survey(tables: Iterable[MessageTable]) -> Survey:
    """Look through messages, of which each may come twice, in any order."""
    found, prices, seen = Survey(), _Prices(), _Seen()
    for table in tables:
        fresh = seen.fresh(table.sequence)
        offset = table.offset[fresh]
        kinds = table.data[offset]
        exact = table.length[fresh] == SIZES[kinds]
        locates = _number(table.data, offset + LOCATE, 2)
        found.messages += len(fresh)
        found.halts.update(locates[exact & (kinds == HALT)].tolist())
        found.traded.update(np.unique(locates[exact & np.isin(kinds, ORDERS)]).tolist())
        adds = exact & np.isin(kinds, ADDS)
        prices.add(locates[adds], _number(table.data, offset[adds] + PRICE.offset, 4))
        for locate, name in _names(table, locates, offset, exact & (kinds == DIRECTORY), R_STOCK):
            if locate not in found.listed:
                found.listed.add(locate)
                found.names[locate] = name
        for locate, name in _names(table, locates, offset, adds, ADD_STOCK):
            found.names.setdefault(locate, name)
    found.medians = prices.medians()
    found.first_sequence = seen.lowest
    return found


class _Seen:
    """Which sequences came already; memory goes with how many there are, not with how high."""

    def __init__(self) -> None:
        self._blocks: dict[int, np.ndarray] = {}
        self.lowest = 0

    def fresh(self, sequences: np.ndarray) -> np.ndarray:
        """Return the rows of those that are new, the first of equal ones."""
        if not len(sequences):
            return np.zeros(0, np.int64)
        lowest = int(sequences.min())
        self.lowest = min(self.lowest or lowest, lowest)
        _, first = np.unique(sequences, return_index=True)
        first.sort()
        new = np.zeros(len(first), np.bool_)
        blocks = (sequences[first] // np.uint64(BLOCK)).astype(np.int64)
        places = (sequences[first] % np.uint64(BLOCK)).astype(np.int64)
        for block in np.unique(blocks).tolist():
            marks = self._blocks.setdefault(block, np.zeros(BLOCK, np.bool_))
            rows = blocks == block
            new[rows] = ~marks[places[rows]]
            marks[places[rows]] = True
        return first[new]


class _Prices:
    """How often each price of each locate came."""

    def __init__(self) -> None:
        self._keys: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._counts: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._rows = 0

    def add(self, locates: np.ndarray, prices: np.ndarray) -> None:
        keys, counts = np.unique(locates << PRICE_BITS | prices, return_counts=True)
        self._keys.append(keys)
        self._counts.append(counts)
        self._rows += len(keys)
        if self._rows > COMPACT_AT:
            self._compact()

    def medians(self) -> dict[int, int]:
        """Return the median price of each locate; of an even number the lower one."""
        self._compact()
        keys, counts = self._keys[0], self._counts[0]
        locates, starts = np.unique(keys >> PRICE_BITS, return_index=True)
        ends = [*starts.tolist()[1:], len(keys)][: len(locates)]
        found = {}
        for locate, begin, end in zip(locates.tolist(), starts.tolist(), ends, strict=True):
            until = np.cumsum(counts[begin:end])
            row = begin + int(np.searchsorted(2 * until, until[-1]))
            found[locate] = int(keys[row]) & ((1 << PRICE_BITS) - 1)
        return found

    def _compact(self) -> None:
        keys, places = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.bincount(places, np.concatenate(self._counts), len(keys)).astype(np.int64)
        self._keys, self._counts, self._rows = [keys], [counts], 0


def _number(data: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    """Return the unsigned integers of so many bytes at some places."""
    value = np.zeros(len(at), np.int64)
    for place in range(size):
        value = value << 8 | data[at + place]
    return value


def _names(
    table: MessageTable, locates: np.ndarray, offset: np.ndarray, rows: np.ndarray, stock: Field
) -> Iterator[tuple[int, str]]:
    """Yield each locate of some rows with the stock that its first row names."""
    picked = np.flatnonzero(rows)
    unique, first = np.unique(locates[picked], return_index=True)
    for locate, row in zip(unique.tolist(), picked[first].tolist(), strict=True):
        start = int(offset[row]) + stock.offset
        name = table.data[start : start + stock.size].tobytes()
        yield locate, name.decode("ascii", "replace").strip()
