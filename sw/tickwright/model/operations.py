"""What messages do: to an order, or to the map of locates."""

from tickwright.feed.reasons import REASONS
from tickwright.host.records import BookOp
from tickwright.host.setup import CENT_TICK
from tickwright.model import orders
from tickwright.model.compiled import compiled
from tickwright.model.decode import new_reference_of, price_of, reference_of, shares_of, side_of
from tickwright.model.levels import QUANTITY, join, leave
from tickwright.model.orders import OWNER, PACKED, SHARES_BITS, SHARES_MASK, SIDE_SHIFT, TICK_MASK
from tickwright.model.tables import NONE

__all__ = ["learn", "operate"]

UNKNOWN_REFERENCE = 1 << REASONS.index("unknown_reference")
DUPLICATE_REFERENCE = 1 << REASONS.index("duplicate_reference")
PRICE = 1 << REASONS.index("price")
CAPACITY = 1 << REASONS.index("capacity")
MISMATCH = 1 << REASONS.index("mismatch")


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
    return join(books, index, side, tick, shares)


@compiled
def operate(books, index, event, data, at, no_way):
    """Do an operation on an order.

    Return the symbol that the order belongs to where that is another one, else NONE.
    """
    symbol = books.symbols[index]
    reference, shares = reference_of(data, at), shares_of(data, at, event)
    if event == BookOp.ADD:
        side, price = side_of(data, at), price_of(data, at, event)
        symbol.sticky |= _add(books, index, reference, side, shares, price, no_way)
        return NONE
    row = orders.find(books.orders, reference)
    if row < 0:
        symbol.sticky |= UNKNOWN_REFERENCE
        return NONE
    owner = books.orders[row, OWNER] - 1
    if owner != index:
        symbol.sticky |= MISMATCH
        books.symbols[owner].sticky |= MISMATCH
        return owner
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
    leave(books, index, side, tick, taken, taken == remaining)
    if event == BookOp.REPLACE:
        reference, price = new_reference_of(data, at), price_of(data, at, event)
        symbol.sticky |= _add(books, index, reference, side, shares, price, no_way)
    return NONE


@compiled
def learn(books, locate, name):
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
