"""Books: which orders rest at which price, what is best, and what of it may be trusted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.host.records import BBO_ROW
from tickwright.host.setup import CardSetup
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
    state_of,
    timestamp_of,
)
from tickwright.model.operations import learn, operate
from tickwright.model.quotes import PUBLICATION, form_quote, taint, write
from tickwright.model.tables import NONE, make_tables

__all__ = ["PUBLICATION", "Books"]

DIRECTORY_REASON = 1 << REASONS.index("directory")
CHUNK = 1 << 12  # messages a call: bounds the memory for what they publish


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
            index, other = learn(books, locate_of(data, at), name_of(data, at))
        if index == NONE:
            continue
        if event == DIRECTORY:
            books.symbols[index].sticky |= DIRECTORY_REASON
            if other != NONE:
                books.symbols[other].sticky |= DIRECTORY_REASON
        elif event == STATUS:
            books.symbols[index].status = state_of(data, at)
        else:
            other = operate(books, index, event, data, at, no_way)
        new, row = form_quote(books, index)
        first, second = (index, new, row), (NONE, False, False)
        if other != NONE:
            new_too, row_too = form_quote(books, other)
            second = (other, new_too, row_too)
        if new or row or other != NONE:
            quoted, rowed = write(
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
        learn(books, locate_of(data, at), name_of(data, at))


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
        self._tables = make_tables(setup)
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
        rowed = taint(self._tables, reasons, number, np.uint64(sequence), feed_ns, rows)
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
