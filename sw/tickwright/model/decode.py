"""ITCH 5.0 as events; what a message means is in its table, of which offsets are taken here."""

import numpy as np

from tickwright.feed.messages import (
    ITCH_SIZES,
    AddOrder,
    ItchMessage,
    OrderCancel,
    OrderExecuted,
    OrderReplace,
    StockDirectory,
    TradingAction,
)
from tickwright.host.records import BookOp
from tickwright.model.compiled import compiled

__all__ = [
    "DIRECTORY",
    "EVENTS",
    "NOTHING",
    "STATUS",
    "event_of",
    "locate_of",
    "name_of",
    "name_word",
    "new_reference_of",
    "price_of",
    "reference_of",
    "shares_of",
    "side_of",
    "state_of",
    "timestamp_of",
]

# Events that are not operations on an order.
STATUS = len(BookOp)
DIRECTORY = STATUS + 1
NOTHING = DIRECTORY + 1

EVENTS: dict[str, int] = {
    "A": BookOp.ADD,
    "F": BookOp.ADD,
    "E": BookOp.EXECUTE,
    "C": BookOp.EXECUTE,  # its price is not that of the order's display
    "X": BookOp.CANCEL,
    "D": BookOp.DELETE,
    "U": BookOp.REPLACE,
    "H": STATUS,
    "R": DIRECTORY,
}
"""The event a type of message makes; all others make none."""

_EVENT = np.full(256, NOTHING, np.int64)
_SIZE = np.zeros(256, np.int64)
for _type, _size in ITCH_SIZES.items():
    _EVENT[ord(_type)] = EVENTS.get(_type, NOTHING)
    _SIZE[ord(_type)] = _size

_HEAD = ItchMessage.size
_LOCATE = ItchMessage.field("locate").offset
_TIMESTAMP = ItchMessage.field("timestamp_ns").offset
_REFERENCE = AddOrder.field("reference").offset  # in all messages about an order
_SIDE = AddOrder.field("side").offset
_ADDED_SHARES = AddOrder.field("shares").offset
_ADDED_PRICE = AddOrder.field("price").offset
_EXECUTED_SHARES = OrderExecuted.field("shares").offset
_CANCELED_SHARES = OrderCancel.field("shares").offset
_NEW_REFERENCE = OrderReplace.field("new_reference").offset
_NEW_SHARES = OrderReplace.field("shares").offset
_NEW_PRICE = OrderReplace.field("price").offset
_STOCK = StockDirectory.field("stock").offset
_STATE = TradingAction.field("state").offset

_SELL = ord("S")


def name_word(name: str) -> int:
    """Return a symbol as `name_of` reads it."""
    return int.from_bytes(StockDirectory.field("stock").encode(name), "big", signed=True)


@compiled
def _uint16(data, at):
    return np.int64(data[at]) << 8 | np.int64(data[at + 1])


@compiled
def _uint32(data, at):
    return _uint16(data, at) << 16 | _uint16(data, at + 2)


@compiled
def _bits64(data, at):
    """Return eight bytes as a signed number of the same bits."""
    return _uint32(data, at) << 32 | _uint32(data, at + 4)


@compiled
def event_of(data, at, length):
    """Return the event that a message makes; a length that is not its type's makes none."""
    if length < _HEAD:
        return NOTHING
    kind = data[at]
    return _EVENT[kind] if _SIZE[kind] == length else NOTHING


@compiled
def locate_of(data, at):
    """Return the number of the stock."""
    return _uint16(data, at + _LOCATE)


@compiled
def timestamp_of(data, at, length):
    """Return the time of a message in ns; 0 where it is too short to tell."""
    if length < _HEAD:
        return np.int64(0)
    return _uint16(data, at + _TIMESTAMP) << 32 | _uint32(data, at + _TIMESTAMP + 2)


@compiled
def reference_of(data, at):
    """Return the reference of the order concerned."""
    return _bits64(data, at + _REFERENCE)


@compiled
def new_reference_of(data, at):
    """Return the reference that replaces another."""
    return _bits64(data, at + _NEW_REFERENCE)


@compiled
def side_of(data, at):
    """Return the side of an Add: 1 for a sale, else 0."""
    return np.int64(data[at + _SIDE] == _SELL)


@compiled
def shares_of(data, at, event):
    """Return the shares that an event on an order names; 0 for a Delete, which names none."""
    if event == BookOp.ADD:
        return _uint32(data, at + _ADDED_SHARES)
    if event == BookOp.EXECUTE:
        return _uint32(data, at + _EXECUTED_SHARES)
    if event == BookOp.CANCEL:
        return _uint32(data, at + _CANCELED_SHARES)
    if event == BookOp.REPLACE:
        return _uint32(data, at + _NEW_SHARES)
    return np.int64(0)


@compiled
def price_of(data, at, event):
    """Return the price of an Add or a Replace."""
    return _uint32(data, at + (_ADDED_PRICE if event == BookOp.ADD else _NEW_PRICE))


@compiled
def state_of(data, at):
    """Return the trading state that an H message tells."""
    return np.int64(data[at + _STATE])


@compiled
def name_of(data, at):
    """Return the stock that an R message names, as one number."""
    return _bits64(data, at + _STOCK)
