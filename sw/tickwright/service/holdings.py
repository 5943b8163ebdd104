"""What is held and what is under way: the card's ledger, its orders, and what a desk says of them.

Positions are the card's; quotes and orders are those of the recorder's snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping

from tickwright.host.ledger import PHASES, read_account, read_pair
from tickwright.recorder.snapshot import NewestQuote
from tickwright.risk.checks import STATES
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key
from tickwright.service.loading import confirm_limits
from tickwright.service.post import Post
from tickwright.service.protocol import (
    Empty,
    LoadPositions,
    OrderRow,
    Orders,
    PositionRow,
    Positions,
)

__all__ = [
    "held_rows",
    "load_positions",
    "quotes_by_symbol",
    "show_orders",
    "show_positions",
    "twice_mid",
    "unpaired",
]

MOST_SHARES = (1 << 31) - 1


def show_positions(post: Post, by: Key, asked: Empty) -> Positions:
    """Return the card's ledger."""
    return Positions(bool(post.card.risk.confirmed), _rows(post))


def held_rows(post: Post) -> list[PositionRow]:
    """Return the symbols of which something is held."""
    return [row for row in _rows(post) if row.position]


def unpaired(post: Post) -> dict[str, int]:
    """Return by symbol the shares that no pair holds, where there are any."""
    stored, held = post.parameters, [0] * len(post.names)
    for index, pair in enumerate(() if stored is None else stored.setup.pairs):
        state = read_pair(post.card, index)
        held[pair.symbol_a] += state.held_a
        held[pair.symbol_b] += state.held_b
    found = [read_account(post.card, index).position for index in range(len(held))]
    return {
        name: position - paired
        for name, position, paired in zip(post.names, found, held, strict=True)
        if position != paired
    }


def show_orders(post: Post, by: Key, asked: Empty) -> Orders:
    """Return the newest orders. Raises ServiceError where no records of now tell them."""
    snapshot = post.telemetry()
    if snapshot is None:
        raise ServiceError.failed(f"orders: {post.telemetry_fault}")
    names = post.names
    return Orders(
        [
            OrderRow(
                user_ref=order.user_ref,
                intent=order.intent,
                symbol=names[order.symbol] if order.symbol < len(names) else str(order.symbol),
                side=order.side,
                shares=order.shares,
                price=order.price,
                filled=order.filled,
                state=order.state,
                card_ns=order.decided_ns,
            )
            for order in snapshot.orders
        ]
    )


def load_positions(post: Post, by: Key, asked: LoadPositions) -> Positions:
    """Say what positions are, or that those of the ledger are right; and confirm them.

    The limits in force are put in force again, which is how the card takes a confirmation.
    """
    wanted = _wanted(post, asked)
    _check(post)
    if not asked.keep:
        _check_pairs(post, wanted)
    elif post.forgot:
        raise ServiceError.refused(
            "positions.load: keep: found a card that was reset since, and that knows no position, "
            "expected them to be said: those at the venue, or flat"
        )
    if asked.dry_run:
        rows = _rows(post)
        for row, position in zip(rows, wanted, strict=True):
            row.position = row.worst_long = position
            row.worst_short = -position
        return Positions(bool(post.card.risk.confirmed), rows)
    if not asked.keep:
        post.card.load_positions(wanted)
    confirm_limits(post)
    post.forgot = False
    return Positions(bool(post.card.risk.confirmed), _rows(post))


def quotes_by_symbol(post: Post) -> Mapping[int, NewestQuote]:
    """Return the newest quotes by index of their symbol; none where there is no recorder."""
    snapshot = post.telemetry()
    return {} if snapshot is None else {quote.symbol: quote for quote in snapshot.quotes}


def twice_mid(quote: NewestQuote | None) -> int | None:
    """Return twice the mid, in 1/20000 dollar; None where a side lacks or is not trusted."""
    if quote is None or quote.reasons or not quote.bid or not quote.ask:
        return None
    return quote.bid + quote.ask


def _rows(post: Post) -> list[PositionRow]:
    quotes = quotes_by_symbol(post)
    rows = []
    for index, name in enumerate(post.names):
        account = read_account(post.card, index)
        rows.append(
            PositionRow(
                symbol=name,
                position=account.position,
                worst_long=account.worst_long,
                worst_short=account.worst_short,
                mid=twice_mid(quotes.get(index)),
            )
        )
    return rows


def _wanted(post: Post, asked: LoadPositions) -> list[int]:
    """Return the position of each symbol as it is to be."""
    names = post.names
    if asked.keep and asked.positions:
        raise ServiceError.wrong(
            "positions.load: found positions and keep, expected one of the two"
        )
    for name, position in asked.positions.items():
        if name not in names:
            raise ServiceError.wrong(
                f"positions.load: found symbol {name!r}, expected one of the desk file in force"
            )
        if abs(position) > MOST_SHARES:
            raise ServiceError.wrong(
                f"positions.load: {name}: found {position}, expected at most {MOST_SHARES} "
                "shares, long or short"
            )
    if asked.keep:
        return [read_account(post.card, index).position for index in range(len(names))]
    return [asked.positions.get(name, 0) for name in names]


def _check(post: Post) -> None:
    """Raise where positions cannot be taken now."""
    card = post.card
    if post.parameters is None:
        raise ServiceError.refused(
            "positions.load: found no symbols that are known, expected a desk file in force"
        )
    if post.limits is None:
        raise ServiceError.refused(
            "positions.load: found no limits that are known, expected a limits file in force: it "
            "confirms the positions"
        )
    if (state := card.state) != STATES[0]:
        raise ServiceError.refused(
            f"positions.load: state of the gate: found {state}, expected killed"
        )
    if count := card.risk.open_orders:
        raise ServiceError.refused(
            f"positions.load: found {count} open orders, expected none: wait for the venue"
        )


def _check_pairs(post: Post, wanted: list[int]) -> None:
    """Raise where a pair holds a symbol, or may come to, whose position would change.

    What a pair holds cannot be told to it: it would exit from what nobody has any more.
    """
    stored = post.parameters
    for index, pair in enumerate(() if stored is None else stored.setup.pairs):
        state = read_pair(post.card, index)
        if state.phase == PHASES[0]:
            continue
        for symbol in (pair.symbol_a, pair.symbol_b):
            if wanted[symbol] != (found := read_account(post.card, symbol).position):
                raise ServiceError.refused(
                    f"positions.load: {post.names[symbol]}: found {wanted[symbol]}, expected "
                    f"{found} as the card's ledger has it: pair {pair.name} is {state.phase} with "
                    f"{state.held_a} and {state.held_b} shares: let it exit, or reset the card"
                )
