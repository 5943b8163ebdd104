"""Resting orders of a synthetic market: books with price-time priority, in compiled loops.

A level is a tick counted from the symbol's base; an order far from the market has none (`FAR`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tickwright.market.compiled import compiled

__all__ = [
    "BUY",
    "FAR",
    "LEVELS",
    "LIVE",
    "NO_ORDER",
    "SELL",
    "Books",
    "join",
    "leave",
    "make_books",
]

BUY, SELL = 0, 1
LEVELS = 2048
LIVE = 320  # orders a symbol may have
NO_ORDER = -1
FAR = -1


ORDER = np.dtype(
    [
        ("reference", np.int64),
        ("shares", np.int64),
        ("life", np.int64),  # counts the orders that had this row: tells stale plans apart
        ("symbol", np.int32),
        ("side", np.int32),
        ("level", np.int32),
        ("ahead", np.int32),
        ("behind", np.int32),
        ("place", np.int32),  # in `live`
    ]
)

LEVEL = np.dtype([("depth", np.int64), ("head", np.int32), ("tail", np.int32)])


class Books(NamedTuple):
    """Orders, levels by symbol and side, and what each symbol has; an order is its row."""

    orders: npt.NDArray[np.void]  # of `ORDER`
    levels: npt.NDArray[np.void]  # of `LEVEL`, by symbol, side, level
    best: npt.NDArray[np.int32]  # level by symbol, side; NO_ORDER if there is none
    live: npt.NDArray[np.int32]  # orders by symbol
    live_count: npt.NDArray[np.int32]
    free: npt.NDArray[np.int32]
    free_count: npt.NDArray[np.int64]


def make_books(symbols: int) -> Books:
    """Return empty books."""
    orders = symbols * LIVE
    levels = np.zeros((symbols, 2, LEVELS), dtype=LEVEL)
    levels["head"] = levels["tail"] = NO_ORDER
    return Books(
        orders=np.zeros(orders, dtype=ORDER),
        levels=levels,
        best=np.full((symbols, 2), NO_ORDER, dtype=np.int32),
        live=np.full((symbols, LIVE), NO_ORDER, dtype=np.int32),
        live_count=np.zeros(symbols, dtype=np.int32),
        free=np.arange(orders - 1, -1, -1, dtype=np.int32),
        free_count=np.array([orders], dtype=np.int64),
    )


@compiled
def join(books, symbol, side, level, shares, reference):
    """Add an order at the end of its level; return its row. There must be room."""
    books.free_count[0] -= 1
    order = books.free[books.free_count[0]]
    books.orders[order].reference = reference
    books.orders[order].symbol = symbol
    books.orders[order].side = side
    books.orders[order].level = level
    books.orders[order].shares = shares
    books.orders[order].life += 1
    books.orders[order].place = books.live_count[symbol]
    books.live[symbol, books.live_count[symbol]] = order
    books.live_count[symbol] += 1
    books.orders[order].behind = NO_ORDER
    books.orders[order].ahead = NO_ORDER
    if level != FAR:
        last = books.levels[symbol, side, level].tail
        books.orders[order].ahead = last
        if last == NO_ORDER:
            books.levels[symbol, side, level].head = order
        else:
            books.orders[last].behind = order
        books.levels[symbol, side, level].tail = order
        books.levels[symbol, side, level].depth += shares
        best = books.best[symbol, side]
        if best == NO_ORDER or (level > best if side == BUY else level < best):
            books.best[symbol, side] = level
    return order


@compiled
def leave(books, order):
    """Take an order off its level and its symbol."""
    symbol, side, level = (
        books.orders[order].symbol,
        books.orders[order].side,
        books.orders[order].level,
    )
    if level != FAR:
        ahead, behind = books.orders[order].ahead, books.orders[order].behind
        if ahead == NO_ORDER:
            books.levels[symbol, side, level].head = behind
        else:
            books.orders[ahead].behind = behind
        if behind == NO_ORDER:
            books.levels[symbol, side, level].tail = ahead
        else:
            books.orders[behind].ahead = ahead
        books.levels[symbol, side, level].depth -= books.orders[order].shares
        if books.levels[symbol, side, level].head == NO_ORDER and books.best[symbol, side] == level:
            step = -1 if side == BUY else 1
            at = level + step
            while 0 <= at < LEVELS and books.levels[symbol, side, at].head == NO_ORDER:
                at += step
            books.best[symbol, side] = at if 0 <= at < LEVELS else NO_ORDER
    last = books.live_count[symbol] - 1
    moved = books.live[symbol, last]
    books.live[symbol, books.orders[order].place] = moved
    books.orders[moved].place = books.orders[order].place
    books.live_count[symbol] = last
    books.orders[order].life += 1
    books.free[books.free_count[0]] = order
    books.free_count[0] += 1
