"""All that the books know, and how it is laid out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tickwright.host.records import Side
from tickwright.host.setup import LOCATES, CardSetup
from tickwright.model import orders
from tickwright.model.decode import name_word

__all__ = [
    "BUY",
    "COUNT_SHIFT",
    "GROUP",
    "NONE",
    "SELL",
    "Tables",
    "make_tables",
]

BUY, SELL = int(Side.BUY), int(Side.SELL)
NONE = -1

# A level is one number: the count of its orders above the sum of their shares, modulo 2**32.
COUNT_SHIFT = 32
# So many levels share a count of those that are not empty, which shortens the search for the best.
GROUP = 32

SYMBOL = np.dtype(
    [
        ("base", "i8"),  # lowest tick of the window
        ("tick_size", "i8"),
        ("locate", "i8"),  # NONE while not mapped
        ("name", "i8"),
        ("sticky", "i8"),  # reasons that stay
        ("status", "i8"),
        # The quote last published; its prices are always those that hold, for one that differs is
        # published after each event.
        ("bid", "i8"),
        ("bid_shares", "i8"),
        ("ask", "i8"),
        ("ask_shares", "i8"),
        ("shown_status", "i8"),
        ("reasons", "i8"),
        # Those that the file of best prices shows: of the last quote, and of Trust records since.
        ("row_reasons", "i8"),
    ]
)

SIDE = np.dtype(
    [
        ("best", "i8"),  # level of the best price in the window, NONE if that is empty
        ("better", "i8"),  # orders outside the window, where prices are better
        ("worse", "i8"),
    ]
)

PROGRESS = np.dtype(
    [
        ("delivered", "i8"),  # messages
        ("last_ns", "i8"),  # time of the last one
        ("resting", "i8"),  # orders in the table
        ("no_ways", "i8"),  # orders that found no room in it, as the card had recorded
    ]
)

FIRST_ROWS = 1 << 16  # of the order table, which grows


class Tables(NamedTuple):
    """All that the books know."""

    symbols: np.ndarray  # of SYMBOL
    sides: np.ndarray  # of SIDE, by symbol and side
    levels: np.ndarray  # by symbol, side and level: orders << COUNT_SHIFT | shares
    filled: np.ndarray  # by symbol, side and group of levels: how many are not empty
    orders: np.ndarray  # see `tickwright.model.orders`
    by_locate: np.ndarray  # index of the symbol, NONE where not mapped
    progress: np.ndarray  # one PROGRESS


def make_tables(setup: CardSetup) -> Tables:
    """Return the tables of empty books."""
    count = len(setup.symbols)
    symbols = np.zeros(count, SYMBOL)
    sides = np.zeros((count, len(Side)), SIDE)
    sides["best"] = NONE
    by_locate = np.full(LOCATES, NONE, np.int32)
    for index, symbol in enumerate(setup.symbols):
        state = symbols[index]
        state["base"], state["tick_size"] = symbol.base_tick, symbol.tick_size
        state["name"] = name_word(symbol.name)
        state["locate"] = NONE if symbol.locate is None else symbol.locate
        state["status"] = state["shown_status"] = symbol.status
        if symbol.locate is not None:
            by_locate[symbol.locate] = index
    return Tables(
        symbols=symbols,
        sides=sides,
        levels=np.zeros((count, len(Side), setup.window), np.int64),
        filled=np.zeros((count, len(Side), max(1, setup.window // GROUP)), np.int32),
        orders=orders.make_table(FIRST_ROWS),
        by_locate=by_locate,
        progress=np.zeros(1, PROGRESS),
    )
