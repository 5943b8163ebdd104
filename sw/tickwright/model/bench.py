"""How fast the model is."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from tickwright.feed.messages import (
    AddOrder,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderReplace,
)
from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.market.messages_table import MessageTable
from tickwright.model import orders
from tickwright.model.book import Books
from tickwright.model.compiled import compiled

__all__ = ["flow", "flow_setup", "measure"]

KIBIBYTE = 1024
STEP_NS = 100  # from message to message of the flow
FIRST_LOCATE = 1
MID_TICK = 10_000  # of every symbol of the flow; 100 dollars
DEPTH = 40  # ticks from the middle that prices of the flow reach
LIVE = 200  # orders of a symbol that the flow keeps alive


def measure(
    messages: Iterable[MessageTable], setup: CardSetup, *, clock: Callable[[], float]
) -> dict[str, float | int]:
    """Decode messages and follow the books of a setup; ``clock`` returns seconds.

    The time to make the tables is not counted, nor that to compile.
    """
    orders.grown(orders.make_table(1))
    for _ in Books(setup).follow(next(iter(flow(1, symbols=1)))):
        pass
    books, elapsed = Books(setup), 0.0
    for table in messages:
        started = clock()
        for _ in books.follow(table):
            pass
        elapsed += clock() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "messages_per_second": books.delivered / elapsed if elapsed else 0.0,
        "symbols": len(setup.symbols),
        "resident_bytes": usage.ru_maxrss * KIBIBYTE,
    }


def flow_setup(*, symbols: int, window: int) -> CardSetup:
    """Return the setup that watches every symbol of `flow`."""
    return CardSetup(
        window=window,
        symbols=tuple(
            SymbolSetup(
                name=f"S{index}", locate=FIRST_LOCATE + index, base_tick=MID_TICK - window // 2
            )
            for index in range(symbols)
        ),
    )


def flow(
    messages: int, *, symbols: int, seed: int = 1, chunk: int = 1 << 20
) -> Iterator[MessageTable]:
    """Yield a seeded flow of orders, in the proportions of a day: A 43 %, D 41, U 9, E 4, X 3.

    Each symbol keeps some 200 orders alive within 40 ticks of one price. Good for measuring only:
    prices are random, and books cross.
    """
    state = np.zeros((symbols, LIVE, 2), np.int64)  # reference and shares; 0 where none
    next_reference = 1
    rng = np.random.default_rng(seed)
    for start in range(0, messages, chunk):
        count = min(chunk, messages - start)
        draws = rng.integers(0, 1 << 62, size=(count, 2))
        data = np.zeros(count * _LARGEST, np.uint8)
        offset = np.zeros(count, np.int64)
        length = np.zeros(count, np.uint16)
        next_reference = _fill(data, offset, length, draws, state, next_reference, start)
        sequence = np.arange(start + 1, start + count + 1, dtype=np.uint64)
        yield MessageTable(
            data=data,
            offset=offset,
            length=length,
            sequence=sequence,
            arrival_ns=sequence * np.uint64(STEP_NS),
            frame=sequence.astype(np.uint32),
            line=np.zeros(count, np.uint8),
        )


_KINDS = (AddOrder, OrderDelete, OrderReplace, OrderExecuted, OrderCancel)
_ADD, _DELETE, _REPLACE, _EXECUTE, _CANCEL = range(len(_KINDS))
_TYPES = np.array([ord(kind.constants["type"]) for kind in _KINDS])
_SIZES = np.array([kind.size for kind in _KINDS])
_LARGEST = int(_SIZES.max())
_PER_MILLE = np.array([430, 840, 930, 970, 1000])  # cumulated shares of the kinds

_LOCATE = AddOrder.field("locate").offset
_TIMESTAMP = AddOrder.field("timestamp_ns").offset
_REFERENCE = AddOrder.field("reference").offset
_SIDE = AddOrder.field("side").offset
_NEW_REFERENCE = OrderReplace.field("new_reference").offset
_SHARES = np.array(
    [kind.field("shares").offset if kind is not OrderDelete else 0 for kind in _KINDS]
)
_PRICES = np.array(
    [kind.field("price").offset if kind in (AddOrder, OrderReplace) else 0 for kind in _KINDS]
)


@compiled
def _put(data, at, size, value):
    for byte in range(size):
        data[at + size - 1 - byte] = value >> 8 * byte & 0xFF


@compiled
def _fill(data, offset, length, draws, state, next_reference, start):
    at = 0
    for row in range(len(offset)):
        draw = draws[row, 0]
        symbol = draw % len(state)
        draw //= len(state)
        place = draw % LIVE
        draw //= LIVE
        kind = 0
        while draw % 1000 >= _PER_MILLE[kind]:
            kind += 1
        draw = draws[row, 1]
        live = state[symbol, place]
        if live[0] == 0:
            kind = _ADD
        elif kind == _ADD:
            kind = _REPLACE if draw % 5 == 0 else _DELETE
        shares, side = 100 * (1 + draw % 8), draw // 8 % 2
        distance = 1 + min(draw // 16 % DEPTH, draw // 1024 % DEPTH)
        tick = MID_TICK + (distance if side else -distance)
        data[at] = _TYPES[kind]
        _put(data, at + _LOCATE, 2, FIRST_LOCATE + symbol)
        _put(data, at + _TIMESTAMP, 6, (start + row + 1) * STEP_NS)
        reference = live[0]
        if kind in (_ADD, _REPLACE):
            live[0], live[1] = next_reference, shares
            _put(data, at + _PRICES[kind], 4, tick * 100)
            if kind == _ADD:
                data[at + _SIDE] = 83 if side else 66
                reference = next_reference
            else:
                _put(data, at + _NEW_REFERENCE, 8, next_reference)
            next_reference += 1
        elif kind == _DELETE:
            live[0] = 0
        else:
            shares = min(100, live[1])
            live[1] -= shares
            if live[1] == 0:
                live[0] = 0
        _put(data, at + _REFERENCE, 8, reference)
        if kind != _DELETE:
            _put(data, at + _SHARES[kind], 4, shares)
        offset[row], length[row] = at, _SIZES[kind]
        at += _SIZES[kind]
    return next_reference
