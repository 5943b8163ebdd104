"""What is shown of a book: its quote, and its rows in the file of best prices."""

import numpy as np

from tickwright.feed.reasons import WINDOW
from tickwright.host.records import QUOTE
from tickwright.model.compiled import compiled
from tickwright.model.orders import SHARES_MASK
from tickwright.model.tables import BUY, NONE, SELL

__all__ = ["PUBLICATION", "form_quote", "taint", "write"]

PUBLICATION = np.dtype([("trust", "u1"), ("coalesced", "u1"), ("message", "i8"), *QUOTE.descr])
"""What the book passes on, in order: a quote, or (`trust`) a Trust record, by its `reasons` alone.

`message` is the row of the message in the table that was followed. A quote is `coalesced` where the
card kept it without its evaluations; the book itself does not say so.
"""


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
def form_quote(books, index):
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
    quote.trust = quote.coalesced = 0
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
def write(books, first, second, message, sequence, feed_ns, quotes, rows, quoted, rowed):
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
def taint(books, reasons, number, sequence, feed_ns, rows):
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
