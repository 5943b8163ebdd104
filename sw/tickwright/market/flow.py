"""Order flow of a synthetic market: makers who follow a fair price, and everybody else.

Makers keep the touch at the fair price less and plus their half-spread, rounded outwards; what
rests nearer is taken or withdrawn first, so that the touch is known when a turn ends and books do
not cross. In careful symbols nobody rests inside that touch, not even for a moment.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tickwright.market.agenda import Agenda, due_ns, plan, take
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

__all__ = ["Actors", "Halts", "Symbols", "close_market", "open_market", "seed_books", "trade"]

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
MAKER_STAYS_NS = 60 * SECOND

OPENING, CLOSING, HALTED, TRADING = (ord(code) for code in "OCHT")


class Symbols(NamedTuple):
    """Symbols of the market, in columns."""

    tick: npt.NDArray[np.int64]  # 1/10000 dollar
    base: npt.NDArray[np.int64]  # tick of level 0
    half: npt.NDArray[np.int64]  # half-spread, 1/10000 dollar * 2^-8
    careful: npt.NDArray[np.bool_]
    halted: npt.NDArray[np.bool_]
    fair: npt.NDArray[np.int64]  # 1/10000 dollar * 2^-8
    want: npt.NDArray[np.int64]  # level of the touch by symbol, side


class Actors(NamedTuple):
    """What moves together: pairs, and symbols of their own."""

    a: npt.NDArray[np.int64]  # symbol
    b: npt.NDArray[np.int64]  # symbol that drives a; the same if it stands alone
    hedge_percent: npt.NDArray[np.int64]
    mean: npt.NDArray[np.int64]  # 1/10000 dollar * 2^-8, as all below
    reference: npt.NDArray[np.int64]  # of b
    walk: npt.NDArray[np.int64]  # how far b is from its reference
    walk_step: npt.NDArray[np.int64]
    deviation: npt.NDArray[np.int64]
    deviation_step: npt.NDArray[np.int64]
    deviation_clamp: npt.NDArray[np.int64]
    memory: npt.NDArray[np.int64]  # turns: of the deviation, of the walk
    turn: npt.NDArray[np.int64]  # whose turn it is, by chance


class Halts(NamedTuple):
    """Trading states to come, in order of time."""

    when_ns: npt.NDArray[np.int64]
    symbol: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]
    done: npt.NDArray[np.int64]


class Market(NamedTuple):
    """All of it."""

    tape: Tape
    books: Books
    agenda: Agenda
    symbols: Symbols
    actors: Actors


@njit(cache=True)
def _noise(tape):
    """Return a random integer, nearly normal, with `NOISE_DEVIATION` around 0 and bounded."""
    bits = roll(tape.dice)
    total = np.int64(0)
    for place in range(8):
        total += np.int64((bits >> np.uint64(8 * place)) & np.uint64(0xFF))
    return max(-NOISE_LIMIT, min(NOISE_LIMIT, total - NOISE_MEAN))


@njit(cache=True)
def _waiting(tape, mean):
    """Return a random time, nearly exponential, of this mean; the logarithm is piecewise linear."""
    bits = roll(tape.dice)
    zeros = 0
    while zeros < 20 and not (bits >> np.uint64(63 - zeros)) & np.uint64(1):
        zeros += 1
    fraction = np.int64(bits & np.uint64(0xFFFF))
    doublings = (zeros + 1) * 65536 - fraction
    return (mean * ((doublings * 45426) >> 16)) >> 16  # 45426 / 65536: the logarithm of 2


@njit(cache=True)
def _distance(tape):
    """Return how many levels behind the touch an order joins."""
    kind = below(tape, 100)
    if kind < 30:
        return 0
    if kind < 95:
        far = 1
        while far < 40 and below(tape, 4):
            far += 1
        return far
    return 20 + below(tape, 300)


@njit(cache=True)
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


@njit(cache=True)
def _lifetime_ns(tape):
    """Return how long an order means to stay; 0 for the whole day."""
    kind = below(tape, 100)
    if kind < 45:
        return 50_000 + below(tape, 5 * MS)
    if kind < 70:
        return 5 * MS + below(tape, 500 * MS)
    if kind < 92:
        return SECOND // 2 + below(tape, 20 * SECOND)
    if kind < 99:
        return 10 * SECOND + below(tape, 900 * SECOND)
    return 0


@njit(cache=True)
def _price(symbols, symbol, level):
    return (symbols.base[symbol] + level) * symbols.tick[symbol]


@njit(cache=True)
def _full(books, symbol):
    return books.live_count[symbol] >= FULL


@njit(cache=True)
def _plan_end(market, order):
    lifetime = _lifetime_ns(market.tape)
    if lifetime:
        plan(market.agenda, market.tape.now_ns[0] + lifetime, order, market.books.life[order])


@njit(cache=True)
def _add(market, symbol, side, level, shares):
    """A new order at a level; return its row."""
    price = _price(market.symbols, symbol, level)
    attributed = below(market.tape, 100) < 6
    reference = log_join(market.tape, symbol, side, shares, price, attributed)
    return join(market.books, symbol, side, level, shares, reference)


@njit(cache=True)
def _delete(market, order):
    log_delete(market.tape, market.books.symbol[order], market.books.reference[order])
    leave(market.books, order)


@njit(cache=True)
def _reduce(books, order, shares):
    """Take shares off an order; at 0 it leaves."""
    if shares == books.shares[order]:
        leave(books, order)
        return
    books.shares[order] -= shares
    level = books.level[order]
    if level != FAR:
        books.depth[books.symbol[order], books.side[order], level] -= shares


@njit(cache=True)
def _execute(market, order, shares):
    log_execute(market.tape, market.books.symbol[order], market.books.reference[order], shares)
    _reduce(market.books, order, shares)


@njit(cache=True)
def _replace(market, order, level, shares):
    """Replace an order by one at another level; return the new one's row."""
    books = market.books
    symbol, side = books.symbol[order], books.side[order]
    price = _price(market.symbols, symbol, level)
    reference = log_replace(market.tape, symbol, books.reference[order], shares, price)
    leave(books, order)
    return join(books, symbol, side, level, shares, reference)


@njit(cache=True)
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


@njit(cache=True)
def _set_wants(symbols, symbol):
    """Set the levels of the touch from the fair price, rounded outwards."""
    unit = symbols.tick[symbol] << FRACTION
    low = (symbols.fair[symbol] - symbols.half[symbol]) // unit - symbols.base[symbol]
    high = -((-symbols.fair[symbol] - symbols.half[symbol]) // unit) - symbols.base[symbol]
    symbols.want[symbol, BUY] = max(MARGIN, min(LEVELS - MARGIN - 2, low))
    symbols.want[symbol, SELL] = max(symbols.want[symbol, BUY] + 1, min(LEVELS - MARGIN, high))


@njit(cache=True)
def _clear_inside(market, symbol, side):
    """Take or withdraw what rests nearer than the wanted touch."""
    tape, books, want = market.tape, market.books, market.symbols.want
    while room(tape):
        best = books.best[symbol, side]
        if best == NO_ORDER:
            return
        if not (best > want[symbol, BUY] if side == BUY else best < want[symbol, SELL]):
            return
        order = books.head[symbol, side, best]
        crossed = best >= want[symbol, SELL] if side == BUY else best <= want[symbol, BUY]
        kind = below(tape, 100)
        if kind < (40 if crossed else 5):
            _execute(market, order, books.shares[order])
        elif kind < 75:
            _delete(market, order)
        else:
            level = _behind(market, symbol, side, below(tape, 4))
            _plan_end(market, _replace(market, order, level, books.shares[order]))


@njit(cache=True)
def _any_order(market, symbol, side):
    """Return some order of a side that is not far, or `NO_ORDER`."""
    books = market.books
    for _ in range(4):
        if books.live_count[symbol] == 0:
            return NO_ORDER
        order = books.live[symbol, below(market.tape, books.live_count[symbol])]
        if books.level[order] != FAR and (side < 0 or books.side[order] == side):
            return order
    return NO_ORDER


@njit(cache=True)
def _fill_touch(market, symbol, side):
    """Let makers fill the wanted touch: with orders from behind it, or new ones."""
    tape, books = market.tape, market.books
    level = market.symbols.want[symbol, side]
    while room(tape) and books.depth[symbol, side, level] < TOUCH_SHARES:
        shares = 100 * (2 + below(tape, 4))
        order = _any_order(market, symbol, side)
        usable = order != NO_ORDER and books.level[order] != level
        if usable and (_full(books, symbol) or below(tape, 100) < 45):
            maker = _replace(market, order, level, shares)
        elif books.live_count[symbol] < LIVE:
            maker = _add(market, symbol, side, level, shares)
        else:
            return
        stay = MAKER_STAYS_NS + below(tape, 9 * MAKER_STAYS_NS)
        plan(market.agenda, tape.now_ns[0] + stay, maker, books.life[maker])


@njit(cache=True)
def _reprice(market, symbol):
    """Bring the touch to where the fair price wants it, widening before narrowing."""
    if market.symbols.halted[symbol]:
        return
    first = below(market.tape, 2)
    for side in (first, 1 - first):
        _clear_inside(market, symbol, side)
    for side in (first, 1 - first):
        _fill_touch(market, symbol, side)


@njit(cache=True)
def _aggress(market, symbol, side):
    """Somebody takes what is best on the other side, down to a limit; the rest may join."""
    tape, books, symbols = market.tape, market.books, market.symbols
    limit = books.best[symbol, 1 - side]
    if limit == NO_ORDER:
        return
    if below(tape, 5) == 0:
        limit += 1 if side == BUY else -1
    shares = _size(tape) + (200 if below(tape, 3) == 0 else 0)
    while shares and room(tape):
        best = books.best[symbol, 1 - side]
        if best == NO_ORDER or (best > limit if side == BUY else best < limit):
            break
        order = books.head[symbol, 1 - side, best]
        taken = min(shares, books.shares[order])
        _execute(market, order, taken)
        shares -= taken
    if shares and room(tape) and not symbols.careful[symbol] and not _full(books, symbol):
        best = books.best[symbol, 1 - side]
        free = best == NO_ORDER or (best > limit if side == BUY else best < limit)
        if free and MARGIN <= limit < LEVELS - MARGIN:
            _plan_end(market, _add(market, symbol, side, limit, shares))


@njit(cache=True)
def _act(market, symbol):
    """Somebody does something in a symbol."""
    tape, books = market.tape, market.books
    kind = below(tape, 1000)
    full = _full(books, symbol)
    order = _any_order(market, symbol, -1)
    if kind < 600 and not full:
        side = below(tape, 2)
        level = _behind(market, symbol, side, _distance(tape))
        _plan_end(market, _add(market, symbol, side, level, _size(tape)))
    elif kind < 690 and order != NO_ORDER:
        level = _behind(market, symbol, books.side[order], _distance(tape))
        _plan_end(market, _replace(market, order, level, _size(tape)))
    elif kind < 720 and order != NO_ORDER:
        if books.shares[order] > 1:
            cut = 1 + below(tape, books.shares[order] - 1)
            log_reduce(tape, symbol, books.reference[order], cut)
            _reduce(books, order, cut)
    elif kind < 860 and order != NO_ORDER:
        _delete(market, order)
    elif kind < 935:
        _aggress(market, symbol, below(tape, 2))
    elif kind < 970:
        log_trade(tape, symbol, _size(tape), market.symbols.fair[symbol] >> FRACTION)
    elif kind < 985:
        side = below(tape, 2)
        best = books.best[symbol, side]
        if best != NO_ORDER:
            order = books.head[symbol, side, best]
            shares = 1 + below(tape, books.shares[order])
            price = _price(market.symbols, symbol, best)
            log_printed(tape, symbol, books.reference[order], shares, True, price)
            _reduce(books, order, shares)
    else:
        log_retail(tape, symbol)


@njit(cache=True)
def _end_plan(market, order):
    """An order's time has come: it goes, or changes, or gets smaller."""
    tape, books = market.tape, market.books
    symbol = books.symbol[order]
    kind = below(tape, 100)
    if kind < 88 or books.level[order] == FAR or market.symbols.halted[symbol]:
        _delete(market, order)
    elif kind < 97:
        level = _behind(market, symbol, books.side[order], _distance(tape))
        _plan_end(market, _replace(market, order, level, _size(tape)))
    elif books.shares[order] > 1:
        cut = 1 + below(tape, books.shares[order] - 1)
        log_reduce(tape, symbol, books.reference[order], cut)
        _reduce(books, order, cut)
        _plan_end(market, order)
    else:
        _delete(market, order)


@njit(cache=True)
def _move(market, actor):
    """Let the fair prices of an actor's symbols take a step."""
    tape, actors, symbols = market.tape, market.actors, market.symbols
    a, b = actors.a[actor], actors.b[actor]
    actors.walk[actor] += (_noise(tape) * actors.walk_step[actor]) // NOISE_DEVIATION - actors.walk[
        actor
    ] // actors.memory[1]
    symbols.fair[b] = actors.reference[actor] + actors.walk[actor]
    if a != b:
        deviation = (
            actors.deviation[actor]
            + (_noise(tape) * actors.deviation_step[actor]) // NOISE_DEVIATION
            - actors.deviation[actor] // actors.memory[0]
        )
        clamp = actors.deviation_clamp[actor]
        actors.deviation[actor] = max(-clamp, min(clamp, deviation))
        symbols.fair[a] = (
            actors.hedge_percent[actor] * symbols.fair[b] // 100
            + actors.mean[actor]
            + actors.deviation[actor]
        )
    _set_wants(symbols, a)
    _set_wants(symbols, b)


@njit(cache=True)
def _turn(market, actor):
    """One actor's symbols move, and things happen in them."""
    tape, symbols = market.tape, market.symbols
    a, b = market.actors.a[actor], market.actors.b[actor]
    if symbols.halted[a] or symbols.halted[b]:
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


@njit(cache=True)
def seed_books(market, until_ns):
    """Fill the books before the open: a few levels each side, and orders far away."""
    tape, books, symbols = market.tape, market.books, market.symbols
    count = len(symbols.tick)
    step = (until_ns - tape.now_ns[0]) // (count + 1)
    for symbol in range(count):
        tape.now_ns[0] += step
        _set_wants(symbols, symbol)
        for side in (BUY, SELL):
            price = LOWEST_PRICE if side == BUY else HIGHEST_PRICE
            reference = log_join(tape, symbol, side, STUB_SHARES, price, False)
            join(books, symbol, side, FAR, STUB_SHARES, reference)
            for distance in (0, 1, 1 + below(tape, 3), 2 + below(tape, 9), 5 + below(tape, 40)):
                level = _behind(market, symbol, side, distance)
                _add(market, symbol, side, level, 100 * (1 + below(tape, 5)))
        far = symbols.fair[symbol] // 2 >> FRACTION
        far -= far % symbols.tick[symbol]
        shares = 100 * (1 + below(tape, 9))
        reference = log_join(tape, symbol, BUY, shares, far, False)
        join(books, symbol, BUY, FAR, shares, reference)


@njit(cache=True)
def open_market(market):
    """Cross each symbol: what is best on both sides trades, at one price and one nanosecond."""
    tape, books, symbols = market.tape, market.books, market.symbols
    for symbol in range(len(symbols.tick)):
        tape.now_ns[0] += 20_000 + below(tape, 200_000)
        tape.pace[0] = STILL
        bid, ask = books.best[symbol, BUY], books.best[symbol, SELL]
        buyer, seller = books.head[symbol, BUY, bid], books.head[symbol, SELL, ask]
        shares = min(books.shares[buyer], books.shares[seller])
        price = symbols.fair[symbol] >> FRACTION
        price -= price % symbols.tick[symbol]
        for order in (buyer, seller):
            log_printed(tape, symbol, books.reference[order], shares, False, price)
            _reduce(books, order, shares)
        log_cross(tape, symbol, shares, price, OPENING)
        tape.pace[0] = NORMAL


@njit(cache=True)
def close_market(market):
    """Report a closing cross of each symbol; nothing was paired."""
    for symbol in range(len(market.symbols.tick)):
        market.tape.now_ns[0] += 1000 + below(market.tape, 100_000)
        log_cross(market.tape, symbol, 0, 0, CLOSING)


@njit(cache=True)
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


@njit(cache=True)
def _change_states(market, halts, until_ns):
    """Halt and resume what is due."""
    tape = market.tape
    while halts.done[0] < len(halts.when_ns) and room(tape):
        at = halts.done[0]
        if halts.when_ns[at] > until_ns:
            return
        symbol = halts.symbol[at]
        tape.now_ns[0] = max(tape.now_ns[0], halts.when_ns[at])
        log_state(tape, symbol, halts.state[at])
        market.symbols.halted[symbol] = halts.state[at] == HALTED
        halts.done[0] += 1


@njit(cache=True)
def trade(market, halts, close_ns, most):
    """Trade until the budget is used, or this many more messages; return whether it is used.

    Turns come in clusters; how long one waits for the next follows from what is left of the budget
    and of the day, so that both end together.
    """
    tape, agenda, actors = market.tape, market.agenda, market.actors
    first_row, stop = tape.rows[0], tape.rows[0] + most
    clusters = 0
    while room(tape) and tape.rows[0] < stop:
        each = 14 if clusters < 20 else (tape.rows[0] - first_row) // clusters + 1
        left = max(1, (tape.budget[0] - tape.rows[0]) // each)
        wait = _waiting(tape, max(0, close_ns - tape.now_ns[0]) // left)
        next_ns = max(tape.now_ns[0], min(tape.now_ns[0] + wait, close_ns - MS))
        while due_ns(agenda) <= next_ns and room(tape):
            when_ns = due_ns(agenda)
            order, life = take(agenda)
            if market.books.life[order] == life:
                tape.now_ns[0] = max(tape.now_ns[0], when_ns)
                _end_plan(market, order)
        _change_states(market, halts, next_ns)
        tape.now_ns[0] = max(tape.now_ns[0], next_ns)
        turns, tape.pace[0] = _cluster(tape)
        for _ in range(turns):
            _turn(market, actors.turn[below(tape, len(actors.turn))])
        tape.pace[0] = NORMAL
        clusters += 1
    return not room(tape)
