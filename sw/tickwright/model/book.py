"""Books: which orders rest at which price, what is best, and what of it may be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tickwright.feed.reasons import REASONS, WINDOW
from tickwright.host.records import BBO_ROW, QUOTE, BookOp, Side
from tickwright.host.setup import LOCATES, CardSetup
from tickwright.model import orders
from tickwright.model.compiled import compiled
from tickwright.model.decode import (
    DIRECTORY,
    NOTHING,
    STATUS,
    event_of,
    locate_of,
    name_of,
    name_word,
    new_reference_of,
    price_of,
    reference_of,
    shares_of,
    side_of,
    state_of,
    timestamp_of,
)
from tickwright.model.messages import MessageTable
from tickwright.model.orders import SHARES_BITS, SHARES_MASK, SIDE_SHIFT, TICK_MASK

__all__ = ["PUBLICATION", "Books", "bbo_rows"]

UNKNOWN_REFERENCE = 1 << REASONS.index("unknown_reference")
DUPLICATE_REFERENCE = 1 << REASONS.index("duplicate_reference")
QUANTITY = 1 << REASONS.index("quantity")
PRICE = 1 << REASONS.index("price")
CAPACITY = 1 << REASONS.index("capacity")
DIRECTORY_REASON = 1 << REASONS.index("directory")
MISMATCH = 1 << REASONS.index("mismatch")

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
        # By side:
        ("best", "i8", (2,)),  # level of the best price in the window, NONE if it is empty
        ("better", "i8", (2,)),  # orders outside the window, where prices are better
        ("worse", "i8", (2,)),
        # The quote last published; its prices are always those that hold, for one that differs is
        # published after each event.
        ("bid", "i8"),
        ("bid_shares", "i8"),
        ("ask", "i8"),
        ("ask_shares", "i8"),
        ("shown_status", "i8"),
        ("reasons", "i8"),
        ("row_trusted", "i8"),  # as the last row of the symbol in the file of best prices says
    ]
)

PROGRESS = np.dtype(
    [
        ("delivered", "i8"),  # messages
        ("last_ns", "i8"),  # time of the last one
        ("resting", "i8"),  # orders in the table
    ]
)

PUBLICATION = np.dtype([("trust", "u1"), ("message", "i8"), *QUOTE.descr])
"""What the book passes on, in order: a quote, or (`trust`) a Trust record, by its `reasons` alone.

`message` is the row of its message in the table that was followed.
"""

CHUNK = 1 << 12  # messages a call: bounds the memory for what they publish
FIRST_ROWS = 1 << 16  # of the order table, which grows


@compiled
def _next_best(levels, filled, index, side, level):
    """Return the best level that is worse than ``level``, or NONE."""
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
def _join(symbol, levels, filled, index, side, tick, shares):
    """Add an order to its level, or to those outside; return the reasons that this gives."""
    level = tick - symbol.base
    if level < 0 or level >= levels.shape[2]:
        if (level < 0) == (side == SELL):
            symbol.better[side] += 1
        else:
            symbol.worse[side] += 1
        return 0
    count = levels[index, side, level] >> COUNT_SHIFT
    total = (levels[index, side, level] & SHARES_MASK) + shares
    levels[index, side, level] = (count + 1) << COUNT_SHIFT | total & SHARES_MASK
    if count == 0:
        filled[index, side, level // GROUP] += 1
        best = symbol.best[side]
        if best == NONE or (level > best if side == BUY else level < best):
            symbol.best[side] = level
    return QUANTITY if total > SHARES_MASK else 0


@compiled
def _leave(symbol, levels, filled, index, side, tick, shares, whole):
    """Take shares off a level, and the order itself if that was the ``whole`` of it."""
    level = tick - symbol.base
    if level < 0 or level >= levels.shape[2]:
        if whole:
            if (level < 0) == (side == SELL):
                symbol.better[side] -= 1
            else:
                symbol.worse[side] -= 1
        return
    count = levels[index, side, level] >> COUNT_SHIFT
    total = (levels[index, side, level] - shares) & SHARES_MASK
    if whole:
        count -= 1
    levels[index, side, level] = count << COUNT_SHIFT | total
    if count == 0:
        filled[index, side, level // GROUP] -= 1
        if level == symbol.best[side]:
            symbol.best[side] = _next_best(levels, filled, index, side, level)


@compiled
def _add(symbols, levels, filled, table, progress, index, reference, side, shares, price, no_way):
    """Do an Add; return the reasons that it gives its symbol."""
    symbol = symbols[index]
    if orders.find(table, reference) >= 0:
        return DUPLICATE_REFERENCE
    if shares == 0:
        return QUANTITY
    # Prices have 32 bits and the window ends at or below the last tick, so that a price above
    # the window may be kept as the last tick without entering it.
    tick = min(price if symbol.tick_size == 1 else price // symbol.tick_size, TICK_MASK)
    level = tick - symbol.base
    if 0 <= level < levels.shape[2] and price != tick * symbol.tick_size:
        return PRICE
    if no_way:
        return CAPACITY
    orders.insert(table, reference, index, side, tick, shares)
    progress.resting += 1
    return _join(symbol, levels, filled, index, side, tick, shares)


@compiled
def _apply(symbols, levels, filled, table, progress, index, event, data, at, no_way):
    """Do an operation on an order; return the other symbol that it makes untrusted, or NONE."""
    symbol = symbols[index]
    reference = reference_of(data, at)
    shares = shares_of(data, at, event)
    if event == BookOp.ADD:
        symbol.sticky |= _add(symbols, levels, filled, table, progress, index, reference,
                              side_of(data, at), shares, price_of(data, at, event), no_way)
        return NONE
    row = orders.find(table, reference)
    if row < 0:
        symbol.sticky |= UNKNOWN_REFERENCE
        return NONE
    owner = table[row, orders.OWNER] - 1
    if owner != index:
        symbol.sticky |= MISMATCH
        symbols[owner].sticky |= MISMATCH
        return owner
    packed = table[row, orders.PACKED]
    remaining = packed & SHARES_MASK
    tick = packed >> SHARES_BITS & TICK_MASK
    side = packed >> SIDE_SHIFT
    taken = remaining if event in (BookOp.DELETE, BookOp.REPLACE) else shares
    if taken > remaining:
        symbol.sticky |= QUANTITY
        taken = remaining
    whole = taken == remaining
    if whole:
        orders.remove(table, row)
        progress.resting -= 1
    else:
        table[row, orders.PACKED] = packed - taken
    _leave(symbol, levels, filled, index, side, tick, taken, whole)
    if event == BookOp.REPLACE:
        symbol.sticky |= _add(symbols, levels, filled, table, progress, index,
                              new_reference_of(data, at), side, shares,
                              price_of(data, at, event), no_way)
    return NONE


@compiled
def _learn(symbols, by_locate, locate, name):
    """Take an R message into the map; return the symbols that it contradicts the map about.

    That named comes first, then that of the locate; NONE for each where there is none.
    """
    named = NONE
    for index in range(len(symbols)):
        if symbols[index].name == name:
            named = index
            break
    owner = by_locate[locate]
    if named == NONE:
        if owner == NONE:
            return NONE, NONE
    elif owner == named:
        return NONE, NONE
    elif owner == NONE and symbols[named].locate == NONE:
        by_locate[locate] = named
        symbols[named].locate = locate
        return NONE, NONE
    return (named, owner) if named != NONE else (owner, NONE)


@compiled
def _hidden(symbol, side):
    """Say whether the best price of a side may lie outside the window."""
    return symbol.better[side] > 0 or (symbol.best[side] == NONE and symbol.worse[side] > 0)


@compiled
def _touch(symbol, levels, index, side):
    """Return the price and the shares to show for a side."""
    level = symbol.best[side]
    if level == NONE or symbol.better[side] > 0:
        return np.int64(0), np.int64(0)
    price = (symbol.base + level) * symbol.tick_size
    return price, levels[index, side, level] & SHARES_MASK


@compiled
def _quote(symbols, levels, index):
    """Form the quote of a symbol; return whether it is new, and whether it makes a row."""
    symbol = symbols[index]
    bid, bid_shares = _touch(symbol, levels, index, BUY)
    ask, ask_shares = _touch(symbol, levels, index, SELL)
    reasons = symbol.sticky
    if _hidden(symbol, BUY) or _hidden(symbol, SELL):
        reasons |= WINDOW
    moved = (
        bid != symbol.bid
        or bid_shares != symbol.bid_shares
        or ask != symbol.ask
        or ask_shares != symbol.ask_shares
    )
    new = moved or symbol.status != symbol.shown_status or reasons != symbol.reasons
    symbol.bid, symbol.bid_shares = bid, bid_shares
    symbol.ask, symbol.ask_shares = ask, ask_shares
    symbol.shown_status = symbol.status
    symbol.reasons = reasons
    return new, moved or (reasons == 0) != symbol.row_trusted


@compiled
def _write_quote(quote, symbol, index, message, sequence, feed_ns):
    quote.trust = 0
    quote.message = message
    quote.sequence = sequence
    quote.feed_ns = feed_ns
    quote.symbol = index
    quote.bid = symbol.bid
    quote.bid_shares = symbol.bid_shares
    quote.ask = symbol.ask
    quote.ask_shares = symbol.ask_shares
    quote.status = symbol.status
    quote.reasons = symbol.reasons


@compiled
def _write_row(row, symbol, index, number, sequence, feed_ns):
    # The reasons of a symbol that has had no event since a Trust record, or that another's
    # mismatch concerns, are not in its quote yet.
    reasons = symbol.reasons | symbol.sticky
    symbol.row_trusted = reasons == 0
    row.message = number
    row.timestamp_ns = feed_ns
    row.locate = max(symbol.locate, 0)
    row.symbol = index
    row.bid = symbol.bid
    row.bid_shares = symbol.bid_shares
    row.ask = symbol.ask
    row.ask_shares = symbol.ask_shares
    row.trusted = symbol.row_trusted
    row.sequence = sequence
    row.reasons = reasons


@compiled
def _follow(data, offset, length, sequence, start, stop, no_way, by_locate, symbols, levels,
            filled, table, progress, quotes, rows):
    """Follow the messages from ``start``; return how far it came, and what it wrote.

    It stops before ``stop`` where the order table must grow. At most two quotes and two rows are
    written for a message; none where there is no room for any.
    """
    state = progress[0]
    quoted = rowed = 0
    for message in range(start, stop):
        at = offset[message]
        if orders.full(table, state.resting):
            return message, quoted, rowed
        state.delivered += 1
        event = event_of(data, at, length[message])
        if event == NOTHING:
            continue
        locate = locate_of(data, at)
        index, other = by_locate[locate], NONE
        if event == DIRECTORY:
            index, other = _learn(symbols, by_locate, locate, name_of(data, at))
        if index == NONE:
            continue
        if event == DIRECTORY:
            symbols[index].sticky |= DIRECTORY_REASON
            if other != NONE:
                symbols[other].sticky |= DIRECTORY_REASON
        elif event == STATUS:
            symbols[index].status = state_of(data, at)
        else:
            other = _apply(symbols, levels, filled, table, state, index, event, data, at, no_way)
        new, row = _quote(symbols, levels, index)
        if not new and not row and other == NONE:
            continue
        feed_ns = timestamp_of(data, at, length[message])
        if new and len(quotes):
            _write_quote(quotes[quoted], symbols[index], index, message, sequence[message], feed_ns)
            quoted += 1
        other_row = False
        if other != NONE:
            if event == DIRECTORY:
                new, other_row = _quote(symbols, levels, other)
                if new and len(quotes):
                    _write_quote(quotes[quoted], symbols[other], other, message,
                                 sequence[message], feed_ns)
                    quoted += 1
            else:
                other_row = symbols[other].row_trusted != 0
        if len(rows):
            if other_row and other < index:
                _write_row(rows[rowed], symbols[other], other, state.delivered,
                           sequence[message], feed_ns)
                rowed += 1
            if row:
                _write_row(rows[rowed], symbols[index], index, state.delivered,
                           sequence[message], feed_ns)
                rowed += 1
            if other_row and other > index:
                _write_row(rows[rowed], symbols[other], other, state.delivered,
                           sequence[message], feed_ns)
                rowed += 1
    if stop > start:
        state.last_ns = timestamp_of(data, offset[stop - 1], length[stop - 1])
    return stop, quoted, rowed


@compiled
def _drop(data, offset, length, message, by_locate, symbols, progress):
    """Count a message as delivered whose event met a full queue: only the locate map takes it."""
    at = offset[message]
    progress[0].delivered += 1
    progress[0].last_ns = timestamp_of(data, at, length[message])
    if event_of(data, at, length[message]) == DIRECTORY:
        _learn(symbols, by_locate, locate_of(data, at), name_of(data, at))


@compiled
def _taint(symbols, reasons, number, sequence, feed_ns, rows):
    """Set reasons on every symbol; return how many rows that made."""
    rowed = 0
    for index in range(len(symbols)):
        symbol = symbols[index]
        symbol.sticky |= reasons
        if symbol.row_trusted:
            _write_row(rows[rowed], symbol, index, number, sequence, feed_ns)
            rowed += 1
    return rowed


class Books:
    """The books of all watched symbols of a card.

    `follow` takes messages in the order of their delivery and `taint` what is known between them;
    both return what the book published, and the rows for the file of best prices.
    """

    def __init__(self, setup: CardSetup, *, quotes: bool = True, rows: bool = True) -> None:
        count = len(setup.symbols)
        self.window = setup.window
        self._table = orders.make_table(FIRST_ROWS)
        self._levels = np.zeros((count, 2, setup.window), np.int64)
        self._filled = np.zeros((count, 2, max(1, setup.window // GROUP)), np.int32)
        self._by_locate = np.full(LOCATES, NONE, np.int32)
        self._progress = np.zeros(1, PROGRESS)
        self._symbols = np.zeros(count, SYMBOL)
        for index, symbol in enumerate(setup.symbols):
            state = self._symbols[index]
            state["base"], state["tick_size"] = symbol.base_tick, symbol.tick_size
            state["name"] = name_word(symbol.name)
            state["locate"] = NONE if symbol.locate is None else symbol.locate
            state["status"] = state["shown_status"] = symbol.status
            state["best"] = NONE
            state["row_trusted"] = 1
            if symbol.locate is not None:
                self._by_locate[symbol.locate] = index
        self._quotes = np.zeros(2 * CHUNK if quotes else 0, PUBLICATION)
        self._rows = np.zeros(2 * CHUNK if rows else 0, BBO_ROW)

    @property
    def delivered(self) -> int:
        """How many messages were delivered."""
        return int(self._progress[0]["delivered"])

    @property
    def last_ns(self) -> int:
        """The time of the last message."""
        return int(self._progress[0]["last_ns"])

    @property
    def resting(self) -> int:
        """How many orders rest in the books."""
        return int(self._progress[0]["resting"])

    def follow(
        self, messages: MessageTable, start: int = 0, stop: int | None = None, *,
        no_way: bool = False,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what messages ``start`` to ``stop`` publish, and their rows, a chunk at a time.

        What is yielded is overwritten by the next. With ``no_way`` no order finds room in the
        card's table, as the card has recorded.
        """
        stop = len(messages) if stop is None else stop
        while start < stop:
            start, quoted, rowed = _follow(
                messages.data, messages.offset, messages.length, messages.sequence,
                start, min(stop, start + CHUNK), no_way, self._by_locate, self._symbols,
                self._levels, self._filled, self._table, self._progress, self._quotes, self._rows,
            )
            yield self._quotes[:quoted], self._rows[:rowed]
            if orders.full(self._table, self.resting):
                self._table = orders.grown(self._table)

    def taint(self, reasons: int, number: int, sequence: int, feed_ns: int) -> np.ndarray:
        """Set reasons on every symbol; return the rows, with the number, sequence and time given."""
        rows = np.zeros(len(self._symbols), BBO_ROW)
        rowed = _taint(self._symbols, reasons, number, np.uint64(sequence), feed_ns, rows)
        return rows[:rowed]

    def drop(self, messages: MessageTable, row: int) -> None:
        """Count a message as delivered whose event met a full queue; no book changes."""
        _drop(messages.data, messages.offset, messages.length, row, self._by_locate,
              self._symbols, self._progress)


def bbo_rows(setup: CardSetup, messages: Iterable[MessageTable]) -> Iterator[np.ndarray]:
    """Yield the rows of the file of best prices, for messages all of which were delivered."""
    books = Books(setup, quotes=False)
    for table in messages:
        for _, rows in books.follow(table):
            yield rows.copy()
