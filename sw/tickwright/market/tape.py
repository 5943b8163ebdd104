"""The messages of a synthetic session, written one after the other in compiled loops."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tickwright.feed.messages import (
    ITCH_SIZES,
    AddOrder,
    AddOrderAttributed,
    CrossTrade,
    ItchMessage,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderExecutedPrice,
    OrderReplace,
    RetailInterest,
    Trade,
    TradingAction,
)
from tickwright.market.big_endian import copy_bytes, put
from tickwright.market.compiled import compiled
from tickwright.market.dice import roll

__all__ = [
    "BURST",
    "NORMAL",
    "STILL",
    "Tape",
    "below",
    "log_cross",
    "log_delete",
    "log_execute",
    "log_join",
    "log_printed",
    "log_reduce",
    "log_replace",
    "log_retail",
    "log_state",
    "log_trade",
    "make_tape",
    "room",
]

LONGEST = max(ITCH_SIZES.values())

LOCATE = ItchMessage.field("locate").offset
TRACKING = ItchMessage.field("tracking").offset
STAMP = ItchMessage.field("timestamp_ns").offset
REFERENCE = OrderDelete.field("reference").offset

ADD_SIDE = AddOrder.field("side").offset
ADD_SHARES = AddOrder.field("shares").offset
ADD_STOCK = AddOrder.field("stock").offset
ADD_PRICE = AddOrder.field("price").offset
ATTRIBUTION = AddOrderAttributed.field("attribution").offset
EXECUTED = OrderExecuted.field("shares").offset
MATCH = OrderExecuted.field("match").offset
PRINTABLE = OrderExecutedPrice.field("printable").offset
PRINTED_PRICE = OrderExecutedPrice.field("price").offset
CANCELLED = OrderCancel.field("shares").offset
NEW_REFERENCE = OrderReplace.field("new_reference").offset
NEW_SHARES = OrderReplace.field("shares").offset
NEW_PRICE = OrderReplace.field("price").offset
TRADE_PRICE = Trade.field("price").offset
TRADE_MATCH = Trade.field("match").offset
CROSS_SHARES = CrossTrade.field("shares").offset
CROSS_STOCK = CrossTrade.field("stock").offset
CROSS_PRICE = CrossTrade.field("price").offset
CROSS_MATCH = CrossTrade.field("match").offset
CROSS_TYPE = CrossTrade.field("cross_type").offset
STATE_STOCK = TradingAction.field("stock").offset
STATE = TradingAction.field("state").offset
STATE_RESERVED = TradingAction.field("reserved").offset
STATE_REASON = TradingAction.field("reason").offset
INTEREST_STOCK = RetailInterest.field("stock").offset
INTEREST = RetailInterest.field("interest").offset

SIZES = np.array([ITCH_SIZES.get(chr(kind), 0) for kind in range(128)], dtype=np.int64)
SIDES = np.frombuffer(b"BS", dtype=np.uint8)
ATTRIBUTIONS = np.frombuffer(b"TWMKQUAYPINELAKE", dtype=np.uint8)
SPACE = ord(" ")
STOCK_BYTES = AddOrder.field("stock").size

A, F, E, C, X, D, U, P, Q, H, N = (ord(kind) for kind in "AFECXDUPQHN")
YES, NO, BUY_SIDE, BOTH = (ord(code) for code in "YNBA")

STILL, NORMAL, BURST = 0, 1, 2  # how time passes between messages
NORMAL_GAP_NS = 900
BURST_GAP_NS = 4
FIRST_REFERENCE = 1 << 29


CLOCK = np.dtype(
    [
        ("now_ns", np.int64),
        ("pace", np.int64),
        ("rows", np.int64),  # messages written
        ("end", np.int64),  # bytes written
        ("budget", np.int64),  # messages allowed
        ("references", np.int64),  # how far their numbers have come
        ("matches", np.int64),
    ]
)


class Tape(NamedTuple):
    """What has been written, and the clock and the dice that go with it."""

    data: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]  # of each message
    stock: npt.NDArray[np.uint8]  # name by symbol
    locate: npt.NDArray[np.int64]  # by symbol
    dice: npt.NDArray[np.uint64]
    clock: npt.NDArray[np.void]  # one `CLOCK`


def make_tape(
    *, messages: int, names: list[str], locates: list[int], seed: int, start_ns: int
) -> Tape:
    """Return an empty tape with room for so many messages."""
    stock = np.frombuffer("".join(name.ljust(8) for name in names).encode(), dtype=np.uint8)
    clock = np.zeros(1, dtype=CLOCK)
    clock["now_ns"], clock["pace"] = start_ns, NORMAL
    clock["budget"], clock["references"] = messages, FIRST_REFERENCE
    return Tape(
        data=np.empty(messages * (LONGEST - 8) + 64 * LONGEST, dtype=np.uint8),
        offset=np.empty(messages, dtype=np.int64),
        stock=stock.reshape(-1, 8),
        locate=np.array(locates, dtype=np.int64),
        dice=np.array([seed], dtype=np.uint64),
        clock=clock,
    )


@compiled
def below(tape, bound):
    """Return a random integer of at least 0 and less than ``bound``."""
    return np.int64((roll(tape.dice) >> np.uint64(33)) % np.uint64(bound))


@compiled
def room(tape):
    """Whether another message may be written."""
    return tape.clock[0].rows < tape.clock[0].budget


@compiled
def _gap(tape):
    """Let some time pass; often none."""
    pace = tape.clock[0].pace
    if pace == NORMAL and below(tape, 100) >= 30:
        tape.clock[0].now_ns += 1 + below(tape, NORMAL_GAP_NS)
    elif pace == BURST and below(tape, 100) >= 40:
        tape.clock[0].now_ns += below(tape, BURST_GAP_NS)


@compiled
def _begin(tape, kind, symbol):
    """Write the head of a message; return where it begins."""
    _gap(tape)
    at = tape.clock[0].end
    tape.offset[tape.clock[0].rows] = at
    tape.clock[0].rows += 1
    tape.clock[0].end = at + SIZES[kind]
    tape.data[at] = kind
    put(tape.data, at + LOCATE, 2, tape.locate[symbol])
    put(tape.data, at + TRACKING, 2, 0)
    put(tape.data, at + STAMP, 6, tape.clock[0].now_ns)
    return at


@compiled
def _put_stock(tape, at, symbol):
    for place in range(STOCK_BYTES):
        tape.data[at + place] = tape.stock[symbol, place]


@compiled
def _new_reference(tape):
    """Return an unused reference number: they grow, but not always one after the other."""
    tape.clock[0].references += 1 + below(tape, 3)
    count = tape.clock[0].references
    block = count >> 2
    return (block << 2) | ((count * 3 + block) & 3)


@compiled
def next_match(tape):
    """Return the next match number."""
    tape.clock[0].matches += 1 + below(tape, 2)
    return tape.clock[0].matches


@compiled
def log_join(tape, symbol, side, shares, price, attributed):
    """Write an A, or an F if attributed; return the order's reference."""
    at = _begin(tape, F if attributed else A, symbol)
    reference = _new_reference(tape)
    put(tape.data, at + REFERENCE, 8, reference)
    tape.data[at + ADD_SIDE] = SIDES[side]
    put(tape.data, at + ADD_SHARES, 4, shares)
    _put_stock(tape, at + ADD_STOCK, symbol)
    put(tape.data, at + ADD_PRICE, 4, price)
    if attributed:
        copy_bytes(tape.data, at + ATTRIBUTION, ATTRIBUTIONS, 4 * below(tape, 4), 4)
    return reference


@compiled
def log_execute(tape, symbol, reference, shares):
    """Write an E."""
    at = _begin(tape, E, symbol)
    put(tape.data, at + REFERENCE, 8, reference)
    put(tape.data, at + EXECUTED, 4, shares)
    put(tape.data, at + MATCH, 8, next_match(tape))


@compiled
def log_printed(tape, symbol, reference, shares, printable, price):
    """Write a C."""
    at = _begin(tape, C, symbol)
    put(tape.data, at + REFERENCE, 8, reference)
    put(tape.data, at + EXECUTED, 4, shares)
    put(tape.data, at + MATCH, 8, next_match(tape))
    tape.data[at + PRINTABLE] = YES if printable else NO
    put(tape.data, at + PRINTED_PRICE, 4, price)


@compiled
def log_reduce(tape, symbol, reference, shares):
    """Write an X."""
    at = _begin(tape, X, symbol)
    put(tape.data, at + REFERENCE, 8, reference)
    put(tape.data, at + CANCELLED, 4, shares)


@compiled
def log_delete(tape, symbol, reference):
    """Write a D."""
    at = _begin(tape, D, symbol)
    put(tape.data, at + REFERENCE, 8, reference)


@compiled
def log_replace(tape, symbol, reference, shares, price):
    """Write a U; return the new reference."""
    at = _begin(tape, U, symbol)
    new = _new_reference(tape)
    put(tape.data, at + REFERENCE, 8, reference)
    put(tape.data, at + NEW_REFERENCE, 8, new)
    put(tape.data, at + NEW_SHARES, 4, shares)
    put(tape.data, at + NEW_PRICE, 4, price)
    return new


@compiled
def log_trade(tape, symbol, shares, price):
    """Write a P: a trade against an order that was not displayed."""
    at = _begin(tape, P, symbol)
    put(tape.data, at + REFERENCE, 8, 0)
    tape.data[at + ADD_SIDE] = BUY_SIDE
    put(tape.data, at + ADD_SHARES, 4, shares)
    _put_stock(tape, at + ADD_STOCK, symbol)
    put(tape.data, at + TRADE_PRICE, 4, price)
    put(tape.data, at + TRADE_MATCH, 8, next_match(tape))


@compiled
def log_cross(tape, symbol, shares, price, cross_type):
    """Write a Q."""
    at = _begin(tape, Q, symbol)
    put(tape.data, at + CROSS_SHARES, 8, shares)
    _put_stock(tape, at + CROSS_STOCK, symbol)
    put(tape.data, at + CROSS_PRICE, 4, price)
    put(tape.data, at + CROSS_MATCH, 8, next_match(tape))
    tape.data[at + CROSS_TYPE] = cross_type


@compiled
def log_state(tape, symbol, state):
    """Write an H."""
    at = _begin(tape, H, symbol)
    _put_stock(tape, at + STATE_STOCK, symbol)
    tape.data[at + STATE] = state
    tape.data[at + STATE_RESERVED] = SPACE
    for place in range(4):
        tape.data[at + STATE_REASON + place] = SPACE


@compiled
def log_retail(tape, symbol):
    """Write an N."""
    at = _begin(tape, N, symbol)
    _put_stock(tape, at + INTEREST_STOCK, symbol)
    tape.data[at + INTEREST] = BOTH
