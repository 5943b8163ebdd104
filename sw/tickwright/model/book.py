"""Books: which orders rest at which price, what is best, and what of it may be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tickwright.feed.reasons import REASONS, WINDOW
from tickwright.host.records import BBO_ROW, QUOTE, BookOp, Side
from tickwright.host.setup import CENT_TICK, LOCATES, CardSetup
from tickwright.market.messages_table import MessageTable
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
from tickwright.model.orders import OWNER, PACKED, SHARES_BITS, SHARES_MASK, SIDE_SHIFT, TICK_MASK

__all__ = ["PUBLICATION", "Books"]

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

PUBLICATION = np.dtype([("trust", "u1"), ("message", "i8"), *QUOTE.descr])
"""What the book passes on, in order: a quote, or (`trust`) a Trust record, by its `reasons` alone.

`message` is the row of the message in the table that was followed.
"""

CHUNK = 1 << 12  # messages a call: bounds the memory for what they publish
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
def _join(books, index, side, tick, shares):
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
def _leave(books, index, side, tick, shares, whole):
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


@compiled
def _add(books, index, reference, side, shares, price, no_way):
    """Do an Add; return the reasons that it gives its symbol."""
    symbol = books.symbols[index]
    if orders.find(books.orders, reference) >= 0:
        return DUPLICATE_REFERENCE
    if shares == 0:
        return QUANTITY
    # A price has 32 bits and the window ends at or below the last tick: a price above it may be
    # kept as the last tick without coming to lie inside.
    cents = symbol.tick_size == CENT_TICK
    tick = min(price // CENT_TICK if cents else price, TICK_MASK)
    level = tick - symbol.base
    if 0 <= level < books.levels.shape[2] and price != tick * symbol.tick_size:
        return PRICE
    if no_way:
        books.progress[0].no_ways += 1
        return CAPACITY
    orders.insert(books.orders, reference, index, side, tick, shares)
    books.progress[0].resting += 1
    return _join(books, index, side, tick, shares)


@compiled
def _operate(books, index, event, data, at, no_way):
    """Do an operation on an order."""
    symbol = books.symbols[index]
    reference, shares = reference_of(data, at), shares_of(data, at, event)
    if event == BookOp.ADD:
        side, price = side_of(data, at), price_of(data, at, event)
        symbol.sticky |= _add(books, index, reference, side, shares, price, no_way)
        return
    row = orders.find(books.orders, reference)
    if row < 0:
        symbol.sticky |= UNKNOWN_REFERENCE
        return
    owner = books.orders[row, OWNER] - 1
    if owner != index:
        symbol.sticky |= MISMATCH
        books.symbols[owner].sticky |= MISMATCH
        return
    packed = books.orders[row, PACKED]
    remaining = packed & SHARES_MASK
    tick, side = packed >> SHARES_BITS & TICK_MASK, packed >> SIDE_SHIFT
    taken = remaining if event in (BookOp.DELETE, BookOp.REPLACE) else shares
    if taken > remaining:
        symbol.sticky |= QUANTITY
        taken = remaining
    if taken == remaining:
        orders.remove(books.orders, row)
        books.progress[0].resting -= 1
    else:
        books.orders[row, PACKED] = packed - taken
    _leave(books, index, side, tick, taken, taken == remaining)
    if event == BookOp.REPLACE:
        reference, price = new_reference_of(data, at), price_of(data, at, event)
        symbol.sticky |= _add(books, index, reference, side, shares, price, no_way)


@compiled
def _learn(books, locate, name):
    """Take an R message into the map; return the symbols that it contradicts the map about.

    That named comes first, then that of the locate; NONE for each where there is none.
    """
    named = NONE
    for index in range(len(books.symbols)):
        if books.symbols[index].name == name:
            named = index
            break
    owner = books.by_locate[locate]
    if named == NONE:
        return owner, NONE
    if owner == named:
        return NONE, NONE
    if owner == NONE and books.symbols[named].locate == NONE:
        books.by_locate[locate] = named
        books.symbols[named].locate = locate
        return NONE, NONE
    return named, owner


@compiled
def _hidden(half):
    """Say whether the best price of a side may lie outside the window."""
    return half.better > 0 or (half.best == NONE and half.worse > 0)


@compiled
def _touch(books, index, side):
    """Return the price and the shares to show for a side."""
    symbol, half = books.symbols[index], books.sides[index, side]
    if half.best == NONE or half.better > 0:
        return 0, 0
    shares = books.levels[index, side, half.best] & SHARES_MASK
    return (symbol.base + half.best) * symbol.tick_size, shares


@compiled
def _quote(books, index):
    """Form the quote of a symbol; return whether it is new, and whether it makes a row."""
    symbol = books.symbols[index]
    bid, bid_shares = _touch(books, index, BUY)
    ask, ask_shares = _touch(books, index, SELL)
    reasons = symbol.sticky
    if _hidden(books.sides[index, BUY]) or _hidden(books.sides[index, SELL]):
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
    turned = (reasons == 0) != (symbol.row_reasons == 0)
    symbol.row_reasons = reasons
    return new, moved or turned


@compiled
def _write_quote(quote, symbol, index, message, sequence, feed_ns):
    quote.trust = 0
    quote.message = message
    quote.sequence = sequence
    quote.feed_ns = feed_ns
    quote.symbol = index
    quote.bid, quote.bid_shares = symbol.bid, symbol.bid_shares
    quote.ask, quote.ask_shares = symbol.ask, symbol.ask_shares
    quote.status = symbol.status
    quote.reasons = symbol.reasons


@compiled
def _write_row(row, symbol, index, number, sequence, feed_ns):
    row.message = number
    row.timestamp_ns = feed_ns
    row.locate = max(symbol.locate, 0)
    row.symbol = index
    row.bid, row.bid_shares = symbol.bid, symbol.bid_shares
    row.ask, row.ask_shares = symbol.ask, symbol.ask_shares
    row.trusted = symbol.row_reasons == 0
    row.sequence = sequence
    row.reasons = symbol.row_reasons


@compiled
def _write(books, first, second, message, sequence, feed_ns, quotes, rows, quoted, rowed):
    """Write what is new of the symbols of an event; return how much there is then.

    Of each symbol comes its index, whether its quote is new and whether it makes a row. Quotes
    leave the symbol of the event first; rows go by the index.
    """
    for index, new, _ in (first, second):
        if new and len(quotes):
            symbol = books.symbols[index]
            _write_quote(quotes[quoted], symbol, index, message, sequence, feed_ns)
            quoted += 1
    if second[0] != NONE and second[0] < first[0]:
        first, second = second, first
    for index, _, row in (first, second):
        if row and len(rows):
            symbol, number = books.symbols[index], books.progress[0].delivered
            _write_row(rows[rowed], symbol, index, number, sequence, feed_ns)
            rowed += 1
    return quoted, rowed


@compiled
def _follow(books, data, offset, length, sequence, start, stop, no_way, quotes, rows):
    """Follow the messages from ``start``; return how far it came, and what it wrote.

    It stops before ``stop`` where the order table must grow. At most two quotes and two rows are
    written for a message; none where there is no room for any.
    """
    progress = books.progress[0]
    quoted = rowed = 0
    for message in range(start, stop):
        at, size = offset[message], length[message]
        if orders.full(books.orders, progress.resting):
            return message, quoted, rowed
        progress.delivered += 1
        event = event_of(data, at, size)
        if event == NOTHING:
            continue
        index, other = books.by_locate[locate_of(data, at)], NONE
        if event == DIRECTORY:
            index, other = _learn(books, locate_of(data, at), name_of(data, at))
        if index == NONE:
            continue
        first, second = (index, False, False), (NONE, False, False)
        if event == DIRECTORY:
            books.symbols[index].sticky |= DIRECTORY_REASON
            if other != NONE:
                books.symbols[other].sticky |= DIRECTORY_REASON
                new, row = _quote(books, other)
                second = (other, new, row)
        elif event == STATUS:
            books.symbols[index].status = state_of(data, at)
        else:
            _operate(books, index, event, data, at, no_way)
        new, row = _quote(books, index)
        first = (index, new, row)
        if new or row or other != NONE:
            quoted, rowed = _write(
                books,
                first,
                second,
                message,
                sequence[message],
                timestamp_of(data, at, size),
                quotes,
                rows,
                quoted,
                rowed,
            )
    if stop > start:
        progress.last_ns = timestamp_of(data, offset[stop - 1], length[stop - 1])
    return stop, quoted, rowed


@compiled
def _drop(books, data, at, size):
    """Count a message as delivered whose event met a full queue: only the locate map takes it."""
    books.progress[0].delivered += 1
    books.progress[0].last_ns = timestamp_of(data, at, size)
    if event_of(data, at, size) == DIRECTORY:
        _learn(books, locate_of(data, at), name_of(data, at))


@compiled
def _taint(books, reasons, number, sequence, feed_ns, rows):
    """Set reasons on every symbol; return how many rows that made."""
    rowed = 0
    for index in range(len(books.symbols)):
        symbol = books.symbols[index]
        symbol.sticky |= reasons
        trusted = symbol.row_reasons == 0
        symbol.row_reasons |= reasons
        if trusted and len(rows):
            _write_row(rows[rowed], symbol, index, number, sequence, feed_ns)
            rowed += 1
    return rowed


def _read_only(column: np.ndarray, kind: type) -> np.ndarray:
    """Return a column as one type that code is compiled for; data of files are read-only."""
    view = np.ascontiguousarray(column, kind).view()
    view.flags.writeable = False
    return view


class Books:
    """The books of all watched symbols of a card.

    `follow` takes messages in the order of their delivery, `taint` what is known between them, and
    `drop` a message whose event the card could not take. What they yield is what the book
    publishes, without the Trust records, and the rows of the file of best prices.
    """

    def __init__(self, setup: CardSetup, *, quotes: bool = True, rows: bool = True) -> None:
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
        self._tables = Tables(
            symbols=symbols,
            sides=sides,
            levels=np.zeros((count, len(Side), setup.window), np.int64),
            filled=np.zeros((count, len(Side), max(1, setup.window // GROUP)), np.int32),
            orders=orders.make_table(FIRST_ROWS),
            by_locate=by_locate,
            progress=np.zeros(1, PROGRESS),
        )
        self._quotes = np.zeros(2 * CHUNK if quotes else 0, PUBLICATION)
        self._rows = np.zeros(2 * CHUNK if rows else 0, BBO_ROW)

    @property
    def delivered(self) -> int:
        """How many messages were delivered."""
        return int(self._tables.progress[0]["delivered"])

    @property
    def last_ns(self) -> int:
        """The time of the last message."""
        return int(self._tables.progress[0]["last_ns"])

    @property
    def resting(self) -> int:
        """How many orders rest in the books."""
        return int(self._tables.progress[0]["resting"])

    @property
    def no_ways(self) -> int:
        """How many orders found no room in the card's table, as it has recorded."""
        return int(self._tables.progress[0]["no_ways"])

    def follow(
        self,
        messages: MessageTable,
        start: int = 0,
        stop: int | None = None,
        *,
        no_way: bool = False,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield what messages ``start`` to ``stop`` publish, and their rows, a chunk at a time.

        What is yielded is overwritten by the next. With ``no_way`` no order finds room in the
        card's table, as the card has recorded.
        """
        stop = len(messages) if stop is None else stop
        columns = (
            _read_only(messages.data, np.uint8),
            _read_only(messages.offset, np.int64),
            _read_only(messages.length, np.uint16),
            _read_only(messages.sequence, np.uint64),
        )
        while start < stop:
            start, quoted, rowed = _follow(
                self._tables,
                *columns,
                start,
                min(stop, start + CHUNK),
                no_way,
                self._quotes,
                self._rows,
            )
            yield self._quotes[:quoted], self._rows[:rowed]
            if orders.full(self._tables.orders, self.resting):
                self._tables = self._tables._replace(orders=orders.grown(self._tables.orders))

    def taint(self, reasons: int, number: int, sequence: int, feed_ns: int) -> np.ndarray:
        """Set reasons on every symbol; return the rows, of the message named."""
        rows = np.zeros(len(self._tables.symbols) if len(self._rows) else 0, BBO_ROW)
        rowed = _taint(self._tables, reasons, number, np.uint64(sequence), feed_ns, rows)
        return rows[:rowed]

    @staticmethod
    def time_of(messages: MessageTable, row: int) -> int:
        """Return the time of a message, in ns."""
        data = _read_only(messages.data, np.uint8)
        return int(timestamp_of(data, int(messages.offset[row]), int(messages.length[row])))

    def drop(self, messages: MessageTable, row: int) -> None:
        """Count a message as delivered whose event met a full queue; no book changes."""
        data = _read_only(messages.data, np.uint8)
        _drop(self._tables, data, int(messages.offset[row]), int(messages.length[row]))
