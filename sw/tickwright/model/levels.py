"""The levels of the books: what rests at each price, and which level is best."""

from tickwright.feed.reasons import REASONS
from tickwright.model.compiled import compiled
from tickwright.model.orders import SHARES_MASK
from tickwright.model.tables import BUY, COUNT_SHIFT, GROUP, NONE, SELL

__all__ = ["join", "leave"]

QUANTITY = 1 << REASONS.index("quantity")


@compiled
def _next_best(books, index, side, level):
    """Return the best level that is worse than ``level``, or NONE."""
    levels, filled = books.levels, books.filled
    step = -1 if side == BUY else 1
    group = level // GROUP
    if filled[index, side, group]:
        level += step
        while 0 <= level < levels.shape[2] and level // GROUP == group:
            if levels[index, side, level] >> COUNT_SHIFT:
                return level
            level += step
    group += step
    while 0 <= group < filled.shape[2] and filled[index, side, group] == 0:
        group += step
    if group < 0 or group >= filled.shape[2]:
        return NONE
    level = group * GROUP + (GROUP - 1 if side == BUY else 0)
    while levels[index, side, level] >> COUNT_SHIFT == 0:
        level += step
    return level


@compiled
def join(books, index, side, tick, shares):
    """Add an order to its level, or to those outside; return the reasons that this gives."""
    half, level = books.sides[index, side], tick - books.symbols[index].base
    if level < 0 or level >= books.levels.shape[2]:
        if (level < 0) == (side == SELL):
            half.better += 1
        else:
            half.worse += 1
        return 0
    count = books.levels[index, side, level] >> COUNT_SHIFT
    total = (books.levels[index, side, level] & SHARES_MASK) + shares
    books.levels[index, side, level] = (count + 1) << COUNT_SHIFT | total & SHARES_MASK
    if count == 0:
        books.filled[index, side, level // GROUP] += 1
        if half.best == NONE or (level > half.best if side == BUY else level < half.best):
            half.best = level
    return QUANTITY if total > SHARES_MASK else 0


@compiled
def leave(books, index, side, tick, shares, whole):
    """Take shares off a level, and the order itself if that was the ``whole`` of it."""
    half, level = books.sides[index, side], tick - books.symbols[index].base
    if level < 0 or level >= books.levels.shape[2]:
        if whole and (level < 0) == (side == SELL):
            half.better -= 1
        elif whole:
            half.worse -= 1
        return
    count = books.levels[index, side, level] >> COUNT_SHIFT
    total = (books.levels[index, side, level] - shares) & SHARES_MASK
    if whole:
        count -= 1
    books.levels[index, side, level] = count << COUNT_SHIFT | total
    if count == 0:
        books.filled[index, side, level // GROUP] -= 1
        if level == half.best:
            half.best = _next_best(books, index, side, level)
