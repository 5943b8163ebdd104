"""The model's books hold what the specification says, message by message."""

import random

import numpy as np
import pytest

from tickwright.feed.messages import (
    ITCH_BY_TYPE,
    AddOrder,
    AddOrderAttributed,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderExecutedPrice,
    OrderReplace,
    StockDirectory,
    SystemEvent,
    Trade,
    TradingAction,
)
from tickwright.feed.reasons import REASONS
from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import read_messages
from tickwright.model import orders
from tickwright.model.book import Books
from tickwright.model.delivery import bbo_rows

WINDOW = 64  # ticks
BASE = 1000  # lowest tick: 10.00 dollars
LAST_TICK = (1 << 25) - 1


def reasons(*names):
    return sum(1 << REASONS.index(name) for name in names)


def table(*messages):
    return MessageTable.from_messages([message.pack() for message in messages])


def setup(*symbols, window=WINDOW):
    return CardSetup(
        window=window,
        symbols=symbols
        or (
            SymbolSetup(name="ABC", locate=1, base_tick=BASE),
            SymbolSetup(name="XYZ", locate=2, base_tick=BASE),
        ),
    )


def quotes_of(card, messages):
    """Return the quotes, as rows of sequence, symbol, prices and shares, status, reasons."""
    books, found = Books(card), []
    for quotes, _ in books.follow(messages):
        for row in quotes:
            assert row["trust"] == 0
            columns = ("symbol", "bid", "bid_shares", "ask", "ask_shares", "status", "reasons")
            found.append((int(row["sequence"]), *(int(row[name]) for name in columns)))
    return found


def last_quote(*messages, card=None):
    """Return (bid, bid_shares, ask, ask_shares, reasons) of the last quote."""
    _, _, bid, bid_shares, ask, ask_shares, _, flags = quotes_of(card or setup(), table(*messages))[
        -1
    ]
    return bid, bid_shares, ask, ask_shares, flags


def add(reference, side="B", shares=100, cents=1010, locate=1, price=None):
    price = 100 * cents if price is None else price
    return AddOrder(reference=reference, side=side, shares=shares, price=price, locate=locate)


def executed(reference, shares, locate=1):
    return OrderExecuted(reference=reference, shares=shares, locate=locate)


def canceled(reference, shares, locate=1):
    return OrderCancel(reference=reference, shares=shares, locate=locate)


def deleted(reference, locate=1):
    return OrderDelete(reference=reference, locate=locate)


def replaced(reference, new_reference, shares=100, cents=1010, locate=1):
    return OrderReplace(
        reference=reference,
        new_reference=new_reference,
        shares=shares,
        price=100 * cents,
        locate=locate,
    )


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([add(1)], (101000, 100, 0, 0, 0), id="bid"),
        pytest.param([add(1, "S")], (0, 0, 101000, 100, 0), id="ask"),
        pytest.param([add(1), add(2, cents=1011)], (101100, 100, 0, 0, 0), id="better-bid"),
        pytest.param([add(1), add(2, shares=5)], (101000, 105, 0, 0, 0), id="level-sums"),
        pytest.param(
            [add(1, "S"), add(2, "S", cents=1009)], (0, 0, 100900, 100, 0), id="better-ask"
        ),
        pytest.param([add(1), executed(1, 30)], (101000, 70, 0, 0, 0), id="part-executed"),
        pytest.param(
            [add(1), OrderExecutedPrice(reference=1, shares=30, price=1, locate=1)],
            (101000, 70, 0, 0, 0),
            id="executed-at-another-price",
        ),
        pytest.param([add(1), canceled(1, 100)], (0, 0, 0, 0, 0), id="canceled-whole"),
        pytest.param([add(1), add(2, cents=1000), deleted(1)], (100000, 100, 0, 0, 0), id="next"),
        pytest.param(
            [add(1, cents=1063), add(2, cents=1000), deleted(1)],
            (100000, 100, 0, 0, 0),
            id="next-across-the-window",
        ),
        pytest.param(
            [add(1, "S", cents=1000), add(2, "S", cents=1063), deleted(1)],
            (0, 0, 106300, 100, 0),
            id="next-ask-across-the-window",
        ),
        pytest.param(
            [add(1, "S"), replaced(1, 2, 40, 1012)], (0, 0, 101200, 40, 0), id="replaced-keeps-side"
        ),
        pytest.param([add(1), replaced(1, 1, 7, 1011)], (101100, 7, 0, 0, 0), id="same-reference"),
        pytest.param(
            [add(1, cents=1020), add(2, "S", cents=1010)], (102000, 100, 101000, 100, 0), id="cross"
        ),
        pytest.param(
            [add(1), add(1 << 63, cents=1011)], (101100, 100, 0, 0, 0), id="wide-reference"
        ),
        # Reasons.
        pytest.param([executed(9, 1)], (0, 0, 0, 0, reasons("unknown_reference")), id="E-unknown"),
        pytest.param([canceled(9, 1)], (0, 0, 0, 0, reasons("unknown_reference")), id="X-unknown"),
        pytest.param([deleted(9)], (0, 0, 0, 0, reasons("unknown_reference")), id="D-unknown"),
        pytest.param(
            [replaced(9, 10)], (0, 0, 0, 0, reasons("unknown_reference")), id="U-unknown-adds-none"
        ),
        pytest.param(
            [add(1), add(1, cents=1011)],
            (101000, 100, 0, 0, reasons("duplicate_reference")),
            id="A-duplicate",
        ),
        pytest.param(
            [add(1), add(2, cents=1011), replaced(1, 2)],
            (101100, 100, 0, 0, reasons("duplicate_reference")),
            id="U-duplicate-deletes-the-old",
        ),
        pytest.param([add(1, shares=0)], (0, 0, 0, 0, reasons("quantity")), id="A-of-0"),
        pytest.param(
            [add(1, shares=0, price=101050)], (0, 0, 0, 0, reasons("quantity")), id="0-before-price"
        ),
        pytest.param(
            [add(1), add(1, shares=0)],
            (101000, 100, 0, 0, reasons("duplicate_reference")),
            id="duplicate-before-0",
        ),
        pytest.param(
            [add(1), replaced(1, 2, 0)], (0, 0, 0, 0, reasons("quantity")), id="U-of-0-deletes"
        ),
        pytest.param(
            [add(1), executed(1, 101)], (0, 0, 0, 0, reasons("quantity")), id="E-beyond-what-rests"
        ),
        pytest.param(
            [add(1), add(2, shares=5), canceled(1, 101)],
            (101000, 5, 0, 0, reasons("quantity")),
            id="X-beyond-takes-what-rests",
        ),
        pytest.param(
            [add(1, shares=0xFFFFFFFF), add(2, shares=2)],
            (101000, 1, 0, 0, reasons("quantity")),
            id="level-beyond-32-bits",
        ),
        pytest.param(
            [add(1, shares=0xFFFFFFFF), add(2, shares=2), deleted(1)],
            (101000, 2, 0, 0, reasons("quantity")),
            id="level-back-from-beyond",
        ),
        pytest.param([add(1, price=101050)], (0, 0, 0, 0, reasons("price")), id="off-the-grid"),
        pytest.param(
            [add(1), replaced(1, 2), add(3, price=101001)],
            (101000, 100, 0, 0, reasons("price")),
            id="off-the-grid-keeps-the-rest",
        ),
        # The window: 1000 .. 1063.
        pytest.param(
            [add(1), add(2, cents=1064)], (0, 0, 0, 0, reasons("window")), id="bid-above-hides"
        ),
        pytest.param([add(1), add(2, cents=999)], (101000, 100, 0, 0, 0), id="bid-below-hides-not"),
        pytest.param([add(2, cents=999)], (0, 0, 0, 0, reasons("window")), id="only-bid-below"),
        pytest.param(
            [add(1, "S"), add(2, "S", cents=999)],
            (0, 0, 0, 0, reasons("window")),
            id="ask-below-hides",
        ),
        pytest.param(
            [add(1, "S"), add(2, "S", cents=1064)], (0, 0, 101000, 100, 0), id="ask-above-hides-not"
        ),
        pytest.param(
            [add(1, "S", cents=1064)], (0, 0, 0, 0, reasons("window")), id="only-ask-above"
        ),
        pytest.param(
            [add(1), add(2, "S", cents=1064)],
            (101000, 100, 0, 0, reasons("window")),
            id="one-side-hidden",
        ),
        pytest.param(
            [add(1), add(2, cents=1064), deleted(2)], (101000, 100, 0, 0, 0), id="window-comes-back"
        ),
        pytest.param(
            [add(1), add(2, cents=1064), executed(2, 99)],
            (0, 0, 0, 0, reasons("window")),
            id="part-of-an-outside-order",
        ),
        pytest.param(
            [add(1), add(2, cents=1064), replaced(2, 3, cents=999)],
            (101000, 100, 0, 0, 0),
            id="replaced-from-above-to-below",
        ),
        pytest.param(
            [add(1), add(2, price=99950), add(3, price=106450)],
            (0, 0, 0, 0, reasons("window")),
            id="off-the-grid-outside-is-kept",
        ),
        pytest.param(
            [add(1), add(2, price=99999), deleted(2)],
            (101000, 100, 0, 0, 0),
            id="just-below-the-window",
        ),
    ],
)
def test_book_after_messages(messages, expected):
    assert last_quote(*messages) == expected


def test_prices_beyond_the_last_tick_are_outside():
    card = setup(
        SymbolSetup(name="ABC", locate=1, base_tick=LAST_TICK - WINDOW, cent_tick=False),
        window=WINDOW,
    )
    inside = add(1, "S", price=LAST_TICK - 1)
    assert last_quote(inside, card=card) == (0, 0, LAST_TICK - 1, 100, 0)
    beyond = [add(2, "S", price=LAST_TICK), add(3, "S", price=0xFFFFFFFF)]
    assert last_quote(*beyond, inside, card=card) == (0, 0, LAST_TICK - 1, 100, 0)
    assert last_quote(*beyond, card=card) == (0, 0, 0, 0, reasons("window"))
    assert last_quote(*beyond, deleted(2), deleted(3), inside, card=card)[2] == LAST_TICK - 1


def test_attributed_orders_are_orders():
    message = AddOrderAttributed(reference=1, side="B", shares=3, price=101000, locate=1)
    assert last_quote(message) == (101000, 3, 0, 0, 0)


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize(
    "event", [executed, canceled, lambda *_, locate: deleted(1, locate), replaced]
)
def test_a_mismatch_publishes_both_symbols_that_of_the_event_first(event, owner):
    mapped = (1, 2)
    foreign = event(1, 5, locate=mapped[1 - owner])
    later = add(2, shares=1, locate=mapped[owner])
    found = quotes_of(setup(), table(add(1, locate=mapped[owner]), foreign, foreign, later))
    assert found == [
        (1, owner, 101000, 100, 0, 0, 0, 0),
        (2, 1 - owner, 0, 0, 0, 0, 0, reasons("mismatch")),
        (2, owner, 101000, 100, 0, 0, 0, reasons("mismatch")),
        (4, owner, 101000, 101, 0, 0, 0, reasons("mismatch")),
    ]


def test_of_a_mismatch_only_what_differs_is_published():
    third = SymbolSetup(name="NEW", locate=3, base_tick=BASE)
    card = setup(*setup().symbols, third)
    messages = [add(1), executed(1, 5, locate=2), executed(1, 5, locate=3), add(2, locate=3)]
    found = quotes_of(card, table(*messages, executed(2, 5, locate=2)))
    assert [(row[0], row[1]) for row in found] == [(1, 0), (2, 1), (2, 0), (3, 2), (4, 2)]


def test_both_quotes_of_a_mismatch_bear_its_message():
    messages = [add(1), executed(1, 5, locate=2)]
    stamped = [message.replace(timestamp_ns=100 + at) for at, message in enumerate(messages)]
    ((quotes, _),) = Books(setup()).follow(table(*stamped))
    columns = ["symbol", "message", "sequence", "feed_ns"]
    assert quotes[columns].tolist() == [(0, 0, 1, 100), (1, 1, 2, 101), (0, 1, 2, 101)]


def test_a_replace_of_another_symbols_order_adds_nothing():
    found = quotes_of(setup(), table(add(1), replaced(1, 2, locate=2), deleted(2, locate=2)))
    assert found[1:] == [
        (2, 1, 0, 0, 0, 0, 0, reasons("mismatch")),
        (2, 0, 101000, 100, 0, 0, 0, reasons("mismatch")),
        (3, 1, 0, 0, 0, 0, 0, reasons("mismatch", "unknown_reference")),
    ]


def test_a_duplicate_of_another_symbols_order_is_no_mismatch():
    found = quotes_of(setup(), table(add(1), add(1, locate=2), add(2)))
    assert [(row[0], row[1], row[-1]) for row in found] == [
        (1, 0, 0),
        (2, 1, reasons("duplicate_reference")),
        (3, 0, 0),
    ]


def test_quotes_are_published_when_they_differ():
    same = [add(1), add(2, cents=1005), canceled(2, 50), deleted(2)]
    assert [row[0] for row in quotes_of(setup(), table(*same))] == [1]


def test_status_makes_a_quote():
    def action(state):
        return TradingAction(stock="ABC", state=state, locate=1)

    found = quotes_of(setup(), table(action("T"), action("T"), action("H")))
    assert [(row[0], chr(row[6])) for row in found] == [(1, "T"), (3, "H")]


def test_status_of_the_host_is_published_already():
    card = setup(SymbolSetup(name="ABC", locate=1, base_tick=BASE, status=ord("T")))
    found = quotes_of(card, table(TradingAction(stock="ABC", state="T", locate=1), add(1)))
    assert [(row[0], chr(row[6])) for row in found] == [(2, "T")]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(SystemEvent(event="Q", locate=1), id="type-without-event"),
        pytest.param(Trade(reference=1, side="B", shares=1, price=1, locate=1), id="trade"),
        pytest.param(add(1, locate=3), id="locate-not-watched"),
        pytest.param(StockDirectory(stock="OTHER", locate=3), id="name-not-watched"),
        pytest.param(StockDirectory(stock="ABC", locate=1), id="directory-as-mapped"),
    ],
)
def test_no_event(message):
    books = Books(setup())
    assert [len(quotes) + len(rows) for quotes, rows in books.follow(table(message))] == [0]
    assert books.delivered == 1


@pytest.mark.parametrize("length", [12, 35, 37])
def test_a_length_that_is_not_its_types_is_skipped(length):
    data = (add(1).pack() + bytes(8))[:length]
    books = Books(setup())
    messages = MessageTable.from_messages([data])
    assert [len(quotes) + len(rows) for quotes, rows in books.follow(messages)] == [0]
    assert books.delivered == 1


ABC, XYZ, NEW = (SymbolSetup(name=name, base_tick=BASE) for name in ("ABC", "XYZ", "NEW"))


def directory(stock, locate):
    return StockDirectory(stock=stock, locate=locate)


def test_a_directory_message_maps_from_the_next_on():
    found = quotes_of(setup(ABC), table(add(1), directory("ABC", 1), add(2)))
    assert found == [(3, 0, 101000, 100, 0, 0, 0, 0)]


CONTRADICTION = reasons("directory")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([directory("ABC", 7), directory("ABC", 7)], [], id="twice"),
        pytest.param(
            [directory("ABC", 7), directory("ABC", 8)], [(2, 0, CONTRADICTION)], id="moved"
        ),
        pytest.param(
            [directory("ABC", 7), directory("XYZ", 7)],
            [(2, 1, CONTRADICTION), (2, 0, CONTRADICTION)],
            id="locate-of-another-named-first",
        ),
        pytest.param(
            [directory("ABC", 7), directory("XYZ", 8), directory("ABC", 8)],
            [(3, 0, CONTRADICTION), (3, 1, CONTRADICTION)],
            id="both-mapped-crosswise",
        ),
        pytest.param(
            [directory("ABC", 7), directory("OTHER", 7)], [(2, 0, CONTRADICTION)], id="taken-over"
        ),
    ],
)
def test_directory_contradictions(messages, expected):
    found = quotes_of(setup(ABC, XYZ), table(*messages))
    assert [(row[0], row[1], row[-1]) for row in found] == expected


def test_a_contradiction_leaves_the_map():
    messages = [directory("ABC", 7), directory("XYZ", 7), add(1, locate=7)]
    assert quotes_of(setup(ABC, XYZ), table(*messages))[-1][:3] == (3, 0, 101000)


def test_no_way_keeps_no_order():
    books, messages = Books(setup()), table(add(1), add(2), replaced(1, 3), deleted(1))
    found = []
    for row, no_way in enumerate((False, True, True, False)):
        for quotes, _ in books.follow(messages, row, row + 1, no_way=no_way):
            found += [(int(quote["bid_shares"]), int(quote["reasons"])) for quote in quotes]
    assert found == [
        (100, 0),
        (100, reasons("capacity")),
        (0, reasons("capacity")),
        (0, reasons("capacity", "unknown_reference")),
    ]
    assert books.resting == 0


def rows_of(books, messages):
    return [
        tuple(int(row[name]) for name in ("message", "symbol", "bid", "bid_shares", "trusted"))
        for _, rows in books.follow(messages)
        for row in rows
    ]


def test_rows_are_what_changes_in_prices_shares_and_trust():
    messages = table(
        add(1),
        TradingAction(stock="ABC", state="T", locate=1),  # a quote, but no row
        add(2, cents=1005),
        deleted(9),
        deleted(9),
        add(3, shares=1),
    )
    assert rows_of(Books(setup()), messages) == [
        (1, 0, 101000, 100, 1),
        (4, 0, 101000, 100, 0),
        (6, 0, 101000, 101, 0),
    ]


def test_rows_of_one_message_go_by_symbol():
    messages = table(directory("XYZ", 7), directory("ABC", 7))
    assert rows_of(Books(setup(ABC, XYZ)), messages) == [(2, 0, 0, 0, 0), (2, 1, 0, 0, 0)]
    messages = table(add(1), executed(1, 5, locate=2), executed(1, 5, locate=2), canceled(1, 1))
    assert rows_of(Books(setup()), messages) == [
        (1, 0, 101000, 100, 1),
        (2, 0, 101000, 100, 0),
        (2, 1, 0, 0, 0),
        (4, 0, 101000, 99, 0),
    ]


def test_both_symbols_of_a_mismatch_were_untrusted_before_a_taint():
    books = Books(setup())
    rows_of(books, table(add(1), executed(1, 5, locate=2)))
    assert len(books.taint(reasons("gap"), 3, 3, 0)) == 0


def test_taint_rows_are_of_the_symbols_that_were_trusted():
    books = Books(setup())
    assert rows_of(books, table(deleted(9), add(1, locate=2))) == [
        (1, 0, 0, 0, 0),
        (2, 1, 101000, 100, 1),
    ]
    rows = books.taint(reasons("gap"), 3, 17, 99)
    assert [
        tuple(int(row[name]) for name in ("message", "timestamp_ns", "locate", "symbol", "bid"))
        for row in rows
    ] == [(3, 99, 2, 1, 101000)]
    assert [int(row["sequence"]) for row in rows] == [17]
    assert [int(row["reasons"]) for row in rows] == [reasons("gap")]
    assert len(books.taint(reasons("fault"), 3, 17, 99)) == 0


def test_a_taint_is_in_the_next_quote():
    books = Books(setup())
    books.taint(reasons("gap"), 1, 1, 0)
    ((quotes, rows),) = [
        (quotes.copy(), rows.copy()) for quotes, rows in books.follow(table(deleted(9)))
    ]
    assert [int(quote["reasons"]) for quote in quotes] == [reasons("gap", "unknown_reference")]
    assert len(rows) == 0


def test_a_dropped_event_changes_no_book():
    books, messages = Books(setup(ABC)), table(directory("ABC", 5), add(1, locate=5))
    books.drop(messages, 0)
    assert rows_of(books, messages.select(slice(1, 2))) == [(2, 0, 101000, 100, 1)]
    books.drop(messages, 1)
    assert (books.delivered, books.resting) == (3, 1)


class Mirror:
    """Books of dictionaries, written once more from the specification."""

    def __init__(self, card):
        self.card = card
        self.orders = {}  # reference: [symbol, side, price, shares]
        self.sticky = [0] * len(card.symbols)
        self.status = [symbol.status for symbol in card.symbols]
        self.shown = [(0, 0, 0, 0, symbol.status, 0) for symbol in card.symbols]
        self.rows_shown = [(0, 0, 0, 0, True)] * len(card.symbols)
        self.by_locate = {
            symbol.locate: index
            for index, symbol in enumerate(card.symbols)
            if symbol.locate is not None
        }
        self.quotes, self.rows = [], []

    def quote(self, index):
        symbol, prices, hidden_any = self.card.symbols[index], [], False
        low = symbol.base_tick * symbol.tick_size
        high = low + self.card.window * symbol.tick_size
        for side, best in ((0, max), (1, min)):
            mine = [o for o in self.orders.values() if o[0] == index and o[1] == side]
            inside = [o for o in mine if low <= o[2] < high]
            above = any(o[2] >= high for o in mine)
            below = any(o[2] < low for o in mine)
            better, worse = (above, below) if side == 0 else (below, above)
            hidden = better or (not inside and worse)
            hidden_any = hidden_any or hidden
            if hidden or not inside:
                prices += [0, 0]
                continue
            price = best(o[2] for o in inside)
            prices += [price, sum(o[3] for o in inside if o[2] == price) % 2**32]
        flags = self.sticky[index] | (reasons("window") if hidden_any else 0)
        return (*prices, self.status[index], flags)

    def add(self, index, reference, side, shares, price):
        symbol = self.card.symbols[index]
        low = symbol.base_tick * symbol.tick_size
        inside = low <= price < low + self.card.window * symbol.tick_size
        if reference in self.orders:
            return reasons("duplicate_reference")
        if shares == 0:
            return reasons("quantity")
        if inside and price % symbol.tick_size:
            return reasons("price")
        resting = sum(
            o[3] for o in self.orders.values() if o[:3] == [index, side, price] and inside
        )
        self.orders[reference] = [index, side, price, shares]
        return reasons("quantity") if resting % 2**32 + shares >= 2**32 else 0

    def take(self, number, message):
        index = self.by_locate.get(message.locate)
        touched = []
        if message.type == "R":
            names = [symbol.name for symbol in self.card.symbols]
            named = names.index(message.stock) if message.stock in names else None
            if named is not None and index is None and named not in self.by_locate.values():
                self.by_locate[message.locate] = named
            elif named != index:
                touched = [item for item in (named, index) if item is not None]
                for item in touched:
                    self.sticky[item] |= reasons("directory")
        elif index is None or message.type not in "AFECXDUH":
            return
        else:
            touched = [index]
            if message.type == "H":
                self.status[index] = ord(message.state)
            elif message.type in "AF":
                side = 1 if message.side == "S" else 0
                self.sticky[index] |= self.add(
                    index, message.reference, side, message.shares, message.price
                )
            elif message.reference not in self.orders:
                self.sticky[index] |= reasons("unknown_reference")
            elif self.orders[message.reference][0] != index:
                owner = self.orders[message.reference][0]
                touched = [index, owner]
                for item in touched:
                    self.sticky[item] |= reasons("mismatch")
            else:
                order = self.orders[message.reference]
                taken = order[3] if message.type in "DU" else message.shares
                if taken > order[3]:
                    self.sticky[index] |= reasons("quantity")
                    taken = order[3]
                order[3] -= taken
                if order[3] == 0:
                    del self.orders[message.reference]
                if message.type == "U":
                    self.sticky[index] |= self.add(
                        index, message.new_reference, order[1], message.shares, message.price
                    )
        for item in touched:
            quote = self.quote(item)
            if quote != self.shown[item]:
                self.shown[item] = quote
                self.quotes.append((number, item, *quote))
        for item in sorted(touched):
            quote = self.quote(item)
            row = (*quote[:4], quote[5] == 0)
            if row != self.rows_shown[item]:
                self.rows_shown[item] = row
                self.rows.append((number, item, *row))


def random_message(rng, references):
    locate = rng.choice((1, 1, 1, 2, 2, 3, 4))
    reference = rng.choice(references)
    shares = rng.choice((1, 10, 50, 100, 100, 100, 0, 0xFFFFFFF0))
    top = BASE + rng.choice((20, 20, 70))
    price = 100 * rng.randrange(BASE - 3, top) + rng.choice((0,) * 30 + (50,))
    if rng.random() < 0.02:
        return directory(rng.choice(("ABC", "XYZ", "NEW", "OTHER")), rng.randrange(1, 6))
    if rng.random() < 0.02:
        return TradingAction(stock="ABC", state=rng.choice("THPQ"), locate=locate)
    match rng.choice("AAAAFECXDDUU"):
        case "A" | "F":
            return add(reference, rng.choice("BS"), shares, locate=locate, price=price)
        case "E":
            return executed(reference, shares, locate)
        case "C":
            return OrderExecutedPrice(reference=reference, shares=shares, price=7, locate=locate)
        case "X":
            return canceled(reference, shares, locate)
        case "D":
            return deleted(reference, locate)
        case _:
            return OrderReplace(
                reference=reference,
                new_reference=rng.choice(references),
                shares=shares,
                price=price,
                locate=locate,
            )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("window", [1, 16, 64])
def test_books_equal_the_mirror(seed, window):
    rng = random.Random(seed)
    references = [rng.randrange(1 << 64) for _ in range(6 + 10 * (seed % 3))]
    card = setup(
        SymbolSetup(name="ABC", locate=1, base_tick=BASE + seed % 10),
        SymbolSetup(name="XYZ", locate=2, base_tick=100 * BASE, cent_tick=False, status=ord("T")),
        NEW,
        window=window,
    )
    messages = [random_message(rng, references) for _ in range(400)]
    mirror = Mirror(card)
    for number, message in enumerate(messages, 1):
        mirror.take(number, message)
    assert quotes_of(card, table(*messages)) == mirror.quotes
    (rows,) = bbo_rows(card, [table(*messages)])
    names = ("message", "symbol", "bid", "bid_shares", "ask", "ask_shares", "trusted")
    assert [tuple(int(row[name]) for name in names) for row in rows] == mirror.rows


def test_a_side_that_empties_over_and_over_has_no_best():
    for side in "BS":
        books = Books(setup())
        for cents in (*range(BASE, BASE + WINDOW), *range(BASE + WINDOW - 1, BASE - 1, -1)):
            for quotes, _ in books.follow(table(add(1, side, cents=cents), deleted(1))):
                assert [int(quote["bid"] + quote["ask"]) for quote in quotes] == [100 * cents, 0]


def test_the_order_table_finds_what_it_holds():
    rng = random.Random(5)
    held, rows = {}, orders.make_table(64)
    for _ in range(5000):
        reference = rng.randrange(-40, 40) * rng.choice((1, 1 << 33))
        row = orders.find(rows, reference)
        assert (row >= 0) == (reference in held)
        if row >= 0:
            assert rows[row, orders.OWNER] - 1 == held.pop(reference)
            orders.remove(rows, row)
        elif len(held) < 50:
            held[reference] = rng.randrange(1000)
            orders.insert(rows, reference, held[reference], 1, 5, 6)
    larger = orders.grown(rows)
    assert len(larger) == 128
    for reference, symbol in held.items():
        assert larger[orders.find(larger, reference), orders.OWNER] == symbol + 1
    assert np.count_nonzero(larger[:, orders.OWNER]) == len(held)


def test_books_grow_beyond_the_first_table():
    count = 100_000
    messages = table(*(add(reference, shares=1) for reference in range(count)))
    books = Books(setup(), rows=False)
    last = [quotes[-1]["bid_shares"] for quotes, _ in books.follow(messages) if len(quotes)][-1]
    assert (books.resting, last) == (count, count)


def test_recorded_messages_give_the_rows_of_the_mirror(shared_data):
    path = shared_data / "nasdaq-20191230-093000.itch50"
    (messages,) = read_messages(path)
    taken = [
        ITCH_BY_TYPE[chr(data[0])].unpack(data)
        for data in (messages.message(row) for row in range(len(messages)))
    ]
    prices = {message.locate: message.price for message in taken if message.type in "AF"}
    card = setup(
        *(
            SymbolSetup(name=f"L{locate}", locate=locate, base_tick=max(0, price // 100 - 512))
            for locate, price in sorted(prices.items())
        ),
        window=1024,
    )
    mirror = Mirror(card)
    for number, message in enumerate(taken, 1):
        mirror.take(number, message)
    (rows,) = bbo_rows(card, [messages])
    names = ("message", "symbol", "bid", "bid_shares", "ask", "ask_shares", "trusted")
    assert len(taken) == 1000
    assert [tuple(int(row[name]) for name in names) for row in rows] == mirror.rows
    assert sum(rows["trusted"] == 0) > 100
