"""The orders that rest in the books, found by their reference.

An open hash table with linear probing; an order that leaves is filled up from behind, so nothing
is ever left to clean. Rows of three integers: reference, shares with tick and side, symbol + 1 (0
in a free row). References are 64 bits unsigned and kept here by their bit pattern, as all else in
signed integers: numba makes a float of a sum of both kinds.
"""

import numpy as np

from tickwright.model.compiled import compiled, compiled_maker

__all__ = ["find", "full", "grown", "insert", "make_table", "remove"]

REFERENCE, PACKED, OWNER = 0, 1, 2
COLUMNS = 3

SHARES_BITS = 32
SHARES_MASK = (1 << SHARES_BITS) - 1
TICK_BITS = 25
TICK_MASK = (1 << TICK_BITS) - 1
SIDE_SHIFT = SHARES_BITS + TICK_BITS

# 2**64 over the golden ratio, as a signed number: spreads counters evenly.
MULTIPLIER = 0x9E3779B97F4A7C15 - (1 << 64)
FOLD = 32  # the bits above these of a product are its best


def make_table(rows: int) -> np.ndarray:
    """Return an empty table; the number of rows is a power of two."""
    return np.zeros((rows, COLUMNS), np.int64)


@compiled
def find(table, reference):
    """Return the row of an order, or -1."""
    mask = len(table) - 1
    row = (reference * MULTIPLIER >> FOLD) & mask
    while table[row, OWNER] != 0:
        if table[row, REFERENCE] == reference:
            return row
        row = (row + 1) & mask
    return -1


@compiled
def insert(table, reference, symbol, side, tick, shares):
    """Keep an order whose reference is not in the table; a row must be free."""
    mask = len(table) - 1
    row = (reference * MULTIPLIER >> FOLD) & mask
    while table[row, OWNER] != 0:
        row = (row + 1) & mask
    table[row, REFERENCE] = reference
    table[row, PACKED] = side << SIDE_SHIFT | tick << SHARES_BITS | shares
    table[row, OWNER] = symbol + 1


@compiled
def remove(table, row):
    """Forget the order of a row, and move up those that had to go past it."""
    mask = len(table) - 1
    free, row = row, (row + 1) & mask
    while table[row, OWNER] != 0:
        home = (table[row, REFERENCE] * MULTIPLIER >> FOLD) & mask
        # It may move up unless its home lies behind the free row, on the way to where it is.
        if (row - home) & mask >= (row - free) & mask:
            for column in range(COLUMNS):
                table[free, column] = table[row, column]
            free = row
        row = (row + 1) & mask
    table[free, OWNER] = 0


@compiled
def full(table, used):
    """Say whether another order would make the table slow."""
    return used * 8 >= len(table) * 5


@compiled_maker
def grown(table):
    """Return a table of twice the rows with the same orders."""
    larger = np.zeros((2 * len(table), COLUMNS), np.int64)
    mask = len(larger) - 1
    for old in range(len(table)):
        if table[old, OWNER] != 0:
            row = (table[old, REFERENCE] * MULTIPLIER >> FOLD) & mask
            while larger[row, OWNER] != 0:
                row = (row + 1) & mask
            for column in range(COLUMNS):
                larger[row, column] = table[old, column]
    return larger
