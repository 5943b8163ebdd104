"""A book of dictionaries: sections 4 and 5 of the specification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tickwright.feed.messages import ITCH_SIZES
from tickwright.feed.reasons import REASONS
from tickwright.host.setup import SymbolSetup

__all__ = [
    "Book",
    "BookRun",
    "OracleError",
    "Overflow",
    "Quote",
    "Row",
    "Trust",
    "bit",
    "run_book",
]

BUY, SELL = 0, 1
SUM_MODULUS = 1 << 32
HIGHEST_TICK = (1 << 25) - 1


class OracleError(AssertionError):
    """The recorded inputs contradict the specification."""


def bit(*names: str) -> int:
    """Return the reasons of these names as bits."""
    return sum(1 << REASONS.index(name) for name in names)


class Quote(NamedTuple):
    """A published quote; the fields of the table of quotes, in its order."""

    sequence: int
    feed_ns: int
    symbol: int
    bid: int
    bid_shares: int
    ask: int
    ask_shares: int
    status: int
    reasons: int


class Trust(NamedTuple):
    """A Trust record of scope all; ``first`` and ``last`` where the reasons include `gap`."""

    sequence: int
    reasons: int
    first: int = 0
    last: int = 0


class Overflow(NamedTuple):
    """An event that met a full queue; ``marked`` where a Trust record took its place."""

    sequence: int
    marked: int


class Row(NamedTuple):
    """A row of the BBO file."""

    message: int
    timestamp_ns: int
    symbol: int
    bid: int
    bid_shares: int
    ask: int
    ask_shares: int
    trusted: int
    sequence: int
    reasons: int


@dataclass
class Order:
    symbol: int
    side: int
    tick: int
    shares: int


@dataclass
class Level:
    count: int = 0
    shares: int = 0


@dataclass
class SideBook:
    """One side of one symbol: levels by tick, and how many orders lie outside the window."""

    levels: dict[int, Level] = field(default_factory=dict)
    below: int = 0
    above: int = 0


class Book:
    """The books of all watched symbols, and the locate map before them."""

    def __init__(self, symbols: Sequence[SymbolSetup], window: int) -> None:
        self.symbols = symbols
        self.window = window
        self.orders: dict[int, Order] = {}
        self.sides = [(SideBook(), SideBook()) for _ in symbols]
        self.sticky = [0 for _ in symbols]
        self.status = [symbol.status for symbol in symbols]
        self.published: list[tuple[int, ...]] = [
            (0, 0, 0, 0, symbol.status, 0) for symbol in symbols
        ]
        self.symbol_of_name = {
            symbol.name.encode("ascii").ljust(8): index for index, symbol in enumerate(symbols)
        }
        self.symbol_of_locate = {
            symbol.locate: index
            for index, symbol in enumerate(symbols)
            if symbol.locate is not None
        }

    # The locate map: section 4.

    def concerned(self, data: bytes) -> list[int]:
        """Return the symbols that get an event by this message, in the order of their quotes."""
        kind = chr(data[0])
        if ITCH_SIZES.get(kind) != len(data):
            return []  # skipped
        locate = int.from_bytes(data[1:3], "big")
        mapped = self.symbol_of_locate.get(locate)
        if kind in "AFECXDUH":
            return [] if mapped is None else [mapped]
        if kind != "R":
            return []
        named = self.symbol_of_name.get(data[11:19])
        if named is None:
            return [] if mapped is None else [mapped]
        if mapped == named:
            return []
        if mapped is None and named not in self.symbol_of_locate.values():
            return []  # this message maps it: see `message`
        return [named] if mapped is None else [named, mapped]

    def mismatched(self, data: bytes, symbol: int) -> list[int]:
        """Return the other symbol where an event of ``symbol`` names an order of another."""
        if chr(data[0]) not in "ECXDU":
            return []
        order = self.orders.get(int.from_bytes(data[11:19], "big"))
        return [] if order is None or order.symbol == symbol else [order.symbol]

    def message(self, data: bytes, sequence: int, *, no_way: bool = False) -> list[Quote]:
        """Take a delivered message; return the quotes it publishes.

        ``no_way``: its Add found no free way.
        """
        symbols = self.concerned(data)
        kind = chr(data[0])
        adds = []
        if kind == "R" and ITCH_SIZES["R"] == len(data):
            if symbols:
                for symbol in symbols:
                    self.sticky[symbol] |= bit("directory")
            elif data[11:19] in self.symbol_of_name:
                locate = int.from_bytes(data[1:3], "big")
                self.symbol_of_locate[locate] = self.symbol_of_name[data[11:19]]
        elif symbols and kind == "H":
            self.status[symbols[0]] = data[19]
        elif symbols:
            symbols += self.mismatched(data, symbols[0])
            adds = self._event(kind, data, symbols[0], no_way)
        if no_way and adds != ["capacity"]:
            raise OracleError(f"message {sequence} has no Add that could lack a way")
        feed_ns = int.from_bytes(data[5:11], "big")
        return [
            Quote(sequence, feed_ns, symbol, *self.published[symbol])
            for symbol in symbols
            if self._publish(symbol)
        ]

    # The operations: section 5.

    def _event(self, kind: str, data: bytes, symbol: int, no_way: bool) -> list[str]:
        reference = int.from_bytes(data[11:19], "big")
        if kind in "AF":
            side = {b"B": BUY, b"S": SELL}[data[19:20]]
            shares = int.from_bytes(data[20:24], "big")
            price = int.from_bytes(data[32:36], "big")
            return [self._add(symbol, reference, side, shares, price, no_way)]
        if kind in "ECX":
            self._reduce(symbol, reference, int.from_bytes(data[19:23], "big"))
        elif kind == "D":
            self._reduce(symbol, reference, None)
        elif kind == "U":
            new_reference = int.from_bytes(data[19:27], "big")
            shares = int.from_bytes(data[27:31], "big")
            price = int.from_bytes(data[31:35], "big")
            old = self._reduce(symbol, reference, None)
            if old is not None:
                return [self._add(symbol, new_reference, old.side, shares, price, no_way)]
        return []

    def _add(
        self, symbol: int, reference: int, side: int, shares: int, price: int, no_way: bool
    ) -> str:
        """Add an order; return the reason that it set, or nothing."""
        tick_size = self.symbols[symbol].tick_size
        base = self.symbols[symbol].base_tick
        inside = base * tick_size <= price < (base + self.window) * tick_size
        if reference in self.orders:
            reason = "duplicate_reference"
        elif shares == 0:
            reason = "quantity"
        elif inside and price % tick_size != 0:
            reason = "price"
        elif no_way:
            reason = "capacity"
        else:
            tick = min(price // tick_size, HIGHEST_TICK)
            self.orders[reference] = Order(symbol, side, tick, shares)
            return self._join(symbol, side, tick, shares)
        self.sticky[symbol] |= bit(reason)
        return reason

    def _join(self, symbol: int, side: int, tick: int, shares: int) -> str:
        book = self.sides[symbol][side]
        base = self.symbols[symbol].base_tick
        if tick < base:
            book.below += 1
        elif tick >= base + self.window:
            book.above += 1
        else:
            level = book.levels.setdefault(tick, Level())
            level.count += 1
            level.shares += shares
            if level.shares >= SUM_MODULUS:
                level.shares -= SUM_MODULUS
                self.sticky[symbol] |= bit("quantity")
                return "quantity"
        return ""

    def _reduce(self, symbol: int, reference: int, shares: int | None) -> Order | None:
        """Take shares off an order, None for all; return it unless it is unknown or another's."""
        order = self.orders.get(reference)
        if order is None:
            self.sticky[symbol] |= bit("unknown_reference")
            return None
        if order.symbol != symbol:
            self.sticky[symbol] |= bit("mismatch")
            self.sticky[order.symbol] |= bit("mismatch")
            return None
        if shares is None:
            shares = order.shares
        if shares > order.shares:
            self.sticky[symbol] |= bit("quantity")
            shares = order.shares
        order.shares -= shares
        gone = order.shares == 0
        if gone:
            del self.orders[reference]
        book = self.sides[symbol][order.side]
        base = self.symbols[symbol].base_tick
        if order.tick < base:
            book.below -= gone
        elif order.tick >= base + self.window:
            book.above -= gone
        else:
            level = book.levels[order.tick]
            level.shares = (level.shares - shares) % SUM_MODULUS
            level.count -= gone
            if level.count == 0:
                del book.levels[order.tick]
        return order

    # Quotes and trust.

    def trust(self, reasons: int) -> None:
        """Take a Trust record of scope all."""
        self.sticky = [sticky | reasons for sticky in self.sticky]

    def configured(self, symbol: int) -> None:
        """Note that the host moved the window of a symbol that had seen an event."""
        self.sticky[symbol] |= bit("configured")

    def touch(self, symbol: int) -> tuple[int, int, int, int, int]:
        """Return bid, bid shares, ask, ask shares and the live reason `window` (or 0)."""
        tick_size = self.symbols[symbol].tick_size
        bids, asks = self.sides[symbol]
        hidden = 0
        bid = bid_shares = ask = ask_shares = 0
        if bids.above or (not bids.levels and bids.below):
            hidden = bit("window")
        elif bids.levels:
            best = max(bids.levels)
            bid, bid_shares = best * tick_size, bids.levels[best].shares
        if asks.below or (not asks.levels and asks.above):
            hidden = bit("window")
        elif asks.levels:
            best = min(asks.levels)
            ask, ask_shares = best * tick_size, asks.levels[best].shares
        return bid, bid_shares, ask, ask_shares, hidden

    def _publish(self, symbol: int) -> bool:
        *prices, hidden = self.touch(symbol)
        formed = (*prices, self.status[symbol], self.sticky[symbol] | hidden)
        differs = formed != self.published[symbol]
        self.published[symbol] = formed
        return differs


@dataclass
class BookRun:
    """What came of a run: quotes and Trust records in one order, and the rows of the BBO file."""

    events: list[Quote | Trust]
    rows: list[Row]
    book: Book

    @property
    def quotes(self) -> list[Quote]:
        return [event for event in self.events if isinstance(event, Quote)]

    @property
    def trusts(self) -> list[Trust]:
        return [event for event in self.events if isinstance(event, Trust)]


class _Rows:
    """The BBO file, from what is published."""

    def __init__(self, symbols: int) -> None:
        self.rows: list[Row] = []
        self.last = [(0, 0, 0, 0, 1) for _ in range(symbols)]
        self.reasons = [0 for _ in range(symbols)]

    def quotes(self, number: int, quotes: list[Quote]) -> None:
        for quote in sorted(quotes, key=lambda quote: quote.symbol):
            touch = (quote.bid, quote.bid_shares, quote.ask, quote.ask_shares)
            self.reasons[quote.symbol] = quote.reasons
            new = (*touch, int(quote.reasons == 0))
            if new != self.last[quote.symbol]:
                self.last[quote.symbol] = new
                self._append(number, quote.feed_ns, quote.symbol, quote.sequence)

    def trust(self, number: int, timestamp_ns: int, sequence: int, reasons: int) -> None:
        for symbol, last in enumerate(self.last):
            self.reasons[symbol] |= reasons
            if last[4]:
                self.last[symbol] = (*last[:4], 0)
                self._append(number, timestamp_ns, symbol, sequence)

    def _append(self, number: int, timestamp_ns: int, symbol: int, sequence: int) -> None:
        last, reasons = self.last[symbol], self.reasons[symbol]
        self.rows.append(Row(number, timestamp_ns, symbol, *last, sequence, reasons))


def run_book(
    messages: Iterable[tuple[bytes, int]],
    symbols: Sequence[SymbolSetup],
    window: int,
    *,
    trusts: Iterable[Trust] = (),
    overflows: Iterable[Overflow] = (),
    capacities: Iterable[int] = (),
) -> BookRun:
    """Run delivered messages, (bytes, sequence) each, through the books.

    ``trusts`` are the Trust records of scope all but those of `overflow` alone, each in force
    before the first message whose sequence is not below its own. ``overflows`` and ``capacities``
    (sequences) are what the card recorded.
    """
    run = _Run(symbols, window, trusts)
    dropped, no_way = {found.sequence: found.marked for found in overflows}, set(capacities)
    for data, sequence in messages:
        run.next(data, sequence)
        if sequence in dropped:
            run.drop(data, sequence, marked=bool(dropped[sequence]))
        else:
            run.message(data, sequence, no_way=sequence in no_way)
    run.end()
    return BookRun(run.events, run.rows.rows, run.book)


class _Run:
    """The books and what came of them so far; ``now`` is the place of a row: number and time."""

    def __init__(
        self, symbols: Sequence[SymbolSetup], window: int, trusts: Iterable[Trust]
    ) -> None:
        self.book = Book(symbols, window)
        self.events: list[Quote | Trust] = []
        self.rows = _Rows(len(symbols))
        self.waiting = list(trusts)
        self.now = (0, 0)
        self.expected = 1
        self.full = False  # since the last Trust record of an overflow no event found room
        self.merged = False  # the last Trust record is also that of an overflow still to come

    def next(self, data: bytes, sequence: int) -> None:
        """Go on to a message, behind the Trust records that come before it."""
        self.now = (self.now[0] + 1, int.from_bytes(data[5:11], "big"))
        while self.waiting and self.waiting[0].sequence <= sequence:
            record = self.waiting.pop(0)
            self.trust(record, sequence)
            self.merged = bool(record.reasons & bit("overflow"))
        self.expected = sequence + 1

    def trust(self, record: Trust, sequence: int) -> None:
        self.book.trust(record.reasons)
        self.events.append(record)
        self.rows.trust(*self.now, sequence, record.reasons)
        self.full = self.full or bool(record.reasons & bit("overflow"))

    def drop(self, data: bytes, sequence: int, *, marked: bool) -> None:
        """Leave out a message whose event met a full queue."""
        if not self.book.concerned(data):
            raise OracleError(f"message {sequence} has no event that could be dropped")
        if marked and not self.merged:
            self.trust(Trust(sequence, bit("overflow")), sequence)
        elif not self.full:
            raise OracleError(f"message {sequence} shares a Trust record, and there is none")
        self.merged = self.merged and not marked

    def message(self, data: bytes, sequence: int, *, no_way: bool) -> None:
        if self.book.concerned(data) and data[:1] != b"R":  # that has no event to be dropped
            if self.merged:
                raise OracleError(f"message {sequence} found room, a Trust record says it did not")
            self.full = False
        quotes = self.book.message(data, sequence, no_way=no_way)
        self.events += quotes
        self.rows.quotes(self.now[0], quotes)

    def end(self) -> None:
        """Take the Trust records behind the last message."""
        self.now = (self.now[0] + 1, self.now[1])
        for record in self.waiting:
            self.trust(record, max(self.expected, record.sequence))
