"""Resting orders of a synthetic market: books with price-time priority, in compiled loops.

A level is a tick counted from the symbol's base; an order far from the market has none (`FAR`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

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


class Books(NamedTuple):
    """Columns of orders, levels and symbols; an order is its row."""

    reference: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.int32]
    side: npt.NDArray[np.int8]
    level: npt.NDArray[np.int32]
    shares: npt.NDArray[np.int64]
    behind: npt.NDArray[np.int32]
    ahead: npt.NDArray[np.int32]
    life: npt.NDArray[np.int64]  # counts the orders that had this row: tells stale plans apart
    place: npt.NDArray[np.int32]  # in `live`
    free: npt.NDArray[np.int32]
    free_count: npt.NDArray[np.int64]
    head: npt.NDArray[np.int32]  # by symbol, side, level
    tail: npt.NDArray[np.int32]
    depth: npt.NDArray[np.int64]  # shares by symbol, side, level
    best: npt.NDArray[np.int32]  # level by symbol, side; NO_ORDER if there is none
    live: npt.NDArray[np.int32]  # orders by symbol
    live_count: npt.NDArray[np.int32]


def make_books(symbols: int) -> Books:
    """Return empty books."""
    orders = symbols * LIVE
    return Books(
        reference=np.zeros(orders, dtype=np.int64),
        symbol=np.zeros(orders, dtype=np.int32),
        side=np.zeros(orders, dtype=np.int8),
        level=np.zeros(orders, dtype=np.int32),
        shares=np.zeros(orders, dtype=np.int64),
        behind=np.full(orders, NO_ORDER, dtype=np.int32),
        ahead=np.full(orders, NO_ORDER, dtype=np.int32),
        life=np.zeros(orders, dtype=np.int64),
        place=np.zeros(orders, dtype=np.int32),
        free=np.arange(orders - 1, -1, -1, dtype=np.int32),
        free_count=np.array([orders], dtype=np.int64),
        head=np.full((symbols, 2, LEVELS), NO_ORDER, dtype=np.int32),
        tail=np.full((symbols, 2, LEVELS), NO_ORDER, dtype=np.int32),
        depth=np.zeros((symbols, 2, LEVELS), dtype=np.int64),
        best=np.full((symbols, 2), NO_ORDER, dtype=np.int32),
        live=np.full((symbols, LIVE), NO_ORDER, dtype=np.int32),
        live_count=np.zeros(symbols, dtype=np.int32),
    )


@njit(cache=True)
def join(books, symbol, side, level, shares, reference):
    """Add an order at the end of its level; return its row. There must be room."""
    books.free_count[0] -= 1
    order = books.free[books.free_count[0]]
    books.reference[order] = reference
    books.symbol[order] = symbol
    books.side[order] = side
    books.level[order] = level
    books.shares[order] = shares
    books.life[order] += 1
    books.place[order] = books.live_count[symbol]
    books.live[symbol, books.live_count[symbol]] = order
    books.live_count[symbol] += 1
    books.behind[order] = NO_ORDER
    books.ahead[order] = NO_ORDER
    if level != FAR:
        last = books.tail[symbol, side, level]
        books.ahead[order] = last
        if last == NO_ORDER:
            books.head[symbol, side, level] = order
        else:
            books.behind[last] = order
        books.tail[symbol, side, level] = order
        books.depth[symbol, side, level] += shares
        best = books.best[symbol, side]
        if best == NO_ORDER or (level > best if side == BUY else level < best):
            books.best[symbol, side] = level
    return order


@njit(cache=True)
def leave(books, order):
    """Take an order off its level and its symbol."""
    symbol, side, level = books.symbol[order], books.side[order], books.level[order]
    if level != FAR:
        ahead, behind = books.ahead[order], books.behind[order]
        if ahead == NO_ORDER:
            books.head[symbol, side, level] = behind
        else:
            books.behind[ahead] = behind
        if behind == NO_ORDER:
            books.tail[symbol, side, level] = ahead
        else:
            books.ahead[behind] = ahead
        books.depth[symbol, side, level] -= books.shares[order]
        if books.head[symbol, side, level] == NO_ORDER and books.best[symbol, side] == level:
            step = -1 if side == BUY else 1
            at = level + step
            while 0 <= at < LEVELS and books.head[symbol, side, at] == NO_ORDER:
                at += step
            books.best[symbol, side] = at if 0 <= at < LEVELS else NO_ORDER
    last = books.live_count[symbol] - 1
    moved = books.live[symbol, last]
    books.live[symbol, books.place[order]] = moved
    books.place[moved] = books.place[order]
    books.live_count[symbol] = last
    books.life[order] += 1
    books.free[books.free_count[0]] = order
    books.free_count[0] += 1
