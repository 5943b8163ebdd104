"""Order flow of a synthetic market: makers who follow a fair price, and everybody else.

Makers keep the touch at the fair price less and plus their half-spread, rounded outwards; what
rests nearer is taken or withdrawn first, so that the touch is known when a turn ends and books do
not cross. In careful symbols nobody rests inside that touch, not even for a moment.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tickwright.market.agenda import Agenda, due_ns, plan, take
from tickwright.market.compiled import compiled
from tickwright.market.dice import roll
from tickwright.market.resting import (
    BUY,
    FAR,
    LEVELS,
    LIVE,
    NO_ORDER,
    SELL,
    Books,
    join,
    leave,
)
from tickwright.market.tape import (
    BURST,
    NORMAL,
    STILL,
    Tape,
    below,
    log_cross,
    log_delete,
    log_execute,
    log_join,
    log_printed,
    log_reduce,
    log_replace,
    log_retail,
    log_state,
    log_trade,
    room,
)

__all__ = [
    "ACTOR",
    "FRACTION",
    "STATE",
    "SYMBOL",
    "Actors",
    "Halts",
    "Market",
    "Symbols",
    "close_market",
    "open_market",
    "seed_books",
    "trade",
]

FRACTION = 8  # fair prices are in 1/10000 dollar * 2^-8
MARGIN = 8  # levels at either end that the touch never reaches
TOUCH_SHARES = 300  # that makers keep at the touch, at least
FULL = LIVE - 40  # orders of a symbol above which nobody joins
NOISE_MEAN = 1020  # of the sum of eight random bytes
NOISE_DEVIATION = 209
NOISE_LIMIT = 3 * NOISE_DEVIATION
LOWEST_PRICE = 100  # one cent: a stub
HIGHEST_PRICE = 1_999_999_900  # 199,999.99 dollars: a stub
STUB_SHARES = 100

MS, SECOND = 1_000_000, 1_000_000_000
MAKER_STAYS_NS = 300 * SECOND
CROWDED = 160  # orders of a symbol above which nobody stays long
CROWDED_STAYS_NS = 5 * SECOND
REACH = 5  # levels beyond the wanted touch that somebody takes from
MAKER_LEVELS = 4
NEAR = 12  # levels that makers move an order over rather than send a new one

OPENING, CLOSING, HALTED, TRADING = (ord(code) for code in "OCHT")


SYMBOL = np.dtype(
    [
        ("tick", np.int64),  # 1/10000 dollar
        ("base", np.int64),  # tick of level 0
        ("half", np.int64),  # half-spread, 1/10000 dollar * 2^-8
        ("fair", np.int64),  # 1/10000 dollar * 2^-8
        ("careful", np.int64),
        ("halted", np.int64),
    ]
)

ACTOR = np.dtype(
    [
        ("a", np.int64),  # symbol
        ("b", np.int64),  # symbol that drives a; the same if it stands alone
        ("hedge_percent", np.int64),
        ("mean", np.int64),  # 1/10000 dollar * 2^-8, as all below
        ("reference", np.int64),  # of b
        ("walk", np.int64),  # how far b is from its reference
        ("walk_step", np.int64),
        ("deviation", np.int64),
        ("deviation_step", np.int64),
        ("deviation_clamp", np.int64),
    ]
)

STATE = np.dtype([("when_ns", np.int64), ("symbol", np.int64), ("state", np.int64)])


class Symbols(NamedTuple):
    """Symbols of the market."""

    listed: npt.NDArray[np.void]  # of `SYMBOL`
    want: npt.NDArray[np.int64]  # level of the touch by symbol, side


class Actors(NamedTuple):
    """What moves together: pairs, and symbols of their own."""

    cast: npt.NDArray[np.void]  # of `ACTOR`
    memory: npt.NDArray[np.int64]  # turns: of the deviation, of the walk
    turn: npt.NDArray[np.int64]  # whose turn it is, by chance


class Halts(NamedTuple):
    """Trading states to come, in order of time."""

    states: npt.NDArray[np.void]  # of `STATE`
    done: npt.NDArray[np.int64]


class Market(NamedTuple):
    """All of it."""

    tape: Tape
    books: Books
    agenda: Agenda
    symbols: Symbols
    actors: Actors


@compiled
def _noise(tape):
    """Return a random integer, nearly normal, with `NOISE_DEVIATION` around 0 and bounded."""
    bits = roll(tape.dice)
    total = np.int64(0)
    for place in range(8):
        total += np.int64((bits >> np.uint64(8 * place)) & np.uint64(0xFF))
    return max(-NOISE_LIMIT, min(NOISE_LIMIT, total - NOISE_MEAN))


@compiled
def _waiting(tape, mean):
    """Return a random time, nearly exponential, of this mean; the logarithm is piecewise linear."""
    bits = roll(tape.dice)
    zeros = 0
    while zeros < 20 and not (bits >> np.uint64(63 - zeros)) & np.uint64(1):
        zeros += 1
    fraction = np.int64(bits & np.uint64(0xFFFF))
    doublings = (zeros + 1) * 65536 - fraction
    return (mean * ((doublings * 45426) >> 16)) >> 16  # 45426 / 65536: the logarithm of 2


@compiled
def _distance(tape):
    """Return how many levels behind the touch an order joins."""
    kind = below(tape, 100)
    if kind < 30:
        return 0
    if kind < 65:
        far = 1
        while far < 40 and below(tape, 4):
            far += 1
        return far
    if kind < 90:
        return 5 + below(tape, 55)
    return 20 + below(tape, 300)


@compiled
def _size(tape):
    """Return how many shares an order has: mostly a round lot."""
    kind = below(tape, 100)
    if kind < 58:
        return 100
    if kind < 70:
        return 200
    if kind < 80:
        return 100 * (3 + below(tape, 8))
    if kind < 97:
        return 1 + below(tape, 99)
    return 1000 + 100 * below(tape, 90)


@compiled
def _lifetime_ns(tape):
    """Return how long an order means to stay; 0 for the whole day."""
    kind = below(tape, 100)
    if kind < 45:
        return 50_000 + below(tape, 5 * MS)
    if kind < 68:
        return 5 * MS + below(tape, 500 * MS)
    if kind < 82:
        return SECOND // 2 + below(tape, 20 * SECOND)
    if kind < 97:
        return 10 * SECOND + below(tape, 3000 * SECOND)
    return 0


@compiled
def _price(symbols, symbol, level):
    return (symbols.listed[symbol].base + level) * symbols.listed[symbol].tick


@compiled
def _full(books, symbol):
    return books.live_count[symbol] >= FULL


@compiled
def _plan_end(market, order):
    lifetime = _lifetime_ns(market.tape)
    if market.books.live_count[market.books.orders[order].symbol] > CROWDED:
        lifetime = min(lifetime, CROWDED_STAYS_NS) if lifetime else CROWDED_STAYS_NS
    if lifetime:
        plan(
            market.agenda,
            market.tape.clock[0].now_ns + lifetime,
            order,
            market.books.orders[order].life,
        )


@compiled
def _add(market, symbol, side, level, shares):
    """A new order at a level; return its row."""
    price = _price(market.symbols, symbol, level)
    attributed = below(market.tape, 100) < 6
    reference = log_join(market.tape, symbol, side, shares, price, attributed)
    return join(market.books, symbol, side, level, shares, reference)


@compiled
def _delete(market, order):
    log_delete(market.tape, market.books.orders[order].symbol, market.books.orders[order].reference)
    leave(market.books, order)


@compiled
def _reduce(books, order, shares):
    """Take shares off an order; at 0 it leaves."""
    if shares == books.orders[order].shares:
        leave(books, order)
        return
    resting = books.orders[order]
    resting.shares -= shares
    if resting.level != FAR:
        books.levels[resting.symbol, resting.side, resting.level].depth -= shares


@compiled
def _execute(market, order, shares):
    log_execute(
        market.tape, market.books.orders[order].symbol, market.books.orders[order].reference, shares
    )
    _reduce(market.books, order, shares)


@compiled
def _replace(market, order, level, shares):
    """Replace an order by one at another level; return the new one's row."""
    books = market.books
    symbol, side = books.orders[order].symbol, books.orders[order].side
    price = _price(market.symbols, symbol, level)
    reference = log_replace(market.tape, symbol, books.orders[order].reference, shares, price)
    leave(books, order)
    return join(books, symbol, side, level, shares, reference)


@compiled
def _behind(market, symbol, side, distance):
    """Return the level so far behind the wanted touch; it never crosses."""
    books, symbols = market.books, market.symbols
    other = books.best[symbol, 1 - side]
    if side == BUY:
        level = symbols.want[symbol, BUY] - distance
        if other != NO_ORDER:
            level = min(level, other - 1)
    else:
        level = symbols.want[symbol, SELL] + distance
        if other != NO_ORDER:
            level = max(level, other + 1)
    return max(0, min(LEVELS - 1, level))


@compiled
def _set_wants(symbols, symbol):
    """Set the levels of the touch from the fair price, rounded outwards."""
    unit = symbols.listed[symbol].tick << FRACTION
    low = (symbols.listed[symbol].fair - symbols.listed[symbol].half) // unit - symbols.listed[
        symbol
    ].base
    high = (
        -((-symbols.listed[symbol].fair - symbols.listed[symbol].half) // unit)
        - symbols.listed[symbol].base
    )
    symbols.want[symbol, BUY] = max(MARGIN, min(LEVELS - MARGIN - 2, low))
    symbols.want[symbol, SELL] = max(symbols.want[symbol, BUY] + 1, min(LEVELS - MARGIN, high))


@compiled
def _clear_inside(market, symbol, side):
    """Take or withdraw what rests nearer than the wanted touch."""
    tape, books, want = market.tape, market.books, market.symbols.want
    while room(tape):
        best = books.best[symbol, side]
        if best == NO_ORDER:
            return
        if not (best > want[symbol, BUY] if side == BUY else best < want[symbol, SELL]):
            return
        order = books.levels[symbol, side, best].head
        crossed = best >= want[symbol, SELL] if side == BUY else best <= want[symbol, BUY]
        kind = below(tape, 100)
        if kind < (40 if crossed else 5):
            _execute(market, order, books.orders[order].shares)
        elif kind < 75:
            _delete(market, order)
        else:
            level = _behind(market, symbol, side, below(tape, 4))
            _plan_end(market, _replace(market, order, level, books.orders[order].shares))


@compiled
def _any_order(market, symbol, side):
    """Return some order of a side that is not far, or `NO_ORDER`."""
    books = market.books
    for _ in range(4):
        if books.live_count[symbol] == 0:
            return NO_ORDER
        order = books.live[symbol, below(market.tape, books.live_count[symbol])]
        if books.orders[order].level != FAR and (side < 0 or books.orders[order].side == side):
            return order
    return NO_ORDER


@compiled
def _fill(market, symbol, side, level):
    """Let makers fill a level: with orders from elsewhere, or new ones."""
    tape, books = market.tape, market.books
    while room(tape) and books.levels[symbol, side, level].depth < TOUCH_SHARES:
        shares = 100 * (2 + below(tape, 4))
        order = _any_order(market, symbol, side)
        usable = order != NO_ORDER and 0 < abs(books.orders[order].level - level) <= NEAR
        if usable and (_full(books, symbol) or below(tape, 100) < 45):
            maker = _replace(market, order, level, shares)
        elif books.live_count[symbol] < LIVE:
            maker = _add(market, symbol, side, level, shares)
        else:
            return
        stay = MAKER_STAYS_NS + below(tape, 9 * MAKER_STAYS_NS)
        plan(market.agenda, tape.clock[0].now_ns + stay, maker, books.orders[maker].life)


@compiled
def _fill_touch(market, symbol, side):
    """Let makers fill the wanted touch, and sometimes a level behind it."""
    level = market.symbols.want[symbol, side]
    _fill(market, symbol, side, level)
    distance = 1 + below(market.tape, MAKER_LEVELS)
    _fill(market, symbol, side, level - distance if side == BUY else level + distance)


@compiled
def _reprice(market, symbol):
    """Bring the touch to where the fair price wants it, widening before narrowing."""
    if market.symbols.listed[symbol].halted:
        return
    first = below(market.tape, 2)
    for side in (first, 1 - first):
        _clear_inside(market, symbol, side)
    for side in (first, 1 - first):
        _fill_touch(market, symbol, side)


@compiled
def _aggress(market, symbol, side):
    """Somebody takes what is best on the other side, down to a limit; the rest may join."""
    tape, books, symbols = market.tape, market.books, market.symbols
    limit = books.best[symbol, 1 - side]
    if limit == NO_ORDER or abs(limit - symbols.want[symbol, 1 - side]) > REACH:
        return
    if below(tape, 5) == 0:
        limit += 1 if side == BUY else -1
    shares = _size(tape) + (200 if below(tape, 3) == 0 else 0)
    while shares and room(tape):
        best = books.best[symbol, 1 - side]
        if best == NO_ORDER or (best > limit if side == BUY else best < limit):
            break
        order = books.levels[symbol, 1 - side, best].head
        taken = min(shares, books.orders[order].shares)
        _execute(market, order, taken)
        shares -= taken
    if shares and room(tape) and not symbols.listed[symbol].careful and not _full(books, symbol):
        best = books.best[symbol, 1 - side]
        free = best == NO_ORDER or (best > limit if side == BUY else best < limit)
        if free and MARGIN <= limit < LEVELS - MARGIN:
            _plan_end(market, _add(market, symbol, side, limit, shares))


@compiled
def _act(market, symbol):
    """Somebody does something in a symbol."""
    tape, books = market.tape, market.books
    kind = below(tape, 1000)
    full = _full(books, symbol)
    order = _any_order(market, symbol, -1)
    if kind < 690 and not full:
        side = below(tape, 2)
        level = _behind(market, symbol, side, _distance(tape))
        _plan_end(market, _add(market, symbol, side, level, _size(tape)))
    elif kind < 760 and order != NO_ORDER:
        level = _behind(market, symbol, books.orders[order].side, _distance(tape))
        _plan_end(market, _replace(market, order, level, _size(tape)))
    elif kind < 790 and order != NO_ORDER:
        if books.orders[order].shares > 1:
            cut = 1 + below(tape, books.orders[order].shares - 1)
            log_reduce(tape, symbol, books.orders[order].reference, cut)
            _reduce(books, order, cut)
    elif kind < 810 and order != NO_ORDER:
        _delete(market, order)
    elif kind < 900:
        _aggress(market, symbol, below(tape, 2))
    elif kind < 940:
        log_trade(tape, symbol, _size(tape), market.symbols.listed[symbol].fair >> FRACTION)
    elif kind < 955:
        side = below(tape, 2)
        best = books.best[symbol, side]
        if best != NO_ORDER:
            order = books.levels[symbol, side, best].head
            shares = 1 + below(tape, books.orders[order].shares)
            price = _price(market.symbols, symbol, best)
            log_printed(tape, symbol, books.orders[order].reference, shares, True, price)
            _reduce(books, order, shares)
    elif kind < 965:
        log_retail(tape, symbol)
    elif not full:
        side = below(tape, 2)
        level = _behind(market, symbol, side, 1 + _distance(tape))
        _add(market, symbol, side, level, 100 * (1 + below(tape, 20)))


@compiled
def _end_plan(market, order):
    """An order's time has come: it goes, or changes, or gets smaller."""
    tape, books = market.tape, market.books
    symbol, side, level = (
        books.orders[order].symbol,
        books.orders[order].side,
        books.orders[order].level,
    )
    kind = below(tape, 100)
    if kind < 88 or level == FAR or market.symbols.listed[symbol].halted:
        _delete(market, order)
    elif kind < 97:
        behind = _behind(market, symbol, side, _distance(tape))
        _plan_end(market, _replace(market, order, behind, _size(tape)))
    elif books.orders[order].shares > 1:
        cut = 1 + below(tape, books.orders[order].shares - 1)
        log_reduce(tape, symbol, books.orders[order].reference, cut)
        _reduce(books, order, cut)
        _plan_end(market, order)
    else:
        _delete(market, order)
    if level == market.symbols.want[symbol, side] and not market.symbols.listed[symbol].halted:
        _fill(market, symbol, side, level)


@compiled
def _move(market, actor):
    """Let the fair prices of an actor's symbols take a step."""
    tape, symbols, memory = market.tape, market.symbols, market.actors.memory
    one = market.actors.cast[actor]
    step = (_noise(tape) * one.walk_step) // NOISE_DEVIATION
    one.walk += step - one.walk // memory[1]
    symbols.listed[one.b].fair = one.reference + one.walk
    if one.a != one.b:
        step = (_noise(tape) * one.deviation_step) // NOISE_DEVIATION
        deviation = one.deviation + step - one.deviation // memory[0]
        one.deviation = max(-one.deviation_clamp, min(one.deviation_clamp, deviation))
        symbols.listed[one.a].fair = (
            one.hedge_percent * symbols.listed[one.b].fair // 100 + one.mean + one.deviation
        )
    _set_wants(symbols, one.a)
    _set_wants(symbols, one.b)


@compiled
def _turn(market, actor):
    """One actor's symbols move, and things happen in them."""
    tape, symbols = market.tape, market.symbols
    a, b = market.actors.cast[actor].a, market.actors.cast[actor].b
    if symbols.listed[a].halted or symbols.listed[b].halted:
        return
    _move(market, actor)
    first, second = (a, b) if below(tape, 2) else (b, a)
    _reprice(market, first)
    if second != first:
        _reprice(market, second)
    for _ in range(1 + below(tape, 10)):
        if room(tape):
            _act(market, a if below(tape, 2) else b)
    _reprice(market, a)
    if a != b:
        _reprice(market, b)


@compiled
def seed_books(market, until_ns):
    """Fill the books before the open: a few levels each side, and orders far away."""
    tape, books, symbols = market.tape, market.books, market.symbols
    count = len(symbols.listed)
    step = (until_ns - tape.clock[0].now_ns) // (count + 1)
    for symbol in range(count):
        tape.clock[0].now_ns += step
        _set_wants(symbols, symbol)
        for side in (BUY, SELL):
            price = LOWEST_PRICE if side == BUY else HIGHEST_PRICE
            reference = log_join(tape, symbol, side, STUB_SHARES, price, False)
            join(books, symbol, side, FAR, STUB_SHARES, reference)
            for distance in (0, 1, 1 + below(tape, 3), 2 + below(tape, 9), 5 + below(tape, 40)):
                level = _behind(market, symbol, side, distance)
                _add(market, symbol, side, level, 100 * (1 + below(tape, 5)))
        far = symbols.listed[symbol].fair // 2 >> FRACTION
        far -= far % symbols.listed[symbol].tick
        shares = 100 * (1 + below(tape, 9))
        reference = log_join(tape, symbol, BUY, shares, far, False)
        join(books, symbol, BUY, FAR, shares, reference)


@compiled
def open_market(market):
    """Cross each symbol: what is best on both sides trades, at one price and one nanosecond."""
    tape, books, symbols = market.tape, market.books, market.symbols
    for symbol in range(len(symbols.listed)):
        tape.clock[0].now_ns += 20_000 + below(tape, 200_000)
        tape.clock[0].pace = STILL
        bid, ask = books.best[symbol, BUY], books.best[symbol, SELL]
        buyer, seller = books.levels[symbol, BUY, bid].head, books.levels[symbol, SELL, ask].head
        shares = min(books.orders[buyer].shares, books.orders[seller].shares)
        price = symbols.listed[symbol].fair >> FRACTION
        price -= price % symbols.listed[symbol].tick
        for order in (buyer, seller):
            log_printed(tape, symbol, books.orders[order].reference, shares, False, price)
            _reduce(books, order, shares)
        log_cross(tape, symbol, shares, price, OPENING)
        tape.clock[0].pace = NORMAL


@compiled
def close_market(market):
    """Report a closing cross of each symbol; nothing was paired."""
    for symbol in range(len(market.symbols.listed)):
        market.tape.clock[0].now_ns += 1000 + below(market.tape, 100_000)
        log_cross(market.tape, symbol, 0, 0, CLOSING)


@compiled
def _cluster(tape):
    """Return how many turns come at once, and at what pace."""
    kind = below(tape, 1000)
    if kind < 750:
        return 1, NORMAL
    if kind < 960:
        return 2 + below(tape, 4), NORMAL
    if kind < 997:
        return 4 + below(tape, 12), BURST
    return 30 + below(tape, 10), BURST


@compiled
def _change_states(market, halts, until_ns):
    """Halt and resume what is due."""
    tape = market.tape
    while halts.done[0] < len(halts.states) and room(tape):
        at = halts.done[0]
        if halts.states[at].when_ns > until_ns:
            return
        symbol = halts.states[at].symbol
        tape.clock[0].now_ns = max(tape.clock[0].now_ns, halts.states[at].when_ns)
        log_state(tape, symbol, halts.states[at].state)
        market.symbols.listed[symbol].halted = halts.states[at].state == HALTED
        halts.done[0] += 1


@compiled
def trade(market, halts, close_ns, most):
    """Trade until the budget is used, or this many more messages; return whether it is used.

    Turns come in clusters; how long one waits for the next follows from what is left of the budget
    and of the day, so that both end together.
    """
    tape, agenda, actors = market.tape, market.agenda, market.actors
    first_row, stop = tape.clock[0].rows, tape.clock[0].rows + most
    clusters = 0
    while room(tape) and tape.clock[0].rows < stop:
        each = 14 if clusters < 20 else (tape.clock[0].rows - first_row) // clusters + 1
        left = max(1, (tape.clock[0].budget - tape.clock[0].rows) // each)
        wait = _waiting(tape, max(0, close_ns - tape.clock[0].now_ns) // left)
        next_ns = max(tape.clock[0].now_ns, min(tape.clock[0].now_ns + wait, close_ns - MS))
        while due_ns(agenda) <= next_ns and room(tape):
            when_ns = due_ns(agenda)
            order, life = take(agenda)
            if market.books.orders[order].life == life:
                tape.clock[0].now_ns = max(tape.clock[0].now_ns, when_ns)
                _end_plan(market, order)
        _change_states(market, halts, next_ns)
        tape.clock[0].now_ns = max(tape.clock[0].now_ns, next_ns)
        turns, tape.clock[0].pace = _cluster(tape)
        for _ in range(turns):
            _turn(market, actors.turn[below(tape, len(actors.turn))])
        tape.clock[0].pace = NORMAL
        clusters += 1
    return not room(tape)
